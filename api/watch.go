package api

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// watchEvery is how often the store is asked for answers while anybody waits.
	watchEvery = 25 * time.Millisecond
	// maxWaiting bounds those who wait in one process; one more is told at once
	// where to look for the answer.
	maxWaiting = 1000
)

// watch gathers those who wait for answers of the contact center: however many
// they are, one query asks for all of them.
type watch struct {
	store Store
	log   *slog.Logger

	mu      sync.Mutex
	waiting map[string]map[chan struct{}]bool // by submission
	count   int
}

func newWatch(s Store, log *slog.Logger) *watch {
	return &watch{store: s, log: log, waiting: map[string]map[chan struct{}]bool{}}
}

// wait returns when the submission has an answer, when ctx ends, or at once if
// too many wait already.
func (w *watch) wait(ctx context.Context, id string) {
	told := make(chan struct{})
	if !w.join(id, told) {
		return
	}
	defer w.leave(id, told)
	select {
	case <-told:
	case <-ctx.Done():
	}
}

// join adds one who waits; the first one sets the asking going.
func (w *watch) join(id string, told chan struct{}) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count >= maxWaiting {
		return false
	}
	if w.waiting[id] == nil {
		w.waiting[id] = map[chan struct{}]bool{}
	}
	w.waiting[id][told] = true
	w.count++
	if w.count == 1 {
		go w.ask()
	}
	return true
}

func (w *watch) leave(id string, told chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count--
	if delete(w.waiting[id], told); len(w.waiting[id]) == 0 {
		delete(w.waiting, id)
	}
}

// ask asks until nobody waits any more.
func (w *watch) ask() {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for range ticker.C {
		ids, more := w.ids()
		if !more {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), acceptTimeout)
		answered, err := w.store.AnsweredSubmissions(ctx, ids)
		cancel()
		if err != nil {
			w.log.Warn("Answers cannot be read; trying again", "error", err)
			time.Sleep(time.Second) // the store is not helped by forty questions a second
		}
		w.tell(answered)
	}
}

// ids are the submissions that somebody waits for; without any the asking
// ends, under the same lock under which the next one begins it again.
func (w *watch) ids() (ids []string, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Collect(maps.Keys(w.waiting)), w.count > 0
}

func (w *watch) tell(answered []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, id := range answered {
		for told := range w.waiting[id] {
			close(told)
		}
		delete(w.waiting, id) // they leave by themselves
	}
}
