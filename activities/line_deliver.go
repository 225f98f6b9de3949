package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// Lines holds the steps by which the desk of a portal's open lines reads what is
// set, and hands over what it decided.
type Lines struct {
	Store    *store.Store
	Portals  *portals.Registry
	Temporal client.Client
	// Minute is what counts as a minute of the settings of lines; 0 = a minute.
	// See openlines.Event.
	Minute time.Duration
}

// LoadLines tells a new desk of all lines and operators of the portal. Lines that
// are not active are told as well: sessions may still be open there.
func (a *Lines) LoadLines(ctx context.Context, in workflows.LoadLinesInput) (workflows.LoadedLines, error) {
	out, err := a.loadLines(ctx, in.Portal)
	return out, classify(ctx, "", err)
}

func (a *Lines) loadLines(ctx context.Context, portal string) (out workflows.LoadedLines, err error) {
	lines, err := a.Store.Lines(ctx, portal)
	if err != nil {
		return out, err
	}
	operators, err := a.Store.Operators(ctx, portal)
	if err != nil {
		return out, err
	}
	departments, err := a.departments(ctx, portal, lines)
	if err != nil {
		return out, err
	}
	numbers, err := a.Store.LineNumbers(ctx, portal)
	if err != nil {
		return out, err
	}
	out.LastRecord, out.LastSession = numbers.LastRecord, numbers.LastSession
	for i := range lines {
		out.Events = append(out.Events, a.lineEvent(lines[i], departments))
	}
	for i := range operators {
		operator := operators[i].Operator
		out.Events = append(out.Events, openlines.Event{Kind: openlines.OperatorChanged, Operator: &operator})
	}
	return out, nil
}

// LineEvent is one line as the desk hears of it. Only departments need the portal.
func (a *Lines) LineEvent(ctx context.Context, line store.Line) (openlines.Event, error) {
	departments, err := a.departments(ctx, line.Portal, []store.Line{line})
	return a.lineEvent(line, departments), err
}

func (a *Lines) lineEvent(line store.Line, departments map[int64][]openlines.UserID) openlines.Event {
	conf := line.Settings
	members := openlines.ExpandMembers(conf.Members, func(id int64) []openlines.UserID { return departments[id] })
	return openlines.Event{Kind: openlines.LineChanged, Line: line.ID, Settings: &conf, Members: members, Minute: a.Minute}
}

// maxSignals is how many sessions are told at once.
const maxSignals = 16

// DeliverLine stores what the desk recorded, and hands its commands to the
// workflow of each session. A repetition changes nothing: records have numbers
// that are stored once, and a session knows the numbers of its commands.
func (a *Lines) DeliverLine(ctx context.Context, in workflows.LineDelivery) (bool, error) {
	err := a.deliverLine(ctx, in)
	return err == nil, classify(ctx, "", err)
}

func (a *Lines) deliverLine(ctx context.Context, in workflows.LineDelivery) error {
	if err := a.Store.SaveLineRecords(ctx, in.Portal, in.Records); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxSignals)
	for _, p := range parcelsOf(in) {
		group.Go(func() error { return a.tellSession(ctx, in.Portal, p) })
	}
	return group.Wait()
}

// lineParcel is what one session gets.
type lineParcel struct {
	session openlines.SessionID
	chat    openlines.ChatID
	line    openlines.LineID
	records []openlines.Record
	what    workflows.LineCommands
}

// parcelsOf sorts a delivery by sessions, in the order of their numbers. A
// session of which nothing has to be done or told gets none.
func parcelsOf(in workflows.LineDelivery) []*lineParcel {
	known := map[openlines.SessionID]*lineParcel{}
	of := func(id openlines.SessionID) *lineParcel {
		if known[id] == nil {
			known[id] = &lineParcel{session: id}
		}
		return known[id]
	}
	for _, r := range in.Records {
		if r.Session != 0 {
			p := of(r.Session)
			p.records, p.chat, p.line = append(p.records, r), cmp.Or(p.chat, r.Chat), cmp.Or(r.Line, p.line)
		}
	}
	for _, c := range in.Commands {
		p := of(c.Command.Session)
		p.what.Commands, p.chat, p.line = append(p.what.Commands, c), cmp.Or(p.chat, c.Command.Chat), cmp.Or(p.line, c.Command.Line)
	}
	var out []*lineParcel
	for _, p := range known {
		if len(p.what.Commands) > 0 || slices.ContainsFunc(p.records, telling) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(x, y *lineParcel) int { return cmp.Compare(x.session, y.session) })
	return out
}

// tellSession signals the workflow of a session and starts it if it does not
// run. What has no session, as a command of the whole portal, is carried out
// under the number 0.
func (a *Lines) tellSession(ctx context.Context, portal string, p *lineParcel) error {
	if err := a.complete(ctx, portal, p); err != nil {
		return err
	}
	in := workflows.LineSessionInput{Portal: portal, Session: p.session}
	summary := "Commands of no session"
	if p.session != 0 {
		summary = fmt.Sprintf("Session %d of line %s", p.session, p.line)
	}
	_, err := a.Temporal.SignalWithStartWorkflow(ctx, workflows.LineSessionID(portal, p.session), workflows.SignalLineCommands, p.what,
		client.StartWorkflowOptions{
			TaskQueue:             workflows.DialogsQueue,
			WorkflowIDReusePolicy: enumspb.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE,
			StaticSummary:         summary,
			TypedSearchAttributes: workflows.LineSessionAttributes(in, p.chat, p.line),
		}, workflows.LineSessionWorkflow, in)
	return err
}

// complete adds where the session stands now, and its story in the words of
// people, with times of day in the line's zone.
func (a *Lines) complete(ctx context.Context, portal string, p *lineParcel) error {
	if p.session == 0 {
		p.what.Ended = true // there is no session that could still end
		return nil
	}
	row, err := a.Store.LineSession(ctx, portal, p.session)
	if errors.Is(err, store.ErrNotFound) {
		p.what.Ended = true // its beginning is in no log: nobody would tell its end
		return nil
	}
	if err != nil {
		return err
	}
	p.chat, p.line = row.Chat, row.Line
	p.what.State, p.what.Ended = string(row.State), row.State == openlines.Closed
	zone, err := a.zone(ctx, portal, row.Line)
	p.what.Story = story(p.records, zone)
	return err
}

// zone is the time zone of a line; UTC for one that was deleted.
func (a *Lines) zone(ctx context.Context, portal string, id openlines.LineID) (*time.Location, error) {
	line, found, err := lineOf(ctx, a.Store, portal, id)
	if err != nil || !found {
		return time.UTC, err
	}
	return zoneOf(line), nil
}
