package portals

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"puente/bitrix24"
)

// LineEvents are the events of the CRM that open lines follow (openlines
// reference §8, bitrix24 reference §8.3): people complete chat activities, and
// give items to colleagues.
func LineEvents() []string {
	return []string{"ONCRMACTIVITYUPDATE", "ONCRMLEADUPDATE", "ONCRMDEALUPDATE", "ONCRMCONTACTUPDATE", "ONCRMCOMPANYUPDATE"}
}

// eventsPath is where the API takes the events of a portal.
func eventsPath(slug string) string { return "/webhooks/bitrix24/" + url.PathEscape(slug) }

// EventsURL is the address that a portal sends its events to; host is how the API
// is reached from outside, for example https://puente.example.com.
func EventsURL(host, slug string) string { return strings.TrimRight(host, "/") + eventsPath(slug) }

// Handlers say which of the events of open lines the application has subscribed to.
type Handlers struct {
	Wanted  string   // the address they shall go to; "" = not known yet
	Bound   []string // events that go there
	Missing []string // events that do not
	// Elsewhere are addresses of this portal that other handlers of the
	// application name: those of an earlier host.
	Elsewhere []string

	bound, stale []handler
}

// handler is a row of event.get (bitrix24 reference §8.1).
type handler struct {
	Event   string      `json:"event"`
	URL     string      `json:"handler"`
	User    bitrix24.ID `json:"auth_type"`
	Offline bitrix24.ID `json:"offline"`
}

// HandlersCommand asks for what ReadHandlers reads.
func HandlersCommand() bitrix24.Command { return bitrix24.Command{Key: "events", Method: "event.get"} }

// ReadHandlers compares what the application has subscribed to with what open
// lines of the portal slug need at the address wanted.
func ReadHandlers(res bitrix24.Result, slug, wanted string) (Handlers, error) {
	var rows []handler
	if err := res.Into(&rows); err != nil {
		return Handlers{}, err
	}
	h := Handlers{Wanted: wanted}
	for _, row := range rows {
		row.Event = strings.ToUpper(row.Event)
		switch at, err := url.Parse(row.URL); {
		case row.Offline != 0 || !slices.Contains(LineEvents(), row.Event):
		case row.URL == wanted:
			h.bound = append(h.bound, row)
			h.Bound = append(h.Bound, row.Event)
		case err == nil && at.EscapedPath() == eventsPath(slug):
			h.stale = append(h.stale, row)
			h.Elsewhere = append(h.Elsewhere, row.URL)
		}
	}
	h.Missing = slices.DeleteFunc(LineEvents(), func(e string) bool { return slices.Contains(h.Bound, e) })
	slices.Sort(h.Elsewhere)
	h.Elsewhere = slices.Compact(h.Elsewhere)
	return h, nil
}

// ErrNoEventsURL means that nobody has told yet where the portal reaches us.
var ErrNoEventsURL = errors.New("it is not known where the portal reaches this API")

// FollowCRM makes the portal send the events that its open lines need, and only
// while it has open lines; it may be repeated at any time. It gives how many
// subscriptions were made and ended. Errors: as of App; ErrNoEventsURL; or one of
// the portal, after which it is not known what was done.
func (r *Registry) FollowCRM(ctx context.Context, slug string) (changed int, err error) {
	follow, err := r.store.HasOpenLines(ctx, slug)
	if err != nil {
		return 0, err
	}
	p, err := r.Portal(ctx, slug)
	if err != nil {
		return 0, err
	}
	app, err := r.App(ctx, slug)
	if err != nil {
		return 0, err
	}
	wanted := p.Bitrix24.EventsURL
	if follow && wanted == "" {
		return 0, fmt.Errorf("portal %s: %w: tell by `puente portal events %s --host`", slug, ErrNoEventsURL, slug)
	}
	results, err := app.Batch(ctx, bitrix24.Group{Commands: []bitrix24.Command{HandlersCommand()}, Priority: bitrix24.Background})
	if err != nil {
		return 0, err
	}
	h, err := ReadHandlers(results[0], slug, wanted)
	if err != nil {
		return 0, err
	}
	return subscribe(ctx, app, h.changes(follow))
}

// changes are the commands that lead from what is bound to what is needed.
func (h Handlers) changes(follow bool) (commands []bitrix24.Command) {
	add := func(method, event, address string, user bitrix24.ID) {
		commands = append(commands, bitrix24.Command{
			Key: "e" + strconv.Itoa(len(commands)), Method: method,
			Params: bitrix24.Params{"event": event, "handler": address, "auth_type": int64(user)},
		})
	}
	for _, old := range h.stale {
		add("event.unbind", old.Event, old.URL, old.User)
	}
	if follow {
		for _, event := range h.Missing {
			add("event.bind", event, h.Wanted, 0)
		}
		return commands
	}
	for _, old := range h.bound {
		add("event.unbind", old.Event, old.URL, old.User)
	}
	return commands
}

// subscribe runs the commands. That a handler is bound already is no error: two
// processes may do this at once.
func subscribe(ctx context.Context, app bitrix24.Gateway, commands []bitrix24.Command) (done int, err error) {
	for chunk := range slices.Chunk(commands, bitrix24.MaxBatch) {
		results, lost := app.Batch(ctx, bitrix24.Group{Commands: chunk, Priority: bitrix24.Background})
		if lost != nil {
			return done, errors.Join(err, lost)
		}
		for _, res := range results {
			switch {
			case res.Err == nil:
				done++
			case !alreadyBound(res.Err):
				err = cmp.Or(err, res.Err)
			}
		}
	}
	return done, err
}

// alreadyBound recognises the refusal of a second handler at the same address;
// the portal has no code for it (bitrix24 reference §8.1).
func alreadyBound(err error) bool {
	var refused *bitrix24.Error
	return errors.As(err, &refused) && strings.Contains(strings.ToLower(refused.Description), "already")
}
