package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"puente/chat2desk"
	"puente/dialog"
	"puente/store"
)

// learn keeps what the events of one client tell about ids: dialogs, channels,
// requests, and who leads each dialog.
func (d *Dispatcher) learn(ctx context.Context, line []delivery) error {
	leaders := map[dialogKey]dialog.Event{}
	for _, each := range line {
		if !each.tells() {
			continue
		}
		if err := errors.Join(d.learnDialog(ctx, each), d.learnRequest(ctx, each)); err != nil {
			return err
		}
		key := dialogKey{each.row.Portal, each.event.ClientID, each.event.ChannelID}
		if last, known := leaders[key]; leader(each.event) != 0 && (!known || !each.event.Time.Before(last.Time)) {
			leaders[key] = each.event
		}
	}
	for key, event := range leaders {
		if err := d.learnLeader(ctx, key, event); err != nil {
			return err
		}
	}
	return nil
}

// dialogKey is a dialog: one client on one channel.
type dialogKey struct {
	portal          string
	client, channel int64
}

// tells reports whether an event names its dialog.
func (each delivery) tells() bool {
	return each.known && each.event.ClientID != 0 && each.event.ChannelID != 0
}

func (d *Dispatcher) learnDialog(ctx context.Context, each delivery) error {
	e := each.event
	fact := fmt.Sprintf("d|%s|%d|%d|%d|%d", each.row.Portal, e.ClientID, e.ChannelID, e.DialogID, e.RequestID)
	return d.once(fact, func() error {
		return d.store.LearnDialog(ctx, store.DialogRow{
			Portal: each.row.Portal, ClientID: e.ClientID, ChannelID: e.ChannelID, DialogID: e.DialogID,
			LastRequestID: e.RequestID, Transport: e.Transport,
		})
	})
}

func (d *Dispatcher) learnRequest(ctx context.Context, each delivery) error {
	e := each.event
	if e.RequestID == 0 {
		return nil
	}
	row := store.RequestRow{Portal: each.row.Portal, RequestID: e.RequestID, DialogID: e.DialogID, ClientID: e.ClientID, ChannelID: e.ChannelID}
	if e.Kind == dialog.KindNewRequest {
		row.Type = e.Type
	}
	fact := fmt.Sprintf("r|%s|%d|%d|%s", row.Portal, row.RequestID, row.DialogID, row.Type)
	return d.once(fact, func() error { return d.store.LearnRequest(ctx, row) })
}

// learnLeader notes who leads a dialog. It changes back and forth, and other
// processes learn too: what counts is what stands in the store.
func (d *Dispatcher) learnLeader(ctx context.Context, key dialogKey, e dialog.Event) error {
	row, err := d.store.Dialog(ctx, key.portal, key.client, key.channel)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if row.OperatorID == leader(e) {
		return nil
	}
	return d.store.LearnDialog(ctx, store.DialogRow{Portal: key.portal, ClientID: key.client, ChannelID: key.channel, OperatorID: leader(e)})
}

// leader is the operator an event makes responsible, if it does.
func leader(e dialog.Event) int64 {
	if e.Kind == dialog.KindTransferred || e.Kind == dialog.KindOutbox && e.Type == chat2desk.TypeToClient {
		return e.OperatorID
	}
	return 0
}

// once writes a fact that never changes, unless this process has done so lately.
func (d *Dispatcher) once(fact string, write func() error) error {
	if d.learned.has(fact) {
		return nil
	}
	if err := write(); err != nil {
		return err
	}
	d.learned.note(fact)
	return nil
}

// memory remembers what was learned lately, so that each message of a chatty
// client does not write the same row again. It forgets all when full.
type memory struct {
	mu   sync.Mutex
	seen map[string]struct{}
}

const memorySize = 20_000

func newMemory() *memory { return &memory{seen: map[string]struct{}{}} }

// has reports whether the fact was noted.
func (m *memory) has(fact string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, known := m.seen[fact]
	return known
}

func (m *memory) note(fact string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.seen) >= memorySize {
		m.seen = map[string]struct{}{}
	}
	m.seen[fact] = struct{}{}
}
