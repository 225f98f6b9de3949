package chat2desk

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options say what kind of company to start. The zero value is the demo
// company in memory, without webhooks.
type Options struct {
	Token string // of the API; "" = DefaultToken
	// Clock is the time of the sandbox, time.Now when nil. Advance moves on from it.
	Clock func() time.Time
	// TimeZone is the account's zone: day borders of GET /messages and the times
	// of statistics; UTC when nil.
	TimeZone *time.Location
	Seeds    func() Seed // DemoSeed when nil
	// Persistence is the directory of the state file; "" keeps all in memory.
	Persistence string
	Logger      *slog.Logger // nothing is logged when nil
	Webhooks    []Webhook    // registered at start, also over a saved state
	Settings    *Settings    // the switches to start with; nil = the defaults
	// MaxPending bounds the webhooks that wait to be sent (default 200,000);
	// what comes on top is dropped and counted as overflowed.
	MaxPending int
}

// Webhook is a registration of Options. No events means all of them, no
// channels means all of them.
type Webhook struct {
	Name     string
	URL      string
	Events   []string
	Channels []int64
}

// Company is one Chat2Desk account: its HTTP API, its webhook sender, the
// sandbox controls and a web page. It is safe for concurrent use.
type Company struct {
	options Options
	mux     *http.ServeMux
	out     *dispatcher
	saver   *saver
	log     *slog.Logger

	mu     sync.Mutex
	s      *state
	offset time.Duration // of the sandbox's time from Options.Clock
	events []event       // raised by the current call, not yet sent
	faults []*fault
	stats  statistics
	window rateWindow
	random *rand.Rand
}

// New starts a company. It fails only if a saved state cannot be read.
func New(options Options) (*Company, error) {
	options = options.withDefaults()
	c := &Company{options: options, log: options.Logger}
	c.random = rand.New(rand.NewPCG(1, 2)) // repeatable chance: that is what tests want
	c.stats = newStatistics()
	c.out = newDispatcher(c, options.MaxPending)
	pending, err := c.restore()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.adoptWebhooks()
	c.mu.Unlock()
	c.mux = c.routes()
	c.out.enqueue(pending)
	c.saver = startSaver(c)
	c.out.start()
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Token == "" {
		o.Token = DefaultToken
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.TimeZone == nil {
		o.TimeZone = time.UTC
	}
	if o.Seeds == nil {
		o.Seeds = DemoSeed
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.MaxPending <= 0 {
		o.MaxPending = 200_000
	}
	return o
}

func (o Options) settings() Settings {
	if o.Settings != nil {
		return *o.Settings
	}
	return defaultSettings()
}

// DefaultSettings are the switches of a company that was told nothing else.
func DefaultSettings() Settings { return defaultSettings() }

// ServeHTTP serves the API under /v1, the controls under /sandbox, files under
// /storage and the web page.
func (c *Company) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// Close stops the sender of webhooks and saves the state, pending webhooks
// included. It waits for deliveries that are under way.
func (c *Company) Close() error {
	c.out.stop()
	return c.saver.stop()
}

// Now is the sandbox's time.
func (c *Company) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now()
}

// Advance moves the sandbox's time on and sends what became due. It does not
// wait for the deliveries.
func (c *Company) Advance(d time.Duration) {
	c.mu.Lock()
	c.offset += d
	c.mu.Unlock()
	c.out.wakeUp()
}

// now is the sandbox's time; the lock must be held, as for everything below.
func (c *Company) now() time.Time { return c.options.Clock().Add(c.offset).UTC() }

// tick is the time of something that happens now: later than all before it, in
// the microseconds webhooks carry.
func (c *Company) tick() time.Time {
	now := c.now().Truncate(time.Microsecond)
	if !now.After(c.s.LastTime) {
		now = c.s.LastTime.Add(time.Microsecond)
	}
	c.s.LastTime = now
	return now
}

// adoptWebhooks registers the webhooks of the options, once per URL. One that
// moved since the state was saved is known by its name.
func (c *Company) adoptWebhooks() {
	for _, wanted := range c.options.Webhooks {
		hook := c.webhookByURL(wanted.URL)
		for _, other := range c.s.Webhooks.rows {
			if hook == nil && other.Seeded && other.Name == wanted.Name {
				hook = other
			}
		}
		if hook == nil {
			hook = &webhook{ID: next(&c.s.Ids.Webhook)}
			c.s.Webhooks.add(hook)
		}
		hook.Name, hook.URL, hook.Events, hook.Channels, hook.Seeded = wanted.Name, wanted.URL, wanted.Events, wanted.Channels, true
		hook.Status, hook.FailingSince = hookEnabled, time.Time{}
		if len(hook.Events) == 0 {
			hook.Events = EventNames()
		}
	}
}

func (c *Company) webhookByURL(address string) *webhook {
	for _, hook := range c.s.Webhooks.rows {
		if hook.URL == address {
			return hook
		}
	}
	return nil
}

// reset forgets clients, dialogs and everything about them, faults, counters
// and settings. Registered webhooks stay, and ids go on: an id never means two things.
func (c *Company) reset() {
	c.out.clear()
	hooks, ids, last := c.s.Webhooks, c.s.Ids, c.s.LastTime
	c.s = newState(c.options.Seeds(), c.options.settings())
	c.s.Webhooks, c.s.Ids, c.s.LastTime = hooks, ids, last
	for _, hook := range hooks.rows {
		hook.Status, hook.Errors, hook.FailingSince = hookEnabled, nil, time.Time{}
	}
	c.faults, c.stats, c.events = nil, newStatistics(), nil
}
