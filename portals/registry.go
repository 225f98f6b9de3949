// Package portals gives each portal its clients: the gateway to its Bitrix24
// and the API of its Chat2Desk account, built from the stored accounts and
// rebuilt when an account changed.
package portals

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"puente/bitrix24"
	"puente/chat2desk"
	"puente/store"
)

// Options are the habits of all clients of one process.
type Options struct {
	// Bitrix24Timeout bounds one request to a portal; 0 = 60 s, what the cloud allows.
	Bitrix24Timeout time.Duration
	// Chat2DeskTimeout bounds one request to Chat2Desk; 0 = 30 s.
	Chat2DeskTimeout time.Duration
	// Chat2DeskRate is requests a second to one Chat2Desk account; 0 = 10. The
	// vendor publishes no limit (chat2desk reference §2.7).
	Chat2DeskRate float64
	// Source names the outgoing address of this process: a portal counts
	// requests per source, so processes behind one address share a bucket.
	Source string
	// UserAgent is sent with every request.
	UserAgent string
	// Transport carries all requests; nil = a fresh http.Transport.
	Transport http.RoundTripper
	// CheckEvery is how long a client is used before its account is looked at
	// again; 0 = 5 s.
	CheckEvery time.Duration
}

// Errors to be recognised with errors.Is. They stay until somebody changes the
// account: trying again is of no use.
var (
	// ErrNoAccount means that the portal has no account at the system asked for.
	ErrNoAccount = errors.New("no account is connected")
	// ErrNoApplication means that the portal holds no installed OAuth application;
	// it is an ErrNoAccount too.
	ErrNoApplication error = noApplication{}
	// ErrBadAccount means that no client can be built from what is stored.
	ErrBadAccount = errors.New("the account cannot be used")
	// ErrClosed means that the registry was closed: the process is stopping.
	ErrClosed = errors.New("the clients of the portals are closed")
)

// noApplication is one sort of ErrNoAccount.
type noApplication struct{}

func (noApplication) Error() string        { return "no OAuth application is installed" }
func (noApplication) Is(target error) bool { return target == ErrNoAccount }

// lookTimeout bounds a look at an account; it does not end with the caller who
// came first.
const lookTimeout = 10 * time.Second

// Registry builds and keeps the clients. It is safe for concurrent use: nobody
// waits for the account of another portal, nor for the database while the
// account was looked at lately.
type Registry struct {
	store *store.Store
	opts  Options
	looks singleflight.Group // of portals, by slug

	mu       sync.Mutex
	entries  map[string]*entry
	closed   bool
	retiring sync.WaitGroup // entries that were replaced and still send
}

// entry is what is known of a portal. It is replaced, never changed.
type entry struct {
	portal  store.Portal
	checked time.Time
	webhook *way           // nil = none
	app     *way           // nil = not installed
	chat    *chat2desk.API // nil = no account
}

// New makes a registry over the stored portals.
func New(s *store.Store, opts Options) *Registry {
	if opts.Bitrix24Timeout == 0 {
		opts.Bitrix24Timeout = bitrix24.DefaultTimeout
	}
	if opts.Chat2DeskTimeout == 0 {
		opts.Chat2DeskTimeout = 30 * time.Second
	}
	if opts.Chat2DeskRate == 0 {
		opts.Chat2DeskRate = 10
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "Puente/1"
	}
	if opts.CheckEvery == 0 {
		opts.CheckEvery = 5 * time.Second
	}
	if opts.Transport == nil {
		opts.Transport = newTransport()
	}
	return &Registry{store: s, opts: opts, entries: map[string]*entry{}}
}

// Chat2Desk is the API of the portal's Chat2Desk account; errors as of Gateway.
func (r *Registry) Chat2Desk(ctx context.Context, slug string) (*chat2desk.API, error) {
	e, err := r.entry(ctx, slug)
	if err != nil {
		return nil, err
	}
	if e.chat == nil {
		return nil, fmt.Errorf("portal %s: Chat2Desk: %w: add one with `puente portal add`", slug, ErrNoAccount)
	}
	return e.chat, nil
}

// Portal is the stored portal, at most a few seconds old.
func (r *Registry) Portal(ctx context.Context, slug string) (store.Portal, error) {
	e, err := r.entry(ctx, slug)
	if err != nil {
		return store.Portal{}, err
	}
	return e.portal, nil
}

// Close sends what the gateways have gathered and gives their resources free.
// It may be called more than once; afterwards no client is given out.
func (r *Registry) Close() {
	r.mu.Lock()
	r.closed = true
	for slug, e := range r.entries {
		r.retire(e)
		delete(r.entries, slug)
	}
	r.mu.Unlock()
	r.retiring.Wait()
	if idle, ok := r.opts.Transport.(interface{ CloseIdleConnections() }); ok {
		idle.CloseIdleConnections()
	}
}

// retire lets an entry send what it gathered, in the background: whoever still
// holds its gateway gets an answer, or is told to come again.
func (r *Registry) retire(e *entry) {
	for _, w := range []*way{e.webhook, e.app} {
		if w != nil && w.loader != nil {
			r.retiring.Go(w.loader.Close)
		}
	}
}

// entry is the portal's entry, looked at lately. Callers that come together
// share one look, and none of them holds a lock while the database is asked.
func (r *Registry) entry(ctx context.Context, slug string) (*entry, error) {
	if e, err := r.known(slug); e != nil || err != nil {
		return e, err
	}
	look := r.looks.DoChan(slug, func() (any, error) { return r.look(context.WithoutCancel(ctx), slug) })
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("portal %s: %w", slug, ctx.Err())
	case done := <-look:
		if done.Err != nil {
			return nil, done.Err
		}
		e, _ := done.Val.(*entry)
		return e, nil
	}
}

// expire makes the next caller look at an account that has just changed.
func (r *Registry) expire(slug string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.entries[slug]; e != nil {
		old := *e
		old.checked = time.Time{}
		r.entries[slug] = &old
	}
}

// known is the entry if it is fresh enough.
func (r *Registry) known(slug string) (*entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	if e := r.entries[slug]; e != nil && time.Since(e.checked) < r.opts.CheckEvery {
		return e, nil
	}
	return nil, nil
}

// look reads the portal and keeps its clients, or new ones if its account changed.
func (r *Registry) look(ctx context.Context, slug string) (*entry, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	asked := time.Now()
	portal, err := r.store.Portal(ctx, slug)
	if err != nil {
		return nil, fmt.Errorf("portal %s: %w", slug, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, ErrClosed
	}
	old := r.entries[slug]
	if old != nil && old.portal.Version == portal.Version {
		same := *old
		same.portal, same.checked = portal, asked
		r.entries[slug] = &same
		return &same, nil
	}
	if old != nil {
		r.retire(old)
	}
	e := r.build(portal)
	e.checked = asked
	r.entries[slug] = e
	return e, nil
}
