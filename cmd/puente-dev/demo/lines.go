package demo

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"puente/internal/wait"
)

// lineDay is the chapter of open lines being played.
type lineDay struct {
	Config
	crm    crm
	chat   chat
	ledger ledger // the caller of the portal as well
	began  time.Time
	report LineReport
}

// PlayLines lets clients write on two open lines, and operators answer them, or not. It waits for the outcomes, looks
// at them in Chat2Desk and in the CRM, prints them as a table and compares them with what was expected. A minute of the
// settings of lines should last a second there (PUENTE_LINE_MINUTE), or it takes as many minutes. Errors are as those
// of Play.
func PlayLines(ctx context.Context, config Config) (LineReport, error) {
	l := newLineDay(config.withDefaults())
	if err := l.play(ctx); err != nil {
		return l.report, fmt.Errorf("play the open lines: %w", err)
	}
	l.report.print(l.Out)
	return l.report, nil
}

func newLineDay(config Config) *lineDay {
	reader := config.HTTPClient
	if reader == nil {
		reader, config.HTTPClient = elsewhere(requestLimit), &http.Client{Timeout: requestLimit}
	}
	key := http.Header{"Authorization": {"Bearer " + config.APIKey}, "X-Puente-Actor": {"demo"}}
	return &lineDay{
		Config: config, began: time.Now().UTC(),
		crm:    crm{caller{reader, strings.TrimRight(config.Bitrix24Webhook, "/"), nil}, config.Bitrix24URL},
		chat:   chat{caller{config.HTTPClient, config.Chat2DeskURL, nil}},
		ledger: ledger{caller{config.HTTPClient, config.APIURL + "/v1/portals/" + config.Portal, key}},
	}
}

func (l *lineDay) play(ctx context.Context) error {
	l.say("Two open lines open. On duty are user %d (Ana in Chat2Desk) and user %d (Boris), user %d is not.", userOlga, userPavel, userMaria)
	if err := l.open(ctx); err != nil {
		return err
	}
	deal, err := l.crm.client(ctx, l.phone(teresa))
	if err != nil {
		return err
	}
	l.report.Rows = l.people(deal)
	if err := l.perform(ctx, l.acts()); err != nil {
		return err
	}
	return l.conclude(ctx)
}

// perform plays acts one after the other; those that go on aside are waited for at the end.
func (l *lineDay) perform(ctx context.Context, acts []lineAct) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		for _, act := range acts {
			l.say("%s", act.Title)
			if act.Aside {
				group.Go(func() error { return l.act(ctx, act) })
			} else if err := l.act(ctx, act); err != nil {
				return err
			}
		}
		return nil
	})
	return group.Wait()
}

// open saves the lines and tells who is on duty, as an administrator would over the API.
func (l *lineDay) open(ctx context.Context) error {
	for name, line := range lines(l.began) {
		if err := l.ledger.do(ctx, http.MethodPut, "/lines/"+name, line, nil); err != nil {
			return err
		}
	}
	for user, presence := range map[int64]string{userOlga: "online", userPavel: "online", userMaria: "offline"} {
		path := fmt.Sprintf("/operators/%d", user)
		if err := l.ledger.do(ctx, http.MethodPut, path, object{"presence": presence}, nil); err != nil {
			return err
		}
	}
	return nil
}

// client makes a client with an open deal of the second operator.
func (c crm) client(ctx context.Context, phone string) (deal int64, err error) {
	var contact, made text
	person := object{"NAME": "Teresa", "ASSIGNED_BY_ID": userOlga, "PHONE": []object{{"VALUE": phone, "VALUE_TYPE": "MOBILE"}}}
	if err := c.method(ctx, "crm.contact.add", object{"fields": person}, &contact); err != nil {
		return 0, err
	}
	fields := object{"TITLE": "A new kitchen for Teresa", "CATEGORY_ID": 0, "CONTACT_ID": contact.id(), "ASSIGNED_BY_ID": userPavel}
	err = c.method(ctx, "crm.deal.add", object{"fields": fields}, &made)
	return made.id(), err
}

// act plays the steps of an act. What does not happen in time ends the chat of it, and stands in the report.
func (l *lineDay) act(ctx context.Context, act lineAct) error {
	row := &l.report.Rows[act.Who]
	for _, step := range act.Steps {
		if row.Stuck != "" {
			return nil
		}
		err := step(ctx, row)
		var stuck *stuckError
		if errors.As(err, &stuck) {
			row.Stuck = stuck.Error()
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", act.Title, err)
		}
	}
	return nil
}

// linePatience is how long the end waits for what goes on behind: marks in the CRM, texts, the transcript.
const linePatience = 30 * time.Second

// conclude looks at everything until it is as expected, or the patience is over; then it judges.
func (l *lineDay) conclude(ctx context.Context) error {
	l.say("Looking at everything in Chat2Desk and the CRM.")
	for until := time.Now().Add(linePatience); ; {
		if err := l.look(ctx); err != nil {
			return err
		}
		if l.report.judge(); l.report.OK || time.Now().After(until) {
			return nil
		}
		if err := wait.For(ctx, pollEvery); err != nil {
			return err
		}
	}
}

func (l *lineDay) say(format string, args ...any) {
	_, _ = fmt.Fprintf(l.Out, time.Now().Format("15:04:05")+"  "+format+"\n", args...)
}
