// Package demo plays a working day against a running Puente and says whether
// everything ended as it should. It talks only over HTTP, as people and other
// systems do: with the controls of the sandbox Chat2Desk, the REST of the
// sandbox Bitrix24, and the API of Puente.
package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"puente/internal/wait"
)

// Config says where everything listens.
type Config struct {
	Chat2DeskURL    string // of the sandbox, for example http://127.0.0.1:8092
	Bitrix24URL     string // of the sandbox, for example http://127.0.0.1:8091
	Bitrix24Webhook string // inbound webhook, http://127.0.0.1:8091/rest/1/sandboxsecret/
	APIURL          string // of Puente, http://127.0.0.1:8080
	APIKey          string // of the portal
	HMACKey         string // of the portal's contact center
	Portal          string // slug; "" = demo
	TemporalUIURL   string // http://127.0.0.1:8233
	Out             io.Writer
	HTTPClient      *http.Client  // nil = one with a timeout of 30 s
	Deadline        time.Duration // for each of the two waits for outcomes; 0 = 5 min
	Pause           time.Duration // between dialogs; 0 = 150 ms
}

const (
	pollEvery    = 400 * time.Millisecond
	showEvery    = 3 * time.Second
	requestLimit = 30 * time.Second
)

func (c Config) withDefaults() Config {
	if c.Portal == "" {
		c.Portal = "demo"
	}
	if c.Deadline == 0 {
		c.Deadline = 5 * time.Minute
	}
	if c.Pause == 0 {
		c.Pause = 150 * time.Millisecond
	}
	if c.Out == nil {
		c.Out = io.Discard
	}
	return c
}

// player is one day being played.
type player struct {
	Config
	chat   chat
	crm    crm
	ledger ledger
	began  time.Time
	report Report
}

// Play plays the day, waits for the outcomes, prints them as a table and
// compares them with what was expected. The error is one of the play itself:
// something did not answer. A day that was played but ended wrongly is a
// Report that is not OK, with every mismatch named.
func Play(ctx context.Context, config Config) (Report, error) {
	config = config.withDefaults()
	p := &player{Config: config, began: time.Now().UTC()}
	reader := config.HTTPClient
	if reader == nil {
		reader, config.HTTPClient = elsewhere(requestLimit), &http.Client{Timeout: requestLimit}
	}
	p.chat = chat{caller{config.HTTPClient, config.Chat2DeskURL, nil}}
	p.crm = crm{caller{reader, strings.TrimRight(config.Bitrix24Webhook, "/"), nil}, config.Bitrix24URL}
	key := http.Header{"Authorization": {"Bearer " + config.APIKey}}
	p.ledger = ledger{caller{config.HTTPClient, config.APIURL + "/v1/portals/" + config.Portal, key}}
	if err := p.play(ctx); err != nil {
		return p.report, fmt.Errorf("play the demo: %w", err)
	}
	p.report.print(p.Out)
	return p.report, nil
}

func (p *player) play(ctx context.Context) error {
	known, before, err := p.prepare(ctx)
	if err != nil {
		return err
	}
	day := Day(p.began.Unix(), known)
	p.say("The day begins: %d dialogs on four channels.", day.dialogs())
	results, err := p.scenes(ctx, day.Scenes)
	if err != nil {
		return err
	}
	after, err := p.crm.contacts(ctx)
	if err != nil {
		return err
	}
	p.report.Problems = append(p.report.Problems, checkContacts(day, before, after)...)
	parked, err := p.parkedHour(ctx, day.Parked)
	if err != nil {
		return err
	}
	p.report.Rows = append(results, parked...)
	return p.conclude(ctx)
}

// conclude judges the rows and adds up the requests.
func (p *player) conclude(ctx context.Context) error {
	// Counted before the demo itself asks the portal about every row.
	stats, err := p.crm.stats(ctx)
	if err != nil {
		return err
	}
	p.report.Portal = stats
	if err := p.crm.look(ctx, p.report.Rows); err != nil {
		return err
	}
	p.report.judge()
	return nil
}

// prepare removes what an aborted play left behind, and finds or makes the
// people whom the CRM knows already.
func (p *player) prepare(ctx context.Context) (known []Known, contacts int, err error) {
	if err = p.crm.removeMandatoryField(ctx); err != nil {
		return nil, 0, err
	}
	if known, err = p.crm.known(ctx, knownPeople, p.began.Unix()); err != nil {
		return nil, 0, err
	}
	contacts, err = p.crm.contacts(ctx)
	return known, contacts, err
}

// scenes plays scenes one after the other (those of a burst at once) and waits
// for their outcomes.
func (p *player) scenes(ctx context.Context, scenes []Scene) ([]Row, error) {
	rows := make([]Row, len(scenes))
	for i := 0; i < len(scenes); {
		if scenes[i].Later {
			if err := p.await(ctx, rows[:i]); err != nil {
				return rows, err
			}
		}
		n := burst(scenes[i:])
		p.say("%s", announce(scenes[i:i+n]))
		if err := p.chat.playAll(ctx, scenes[i:i+n], rows[i:i+n]); err != nil {
			return rows, err
		}
		i += n
		if err := wait.For(ctx, p.Pause); err != nil {
			return rows, err
		}
	}
	return rows, p.await(ctx, rows)
}

// burst is how many scenes from the first on belong to its burst.
func burst(scenes []Scene) int {
	n := 1
	for n < len(scenes) && scenes[0].Burst != "" && scenes[n].Burst == scenes[0].Burst {
		n++
	}
	return n
}

func announce(scenes []Scene) string {
	if len(scenes) > 1 {
		return fmt.Sprintf("%s (%d dialogs at once)", scenes[0].Burst, len(scenes))
	}
	return scenes[0].Title
}

// await fills the outcomes in as the ledger knows them, until all have ended
// or the deadline has come: then the rows stay as they are.
func (p *player) await(ctx context.Context, rows []Row) error {
	deadline := time.Now().Add(p.Deadline)
	shown, next := -1, time.Time{}
	for {
		found, err := p.ledger.since(ctx, p.began.Add(-time.Minute))
		if err != nil {
			return err
		}
		ended := match(rows, found, p.TemporalUIURL)
		over := ended == len(rows) || time.Now().After(deadline)
		if ended != shown && (over || time.Now().After(next)) {
			p.say("  %d of %d outcomes are known", ended, len(rows))
			shown, next = ended, time.Now().Add(showEvery)
		}
		if over {
			return nil
		}
		if err := wait.For(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// parkedHour is when an administrator made a field of the deal mandatory that
// nobody fills: syncs park with the portal's words. Afterwards the field is
// gone again, and a person runs the last of them once more.
func (p *player) parkedHour(ctx context.Context, scenes []Scene) ([]Row, error) {
	p.say("Somebody makes the field %q of deals mandatory.", mandatoryLabel)
	if err := p.crm.addMandatoryField(ctx); err != nil {
		return nil, err
	}
	rows, err := p.scenes(ctx, scenes)
	if gone := p.crm.removeMandatoryField(ctx); err == nil {
		err = gone
	}
	if err != nil || len(rows) == 0 {
		return rows, err
	}
	last := &rows[len(rows)-1]
	if last.Status != statusFailed {
		return rows, nil // the report will say so
	}
	last.Parked = last.Problem
	p.say("The field is gone again; %q is run once more.", last.Scene.Title)
	if err := p.ledger.rerun(ctx, last.SyncID, fmt.Sprintf("demo-%d", p.began.Unix())); err != nil {
		return rows, err
	}
	last.Status = ""
	return rows, p.await(ctx, rows[len(rows)-1:])
}

func (p *player) say(format string, args ...any) {
	_, _ = fmt.Fprintf(p.Out, time.Now().Format("15:04:05")+"  "+format+"\n", args...)
}
