package setup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"puente/activities"
	"puente/bitrix24"
	"puente/chat2desk"
	"puente/settings"
	"puente/store"
)

// Accounts gives the clients of a portal; *portals.Registry is one.
type Accounts interface {
	Gateway(ctx context.Context, slug string) (bitrix24.Gateway, error)
	App(ctx context.Context, slug string) (bitrix24.Gateway, error)
	Chat2Desk(ctx context.Context, slug string) (*chat2desk.API, error)
}

// Checker checks settings against the real accounts.
type Checker struct {
	Accounts Accounts
	// Lines are the open lines of a portal; nil means that none has any.
	Lines func(ctx context.Context, slug string) ([]store.Line, error)
}

// ValidateSettings names what the settings ask for and the accounts do not
// have. The error says what could not be asked; problems found elsewhere are
// given all the same.
func (c Checker) ValidateSettings(ctx context.Context, portal string, s settings.Settings) ([]settings.Problem, error) {
	facts, err := c.Facts(ctx, portal, s)
	return settings.ValidateAgainst(s, facts), err
}

// Facts asks both accounts what the settings are checked against: one batch to
// Bitrix24, four calls to Chat2Desk and one for each channel that its list
// leaves out. What did not answer stays nil in the facts and is named by the
// error.
func (c Checker) Facts(ctx context.Context, portal string, s settings.Settings) (settings.PortalFacts, error) {
	var facts settings.PortalFacts
	gateway, crmErr := c.Accounts.Gateway(ctx, portal)
	if crmErr == nil {
		crmErr = crmFacts(ctx, gateway, s, &facts)
	}
	chat, chatErr := c.Accounts.Chat2Desk(ctx, portal)
	if chatErr == nil {
		chatErr = chatFacts(ctx, chat, s, &facts)
	}
	return facts, errors.Join(crmErr, chatErr)
}

// question is one command and what its answer fills.
type question struct {
	bitrix24.Command
	read func(bitrix24.Answer) error
}

func crmFacts(ctx context.Context, gateway bitrix24.Gateway, s settings.Settings, facts *settings.PortalFacts) error {
	questions := crmQuestions(s, facts)
	group := bitrix24.Group{}
	for i, q := range questions {
		q.Key = "q" + strconv.Itoa(i)
		group.Commands = append(group.Commands, q.Command)
	}
	results, err := gateway.Batch(ctx, group)
	if err != nil {
		return err
	}
	var failed []error
	for i, r := range results {
		if r.Err != nil {
			failed = append(failed, r.Err)
		} else if err := questions[i].read(r.Answer); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", questions[i].Method, err))
		}
	}
	return errors.Join(failed...)
}

// Entity type ids of crm.item methods (bitrix24 reference §3.2).
const (
	leadType = 1
	dealType = 2
)

func crmQuestions(s settings.Settings, facts *settings.PortalFacts) []question {
	questions := []question{
		{command("crm.category.list", bitrix24.Params{"entityTypeId": dealType}), func(a bitrix24.Answer) error { return readPipelines(a, facts) }},
		{command("crm.item.fields", bitrix24.Params{"entityTypeId": dealType}), fields(&facts.DealFields)},
		{command("crm.item.fields", bitrix24.Params{"entityTypeId": leadType}), fields(&facts.LeadFields)},
		{statuses("STATUS"), codes(func(c []string) { facts.LeadStages = c })},
		{statuses("SOURCE"), codes(func(c []string) { facts.Sources = c })},
	}
	if s.ContactCenter.RequisitePreset != 0 {
		questions = append(questions, question{
			command("crm.requisite.preset.list", bitrix24.Params{"select": []string{"ID"}}),
			func(a bitrix24.Answer) error { return readPresets(a, facts) },
		})
	}
	facts.DealStages = map[int64][]string{}
	for _, pipeline := range stagedPipelines(s) {
		questions = append(questions, question{statuses(stageDirectory(pipeline)), codes(func(c []string) { facts.DealStages[pipeline] = c })})
	}
	users := namedUsers(s)
	for start := 0; start < len(users); start += 50 { // pages of user.get have 50 rows
		ids := users[start:min(start+50, len(users))]
		questions = append(questions, question{
			command("user.get", bitrix24.Params{"FILTER": bitrix24.Params{"ID": ids, "ACTIVE": true}}),
			func(a bitrix24.Answer) error { return readUsers(a, facts) },
		})
	}
	return questions
}

func command(method string, p bitrix24.Params) bitrix24.Command {
	return bitrix24.Command{Method: method, Params: p}
}

func statuses(directory string) bitrix24.Command {
	return command("crm.status.list", bitrix24.Params{"filter": bitrix24.Params{"ENTITY_ID": directory}, "order": bitrix24.Params{"SORT": "ASC"}})
}

// stageDirectory names the stages of a pipeline (bitrix24 reference §3.8).
func stageDirectory(pipeline int64) string {
	if pipeline == 0 {
		return "DEAL_STAGE"
	}
	return fmt.Sprintf("DEAL_STAGE_%d", pipeline)
}

// stagedPipelines are those for which a first stage is set: at most the 40
// that still fit one batch; the portal judges the others when it creates.
func stagedPipelines(s settings.Settings) []int64 {
	seen := map[int64]bool{}
	var all []int64
	add := func(pipeline int64) {
		if !seen[pipeline] && len(all) < 40 {
			seen[pipeline] = true
			all = append(all, pipeline)
		}
	}
	for _, c := range s.CRM.Channels {
		if c.Stage != "" && c.Entity != settings.EntityLead {
			add(c.Pipeline)
		}
	}
	for _, p := range s.ContactCenter.Products {
		if p.Stage != "" {
			add(p.Pipeline)
		}
	}
	return all
}

// namedUsers are the Bitrix24 users that the settings name, at most 200.
func namedUsers(s settings.Settings) []int64 {
	named := append([]int64{s.Operators.Administrator, s.Operators.Fallback}, s.Operators.Supervisors...)
	for _, o := range s.Operators.Users {
		named = append(named, o.User)
	}
	for _, o := range s.ContactCenter.Operators {
		named = append(named, o.User)
	}
	for _, p := range s.ContactCenter.Products {
		named = append(named, p.User)
	}
	seen := map[int64]bool{0: true}
	var all []int64
	for _, id := range named {
		if !seen[id] && len(all) < 200 {
			seen[id] = true
			all = append(all, id)
		}
	}
	return all
}

func readPipelines(a bitrix24.Answer, facts *settings.PortalFacts) error {
	var out struct {
		Categories []struct {
			ID bitrix24.ID `json:"id"`
		} `json:"categories"`
	}
	if err := a.Decode(&out); err != nil {
		return err
	}
	facts.Pipelines = []int64{}
	for _, c := range out.Categories {
		facts.Pipelines = append(facts.Pipelines, int64(c.ID))
	}
	return nil
}

func readPresets(a bitrix24.Answer, facts *settings.PortalFacts) error {
	var rows []struct {
		ID bitrix24.ID `json:"ID"`
	}
	if err := a.Decode(&rows); err != nil {
		return err
	}
	facts.RequisitePresets = []int64{}
	for _, r := range rows {
		facts.RequisitePresets = append(facts.RequisitePresets, int64(r.ID))
	}
	return nil
}

func fields(dst *map[string]settings.FieldType) func(bitrix24.Answer) error {
	return func(a bitrix24.Answer) (err error) {
		*dst, err = activities.FieldTypes(a.Value)
		return err
	}
}

func codes(set func([]string)) func(bitrix24.Answer) error {
	return func(a bitrix24.Answer) error {
		var rows []struct {
			Code string `json:"STATUS_ID"`
		}
		if err := a.Decode(&rows); err != nil {
			return err
		}
		list := []string{}
		for _, r := range rows {
			list = append(list, r.Code)
		}
		set(list)
		return nil
	}
}

func readUsers(a bitrix24.Answer, facts *settings.PortalFacts) error {
	var rows []struct {
		ID     bitrix24.ID   `json:"ID"`
		Active bitrix24.Bool `json:"ACTIVE"`
	}
	if err := a.Decode(&rows); err != nil {
		return err
	}
	if facts.Users == nil {
		facts.Users = []int64{}
	}
	for _, r := range rows {
		if r.Active {
			facts.Users = append(facts.Users, int64(r.ID))
		}
	}
	return nil
}

func chatFacts(ctx context.Context, chat *chat2desk.API, s settings.Settings, facts *settings.PortalFacts) error {
	var channelErr error
	facts.Channels, channelErr = channelFacts(ctx, chat, s)
	operators, operatorErr := chat.Operators(ctx)
	facts.Operators = ids(operators, operatorErr, func(o chat2desk.Operator) int64 { return o.ID })
	tags, tagErr := chat.Tags(ctx)
	facts.Tags = ids(tags, tagErr, func(t chat2desk.Tag) int64 { return t.ID })
	custom, customErr := chat.CustomClientFields(ctx)
	if customErr == nil {
		facts.CustomFields = []string{}
		for _, f := range custom {
			facts.CustomFields = append(facts.CustomFields, strconv.FormatInt(f.ID, 10), f.Name)
		}
	}
	return errors.Join(channelErr, operatorErr, tagErr, customErr)
}

// channelFacts are the channels of the account. Their list may end after the
// first page, whatever there is besides (chat2desk reference §2.6), so those
// that the settings name and the list does not are asked for one by one.
func channelFacts(ctx context.Context, chat *chat2desk.API, s settings.Settings) ([]int64, error) {
	channels, err := chat.Channels(ctx)
	known := ids(channels, err, func(c chat2desk.Channel) int64 { return c.ID })
	for _, named := range s.CRM.Channels {
		if err != nil || slices.Contains(known, named.ID) {
			continue
		}
		_, fault := chat.Channel(ctx, named.ID)
		switch {
		case fault == nil:
			known = append(known, named.ID)
		case chat2desk.KindOf(fault) != chat2desk.KindNotFound:
			return nil, fault
		}
	}
	return known, err
}

// ids is nil only if the rows could not be had.
func ids[T any](rows []T, err error, id func(T) int64) []int64 {
	if err != nil {
		return nil
	}
	all := make([]int64, len(rows))
	for i, r := range rows {
		all[i] = id(r)
	}
	return all
}
