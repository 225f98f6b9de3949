package bitrix24

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one method call: alone in a request, or one command of a batch.
type call struct {
	p           *Portal
	ctx         context.Context
	method      *method
	params      *dict
	who         identity
	base        string // the portal's address, for links
	total, next *int   // set by list methods
	inBatch     bool

	// What prepare leaves for run: a stored file, and the name it shall have.
	taken    blob
	recorded string
}

// param finds a top-level parameter. Names are taken in any case
// (bitrix24 reference §1.1), except by methods marked exact.
func (c *call) param(name string) (any, bool) {
	if c.method != nil && c.method.exact {
		return c.params.get(name)
	}
	return c.params.fold(name)
}

func (c *call) str(name string) string {
	v, _ := c.param(name)
	return toStr(v)
}

func (c *call) id(name string) int {
	v, _ := c.param(name)
	return toID(v)
}

// array is a parameter that is an array; nil if it is absent or a scalar.
func (c *call) array(name string) *dict {
	v, _ := c.param(name)
	d, _ := v.(*dict)
	return d
}

// request is one HTTP request to the REST address, taken apart.
type request struct {
	method   string
	user     int // of an inbound webhook; 0 = application
	secret   string
	params   *dict
	source   string // IP address
	base     string
	commands []command // of a batch
}

func (p *Portal) serveREST(w http.ResponseWriter, r *http.Request) {
	if moved := p.movedTo(); moved != "" {
		http.Redirect(w, r, moved+r.URL.RequestURI(), http.StatusFound) //nolint:gosec // a test sets the target
		return
	}
	req, err := p.parse(r)
	if err != nil {
		refuse(w, err)
		return
	}
	p.stats.request()
	if !p.limiter.take(req.source) {
		p.stats.refuse()
		writeAnswer(w, errQueryLimit.status, errQueryLimit.body())
		return
	}
	fault := p.faults.match(req.methods())
	if fault.spoils(w, r, false) {
		return
	}
	status, body := p.handle(r, req)
	if !fault.spoils(w, r, true) {
		writeAnswer(w, status, body)
	}
}

// parse splits /rest/{user}/{secret}/{method} or /rest/{method} and reads the parameters.
func (p *Portal) parse(r *http.Request) (*request, error) {
	params, err := readParams(r, p.opts.MaxBody)
	if err != nil {
		return nil, err
	}
	req := &request{params: params, source: sourceOf(r), base: p.base(r)}
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/rest/"), "/"), "/")
	if user, err := strconv.Atoi(parts[0]); err == nil && len(parts) > 1 {
		req.user, req.secret, parts = user, parts[1], parts[2:]
	}
	name := strings.ToLower(strings.Join(parts, "/"))
	req.method = strings.TrimSuffix(strings.TrimSuffix(name, ".json"), ".xml")
	if req.method == batchMethod {
		req.commands = parseCommands(params)
	}
	return req, nil
}

// methods are the names a fault rule may match: the method, or the batch and all it carries.
func (r *request) methods() []string {
	names := []string{r.method}
	for _, cmd := range r.commands {
		names = append(names, cmd.method)
	}
	return names
}

// handle authorizes and runs a request and gives the status and body of its answer.
func (p *Portal) handle(r *http.Request, req *request) (int, *dict) {
	start := p.clock.Now()
	if p.opts.RequireHTTPS && !secure(r) {
		return errHTTPS.status, errHTTPS.body()
	}
	who, err := p.authorize(r, req)
	if err != nil {
		return failed(err)
	}
	// The portal finishes what it began even if the caller has gone.
	c := &call{p: p, ctx: context.WithoutCancel(r.Context()), params: req.params, who: who, base: req.base}
	switch {
	case req.method == batchMethod && p.opts.Variants.BatchTooLong && len(req.commands) > batchLimit:
		return failed(errBatchLength)
	case req.method == batchMethod && !p.limiter.mayOperate(budgetKey{who.key, batchMethod}):
		p.stats.refuse()
		return failed(errOperating)
	case req.method == batchMethod:
		p.stats.command(batchMethod)
		return http.StatusOK, p.batch(c, req.commands, start)
	case req.onOAuthServer():
		return http.StatusOK, newDict("result", p.oauthAppInfo(who, req.base), "time", p.timing(start, outcome{}))
	}
	out := p.run(c, req.method)
	if out.err != nil {
		return failed(out.err)
	}
	body := newDict("result", out.result)
	setInt(body, "next", out.next)
	setInt(body, "total", out.total)
	body.set("time", p.timing(start, out))
	return http.StatusOK, body
}

// outcome is what one call came to.
type outcome struct {
	result      any
	next, total *int
	err         error
	took        time.Duration
	operating   float64
	resetAt     int
}

func setInt(d *dict, key string, n *int) {
	if n != nil {
		d.set(key, *n)
	}
}

// run executes one method for an authorized caller.
func (p *Portal) run(c *call, name string) (out outcome) {
	p.stats.command(name)
	m, ok := p.catalog[name]
	if !ok {
		return outcome{err: errMethodNotFound}
	}
	if err := m.permit(c); err != nil {
		return outcome{err: err}
	}
	key := budgetKey{c.who.key, name}
	if !p.limiter.mayOperate(key) {
		p.stats.refuse()
		return outcome{err: errOperating}
	}
	start := p.clock.Now()
	c.method = m
	out.result, out.err = p.locked(c, m)
	out.next, out.total = c.next, c.total
	out.took = p.clock.Now().Sub(start)
	out.operating, out.resetAt = p.charge(c, name, out.took)
	return out
}

// charge books the time of a command, or of a whole batch, where the variant
// says that it belongs.
func (p *Portal) charge(c *call, name string, took time.Duration) (operating float64, resetAt int) {
	if c.inBatch && (name == batchMethod) != p.opts.Variants.BatchPays {
		return p.limiter.show(budgetKey{c.who.key, name})
	}
	return p.limiter.charge(budgetKey{c.who.key, name}, took)
}

// locked runs a method under the lock it needs.
func (p *Portal) locked(c *call, m *method) (any, error) {
	p.convertDue()
	if m.prepare != nil {
		if err := m.prepare(c); err != nil {
			return nil, err
		}
	}
	if m.write {
		p.mu.Lock()
		defer p.mu.Unlock()
		defer func() { p.publish(c.who.user, c.base) }()
	} else {
		p.mu.RLock()
		defer p.mu.RUnlock()
	}
	return m.run(c)
}

// timing is the time block of an answer (bitrix24 reference §1.4).
func (p *Portal) timing(start time.Time, out outcome) *dict {
	finish := p.clock.Now()
	return newDict(
		"start", unix(start), "finish", unix(finish), "duration", finish.Sub(start).Seconds(), "processing", out.took.Seconds(),
		"date_start", start.In(p.zone).Format(shownMoment), "date_finish", finish.In(p.zone).Format(shownMoment),
		"operating_reset_at", out.resetAt, "operating", out.operating,
	)
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// failed turns an error into a status and a body; what is no restError is a bug here, answered as a 500.
func failed(err error) (int, *dict) {
	var e *restError
	if !errors.As(err, &e) {
		return errInternal.status, errInternal.body()
	}
	return e.status, e.body()
}

// refuse answers a request that could not even be read.
func refuse(w http.ResponseWriter, err error) {
	if errors.Is(err, errTooLarge) {
		writeHTML(w, http.StatusRequestEntityTooLarge)
		return
	}
	writeHTML(w, http.StatusBadRequest)
}

func writeAnswer(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	if err := writeJSON(&b, body); err != nil {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // the caller may be gone
}

func (p *Portal) movedTo() string {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.state.account.MovedTo
}
