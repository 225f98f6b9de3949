package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"puente/bitrix24"
	"puente/internal/wait"
	"puente/openlines"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// Habits of the watch over the CRM.
const (
	// DefaultCRMLook is how often the open chats of a portal are looked up in its
	// CRM: an event that was lost is noticed within this time, or within three times
	// as long if the process that looked has died.
	DefaultCRMLook = 5 * time.Minute
	watchTick      = 3 * time.Second // how soon a new line, or a new application, is noticed
	watchParallel  = 4
	watchKey       = "crm-watch" // claimed by the process that looks
	// followAgain is how long subscriptions are trusted: somebody may end them in the portal.
	followAgain = time.Hour
	// watchMost bounds the open sessions of a look, the most urgent ones, so that it
	// is one request in almost every portal.
	watchMost  = 1000
	watchChunk = 50 // rows of a page (bitrix24 reference §2.3)
)

// crmWatch sees to it that what people do in the CRM reaches the open lines. The
// portal sends each event once: it keeps the subscriptions (bitrix24 reference
// §8.1), and looks from time to time whether an event was lost (§8.2). What it
// finds goes into the inbox as the event that did not come.
type crmWatch struct {
	*Dispatcher
	every time.Duration
	mu    sync.Mutex
	known map[string]watched
}

// watched is when a portal has its turn.
type watched struct {
	hold     time.Time // nothing is done before
	look     time.Time // next
	failures int
	followed string    // for what the subscriptions were seen to
	follow   time.Time // again at the latest
}

// errOthersTurn means that another process watches the portal.
var errOthersTurn = errors.New("another process watches this portal")

// watchCRM watches all portals with lines until the context ends.
func (d *Dispatcher) watchCRM(ctx context.Context) {
	w := &crmWatch{Dispatcher: d, every: cmp.Or(d.crmLook, DefaultCRMLook), known: map[string]watched{}}
	for ctx.Err() == nil {
		if slugs, err := d.store.LinePortals(ctx); err == nil {
			w.round(ctx, slugs)
		} else if ctx.Err() == nil {
			d.log.WarnContext(ctx, "The portals with open lines cannot be read; trying again", "error", err)
		}
		_ = wait.For(ctx, min(watchTick, w.every))
	}
	w.leave(ctx)
}

// leave lets another process, or the next one, look at once: an event that comes
// while everything is down is lost for certain.
func (w *crmWatch) leave(ctx context.Context) {
	keep, cancel := context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
	defer cancel()
	for slug := range w.known {
		if err := w.store.Release(keep, slug, w.watcher()); err != nil {
			w.log.WarnContext(keep, "The watch over the CRM is not handed over: another process takes it later", "portal", slug, "error", err)
		}
	}
}

// watcher is the owner of the claims.
func (w *crmWatch) watcher() string { return w.owner + ":watch" }

// round gives each portal its turn, a few at a time: one that does not answer
// holds the others up for as long as one request only.
func (w *crmWatch) round(ctx context.Context, slugs []string) {
	var group sync.WaitGroup
	slots := make(chan struct{}, watchParallel)
	for _, slug := range slugs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			w.portal(ctx, slug)
		})
	}
	group.Wait()
}

// portal does what is due at one portal. Of several processes one does it.
func (w *crmWatch) portal(ctx context.Context, slug string) {
	w.mu.Lock()
	state := w.known[slug]
	w.mu.Unlock()
	now := time.Now()
	if now.Before(state.hold) {
		return
	}
	needs, err := w.needs(ctx, slug)
	due := duties{follow: needs != state.followed || now.After(state.follow), look: !now.Before(state.look)}
	if err == nil && (needs == "" || due == duties{}) {
		return
	}
	var done duties
	if err == nil {
		done, err = w.turn(ctx, slug, due)
	}
	if ctx.Err() != nil {
		return
	}
	state = state.done(now, needs, done, w.every)
	switch {
	case errors.Is(err, errOthersTurn):
		state = watched{hold: now.Add(w.every)}
	case err != nil:
		state.failures++
		state.hold = now.Add(min(backoff(state.failures), w.every))
		w.log.WarnContext(ctx, "The CRM of open lines cannot be watched; trying again", "portal", slug, "error", err, "failures", state.failures)
	default:
		state.failures = 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known[slug] = state
}

// duties are what is due at a portal, or what was done there.
type duties struct{ follow, look bool }

// done is the state after what succeeded in a turn.
func (s watched) done(now time.Time, needs string, done duties, every time.Duration) watched {
	if done.follow {
		s.followed, s.follow = needs, now.Add(followAgain)
	}
	if done.look {
		s.look = now.Add(every)
	}
	return s
}

// needs is what the subscriptions of a portal depend on; "" = it is switched off.
func (w *crmWatch) needs(ctx context.Context, slug string) (string, error) {
	p, err := w.portals.Portal(ctx, slug)
	if err != nil || p.Disabled {
		return "", err
	}
	lines, err := w.store.HasOpenLines(ctx, slug)
	return fmt.Sprint(p.Version, lines), err
}

// turn does what is due, if no other process has it to do. Without subscriptions
// the look is all that there is, so that it does not depend on them.
func (w *crmWatch) turn(ctx context.Context, slug string, due duties) (done duties, err error) {
	mine, _, err := w.store.Claim(ctx, slug, w.watcher(), []string{watchKey}, 2*w.every)
	if err == nil && !mine {
		err = errOthersTurn
	}
	if err != nil {
		return done, err
	}
	if due.follow {
		fault := w.subscribe(ctx, slug)
		done.follow, err = fault == nil, fault
	}
	if due.look {
		fault := w.missed(ctx, slug)
		done.look, err = fault == nil, errors.Join(err, fault)
	}
	return done, err
}

// subscribe keeps the subscriptions. A portal without an application has none,
// which `puente portal check` tells.
func (w *crmWatch) subscribe(ctx context.Context, slug string) error {
	changed, err := w.portals.FollowCRM(ctx, slug)
	if changed > 0 {
		w.log.InfoContext(ctx, "Subscriptions to events of the CRM changed", "portal", slug, "changed", changed)
	}
	if errors.Is(err, portals.ErrNoAccount) || errors.Is(err, portals.ErrBadAccount) || errors.Is(err, portals.ErrNoEventsURL) {
		return nil
	}
	return err
}

// missed accepts what the CRM shows otherwise than Puente knows, as events.
func (w *crmWatch) missed(ctx context.Context, slug string) error {
	marks, err := w.store.OpenLineMarks(ctx, slug, watchMost)
	if err != nil || len(marks) == 0 {
		return err
	}
	gateway, err := w.portals.Gateway(ctx, slug)
	if errors.Is(err, portals.ErrNoAccount) || errors.Is(err, portals.ErrBadAccount) {
		return nil
	}
	if err != nil {
		return err
	}
	events, err := differences(ctx, gateway, marks)
	for i := range events {
		events[i].Portal = slug
	}
	if len(events) == 0 {
		return err
	}
	stored, lost := w.store.Accept(ctx, events)
	if stored > 0 {
		w.log.InfoContext(ctx, "Changes in the CRM that no event had told of were found by looking", "portal", slug, "events", stored)
		w.Wake()
	}
	return errors.Join(err, lost)
}

// differences asks the CRM for all marks. An activity is of note when it is
// completed, an item when somebody else is responsible for it.
func differences(ctx context.Context, gateway bitrix24.Gateway, marks []store.LineMark) (events []store.InboxEvent, err error) {
	known := map[openlines.Item]int64{}
	var ids []int64
	for _, m := range marks {
		ids = append(ids, m.Activity)
		if m.Responsible != 0 {
			known[m.Item] = m.Responsible
		}
	}
	questions := completedOnes(ids)
	for _, name := range slices.Sorted(maps.Keys(itemEvents)) {
		questions = append(questions, itemQuestions(name, known)...)
	}
	for chunk := range slices.Chunk(questions, bitrix24.MaxBatch) {
		some, failed := ask(ctx, gateway, chunk)
		events, err = append(events, some...), errors.Join(err, failed)
	}
	return events, err
}

// lookQuestion is a command and what its answer tells.
type lookQuestion struct {
	bitrix24.Command
	read func(bitrix24.Result) ([]store.InboxEvent, error)
}

func ask(ctx context.Context, gateway bitrix24.Gateway, questions []lookQuestion) (events []store.InboxEvent, err error) {
	group := bitrix24.Group{Priority: bitrix24.Background}
	for i, q := range questions {
		q.Key = "q" + strconv.Itoa(i)
		group.Commands = append(group.Commands, q.Command)
	}
	results, err := gateway.Batch(ctx, group)
	if err != nil {
		return nil, err
	}
	for i, res := range results {
		some, failed := questions[i].read(res)
		events, err = append(events, some...), errors.Join(err, failed)
	}
	return events, err
}

// completedOnes asks which of the activities are completed.
func completedOnes(ids []int64) (questions []lookQuestion) {
	for chunk := range slices.Chunk(ids, watchChunk) {
		questions = append(questions, lookQuestion{
			bitrix24.Command{Method: "crm.activity.list", Params: bitrix24.Params{
				"filter": bitrix24.Params{"@ID": chunk, "COMPLETED": "Y"}, "select": []string{"ID", "ORIGIN_ID", "LAST_UPDATED"}, "start": -1,
			}},
			readCompleted,
		})
	}
	return questions
}

func readCompleted(res bitrix24.Result) (events []store.InboxEvent, err error) {
	var rows []struct {
		ID      bitrix24.ID `json:"ID"`
		Origin  string      `json:"ORIGIN_ID"`
		Updated string      `json:"LAST_UPDATED"`
	}
	if err := res.Into(&rows); err != nil {
		return nil, err
	}
	for _, row := range rows {
		if _, _, ours := workflows.ParseLineMark(row.Origin); ours {
			events = append(events, missedEvent("ONCRMACTIVITYUPDATE", int64(row.ID), row.Updated))
		}
	}
	return events, nil
}

// itemQuestions ask who is responsible for the items of one kind.
func itemQuestions(event string, known map[openlines.Item]int64) (questions []lookQuestion) {
	kind := itemEvents[event]
	var ids []int64
	for item := range known {
		if item.Kind == kind {
			ids = append(ids, item.ID)
		}
	}
	slices.Sort(ids)
	for chunk := range slices.Chunk(ids, watchChunk) {
		questions = append(questions, lookQuestion{
			bitrix24.Command{Method: "crm.item.list", Params: bitrix24.Params{
				"entityTypeId": itemTypes[kind], "filter": bitrix24.Params{"@id": chunk},
				"select": []string{"id", "assignedById", "updatedTime"}, "start": -1,
			}},
			func(res bitrix24.Result) ([]store.InboxEvent, error) { return readItems(res, event, known) },
		})
	}
	return questions
}

func readItems(res bitrix24.Result, event string, known map[openlines.Item]int64) (events []store.InboxEvent, err error) {
	var got struct {
		Items []struct {
			ID          bitrix24.ID `json:"id"`
			Responsible bitrix24.ID `json:"assignedById"`
			Updated     string      `json:"updatedTime"`
		} `json:"items"`
	}
	if err := res.Into(&got); err != nil {
		return nil, err
	}
	for _, row := range got.Items {
		was := known[openlines.Item{Kind: itemEvents[event], ID: int64(row.ID)}]
		if now := int64(row.Responsible); now != 0 && now != was {
			events = append(events, missedEvent(event, int64(row.ID), fmt.Sprintf("%d:%s", now, row.Updated)))
		}
	}
	return events, nil
}

// missedEvent is the event that did not come. state makes it one event, however
// often the same is found.
func missedEvent(event string, id int64, state string) store.InboxEvent {
	number := strconv.FormatInt(id, 10)
	form := url.Values{"event": {event}, "data[FIELDS][ID]": {number}}
	return store.InboxEvent{
		Source: store.SourceBitrix24, Key: fmt.Sprintf("look:%s:%d:%s", event, id, state), HookType: event,
		Body: []byte(form.Encode()), OrderKey: event + ":" + number, ReceivedAt: time.Now().UTC(),
	}
}
