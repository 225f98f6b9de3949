package bitrix24

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Defaults of Options.
const (
	DefaultWebhookUser   = 1
	DefaultWebhookSecret = "sandboxsecret" // public by design: the sandbox guards nothing
	DefaultMemberID      = "5a9db0c8f1e24d7c8b3a6f0e1d2c4b7a"
	DefaultMaxBody       = 64 << 20
)

// Options describe one portal. The zero value is a usable portal in memory, in
// simple CRM mode, with DemoSeeds.
type Options struct {
	// Seeds fills an empty portal; nil means DemoSeeds. It also runs on reset.
	Seeds func(*Seeder)
	// Clock is the portal's time; nil means SystemClock.
	Clock Clock
	// WebhookUser and WebhookSecret make the inbound webhook /rest/{user}/{secret}/;
	// zero values mean the defaults.
	WebhookUser   int
	WebhookSecret string
	// MemberID is the portal's stable key, as OAuth answers and events carry it.
	MemberID string
	// Path is an SQLite file that keeps the whole state over restarts; "" keeps it in memory.
	Path string
	// Zone is the server's time zone; nil means UTC+3, as in the samples of the reference.
	Zone *time.Location
	// PublicURL is the portal's address in links, without a trailing slash; "" takes it from each request.
	PublicURL string
	// MaxBody bounds request bodies in bytes; 0 means DefaultMaxBody. The real cloud allows 2 GB.
	MaxBody int64
	// RequireHTTPS refuses REST over plain HTTP as the cloud does: 400 INVALID_REQUEST.
	RequireHTTPS bool
	// Limits replaces the request and operating limits of an ordinary cloud plan.
	Limits *Limits
	// Variants settles what the sources disagree about.
	Variants Variants
	// ConversionLag is how long simple mode waits before it converts a lead.
	ConversionLag time.Duration
	// Logger gets one debug line per request; nil means none.
	Logger *slog.Logger
}

// Variants are answers on which the vendor's docs and SDKs disagree
// (bitrix24 reference §12). Zero values are the docs' side.
type Variants struct {
	// ScopeStatus is the HTTP status of insufficient_scope: 403 in the docs, 401 in b24pysdk.
	ScopeStatus int
	// BatchTooLong refuses a batch of more than 50 commands as a whole with a
	// 400 instead of failing the commands above the limit.
	BatchTooLong bool
	// BatchPays books the operating time of a batch on the method batch, as
	// measured by b24jssdk, instead of on the commands.
	BatchPays bool
	// ForgetFinished lets telephony.externalCall.register make a new call where a
	// repeat within half an hour would find a finished one: the docs only say that
	// it "may" give the earlier call.
	ForgetFinished bool
}

// Portal is one Bitrix24 account. It implements http.Handler and is safe for
// concurrent use. Close it to have its last changes on disk.
type Portal struct {
	opts  Options
	clock Clock
	zone  *time.Location
	log   *slog.Logger

	mu    sync.RWMutex // guards state
	state *state

	limiter *limiter
	stats   *stats
	faults  *faults
	disk    *disk // nil without Options.Path
	blobs   *blobs
	sender  *sender
	mux     *http.ServeMux
	catalog map[string]*method
}

// New opens a portal. With a Path whose file holds a state, that state is used
// and the seeds are not. It fails only if the file cannot be read.
func New(o Options) (*Portal, error) {
	o = o.withDefaults()
	p := &Portal{opts: o, clock: o.Clock, zone: o.Zone, log: o.Logger}
	p.limiter = newLimiter(o.Clock, *o.Limits)
	p.stats = newStats(o.Clock)
	p.faults = newFaults()
	p.blobs = newBlobs(o.Path)
	p.sender = newSender(o.Logger)
	p.state = p.newState()
	p.mux = p.routes()
	p.catalog = newCatalog()
	if o.Path == "" {
		p.seed()
		return p, nil
	}
	if err := p.openDisk(o.Path); err != nil {
		return p, err
	}
	p.blobs.sweep(p.state.files.all())
	return p, nil
}

func (o Options) withDefaults() Options {
	if o.Seeds == nil {
		o.Seeds = DemoSeeds
	}
	if o.Clock == nil {
		o.Clock = SystemClock{}
	}
	if o.WebhookUser == 0 {
		o.WebhookUser = DefaultWebhookUser
	}
	if o.WebhookSecret == "" {
		o.WebhookSecret = DefaultWebhookSecret
	}
	if o.MemberID == "" {
		o.MemberID = DefaultMemberID
	}
	if o.Zone == nil {
		o.Zone = time.FixedZone("", 3*60*60)
	}
	if o.MaxBody == 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Limits == nil {
		o.Limits = &Limits{Rate: 2, Burst: 50, OperatingLimit: 480}
	}
	if o.Variants.ScopeStatus == 0 {
		o.Variants.ScopeStatus = http.StatusForbidden
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// seed fills the state from the options; nobody else may hold it.
func (p *Portal) seed() {
	p.state.account.Webhooks = []webhook{{User: p.opts.WebhookUser, Secret: p.opts.WebhookSecret}}
	p.state.account.Mode = crmSimple
	p.state.account.Lag = p.opts.ConversionLag
	p.opts.Seeds(&Seeder{p: p, c: p.systemCall()})
	p.state.happened = nil // nobody has subscribed yet
	p.state.account.touch()
}

// Reset brings the portal back to its seeds: data, tokens, mode, faults,
// counters, limits.
func (p *Portal) Reset() {
	p.mu.Lock()
	p.state = p.newState()
	if err := p.blobs.clear(); err != nil {
		p.log.Error("files of the sandbox portal could not be deleted", "error", err)
	}
	p.seed()
	if p.disk != nil {
		p.disk.wipe()
	}
	p.mu.Unlock()
	p.limiter.reset(*p.opts.Limits)
	p.stats.reset()
	p.faults.clear()
	p.sender.reset()
}

// Close drops the events that are not sent yet, writes what is not on disk and
// releases the file. The portal must not be used afterwards.
func (p *Portal) Close() error {
	p.sender.stop()
	if p.disk == nil {
		return p.blobs.close()
	}
	return errors.Join(p.disk.stop(), p.disk.db.Close(), p.blobs.close())
}

// ServeHTTP answers REST, OAuth, downloads, controls and pages.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	r.URL.Path = collapse(r.URL.Path)
	r.URL.RawPath = ""
	p.mux.ServeHTTP(w, r)
	p.log.DebugContext(r.Context(), "request", "path", r.URL.Path, "took", time.Since(start))
}

// collapse merges runs of slashes, as the web server before the real portal does.
func collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}

func (p *Portal) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("/rest/", p.serveREST)
	mux.HandleFunc("/oauth/token/", p.serveToken)
	mux.HandleFunc("/oauth/token", p.serveToken)
	mux.HandleFunc("GET /oauth/authorize/", p.serveAuthorize)
	mux.HandleFunc("GET /disk/{action}/{id}/", p.serveFile)
	p.uploadRoutes(mux)
	p.controlRoutes(mux)
	p.pageRoutes(mux)
	return mux
}

// base is the portal's own address as seen by the caller, without a trailing slash.
func (p *Portal) base(r *http.Request) string {
	if p.opts.PublicURL != "" {
		return p.opts.PublicURL
	}
	if r == nil {
		return ""
	}
	return pick(secure(r), "https://", "http://") + r.Host
}

func secure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}

// systemCall is a call by the portal itself, as user 1, outside any request.
func (p *Portal) systemCall() *call {
	return &call{p: p, ctx: context.Background(), params: newDict(), base: p.opts.PublicURL, who: identity{user: 1, kind: authWebhook}}
}
