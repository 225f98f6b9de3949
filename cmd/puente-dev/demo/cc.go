package demo

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"puente/internal/wait"
)

// center is one day of the contact center being played.
type center struct {
	Config
	crm    crm
	ledger ledger
	api    caller // contact-center of the portal, with the API key
	hook   caller // the signed webhook
	office office
	began  time.Time
	report CenterReport
}

// PlayContactCenter sends what a contact center would send in a day: requests of all three channels, calls with
// recordings, corrections, and each of the sixteen methods. It waits for the outcomes, looks at them in the CRM, prints
// them as a table and compares them with what was expected. Errors are as those of Play.
func PlayContactCenter(ctx context.Context, config Config) (CenterReport, error) {
	c := newCenter(config.withDefaults())
	if err := c.play(ctx); err != nil {
		return c.report, fmt.Errorf("play the contact center: %w", err)
	}
	c.report.print(c.Out)
	return c.report, nil
}

func newCenter(config Config) *center {
	reader := config.HTTPClient
	if reader == nil {
		reader, config.HTTPClient = elsewhere(requestLimit), &http.Client{Timeout: config.Deadline}
	}
	key := http.Header{"Authorization": {"Bearer " + config.APIKey}}
	portal := config.APIURL + "/v1/portals/" + config.Portal
	return &center{
		Config: config, began: time.Now().UTC(),
		crm:    crm{caller{reader, strings.TrimRight(config.Bitrix24Webhook, "/"), nil}, config.Bitrix24URL},
		ledger: ledger{caller{config.HTTPClient, portal, key}},
		api:    caller{config.HTTPClient, portal + "/contact-center", key},
		hook:   caller{config.HTTPClient, config.APIURL + "/webhooks/contact-center/" + config.Portal, nil},
	}
}

func (c *center) play(ctx context.Context) error {
	c.office = office{stamp: c.began.Unix(), began: c.began, sounds: makeSounds()}
	files, err := openShelf(ctx, c.office.all())
	if err != nil {
		return err
	}
	defer func() { _ = files.close() }() // every recording was fetched by then, or the report says so
	c.office.files = files.base
	c.say("The contact center opens: requests from the site, by e-mail and by phone.")
	if c.office.crm, err = c.crm.regulars(ctx, c.office); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.day, c.afterClose, c.hourOfDoubt, c.sixteen} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return c.conclude(ctx)
}

func (c *center) day(ctx context.Context) error { return c.waves(ctx, c.office.waves()...) }

// waves plays waves, each when the one before has ended.
func (c *center) waves(ctx context.Context, waves ...Wave) error {
	for _, w := range waves {
		if err := c.wave(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

func (c *center) wave(ctx context.Context, w Wave) error {
	c.say("%s", w.Title)
	rows := make([]CenterRow, len(w.Inquiries))
	group, sending := errgroup.WithContext(ctx)
	for i, inquiry := range w.Inquiries {
		group.Go(func() (err error) {
			rows[i], err = c.send(sending, inquiry)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	err := c.await(ctx, rows)
	c.report.Rows = append(c.report.Rows, rows...)
	return err
}

// await waits until all rows have ended, or the deadline has come: then they stay as they are.
func (c *center) await(ctx context.Context, rows []CenterRow) error {
	deadline, shown := time.Now().Add(c.Deadline), time.Now()
	for {
		ended := 0
		for i := range rows {
			if err := c.follow(ctx, &rows[i]); err != nil {
				return err
			}
			if rows[i].ended() {
				ended++
			}
		}
		over := ended == len(rows) || time.Now().After(deadline)
		if over || time.Since(shown) > showEvery {
			c.say("  %d of %d outcomes are known", ended, len(rows))
			shown = time.Now()
		}
		if over {
			return nil
		}
		if err := wait.For(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// afterClose wins the credit deal of Ольга and asks for another one.
func (c *center) afterClose(ctx context.Context) error {
	for _, row := range c.report.Rows {
		if id := row.entityID("deal"); row.Inquiry.Wants.SameDeal == "credit of Olga" && id != 0 {
			fields := object{"id": id, "fields": object{"STAGE_ID": "C1:WON"}}
			if err := c.crm.method(ctx, "crm.deal.update", fields, nil); err != nil {
				return err
			}
		}
	}
	return c.waves(ctx, c.office.afterClose())
}

// hourOfDoubt is when the setting says that a person picks among clients that match equally well.
func (c *center) hourOfDoubt(ctx context.Context) error {
	before, err := c.ledger.ask(ctx)
	if err != nil {
		return err
	}
	err = c.waves(ctx, c.office.doubt()...)
	if back := c.ledger.settle(ctx, before); err == nil {
		err = back
	}
	return err
}

// conclude looks at everything in the CRM and judges it.
func (c *center) conclude(ctx context.Context) error {
	c.say("Looking at everything in the CRM.")
	if err := c.look(ctx); err != nil {
		return err
	}
	c.report.judge()
	return nil
}

func (c *center) say(format string, args ...any) {
	_, _ = fmt.Fprintf(c.Out, time.Now().Format("15:04:05")+"  "+format+"\n", args...)
}
