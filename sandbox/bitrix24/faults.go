package bitrix24

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"puente/internal/wait"
)

// Fault is one rule of POST /sandbox/faults: what goes wrong with which method.
type Fault struct {
	// ID is given by the sandbox.
	ID int `json:"id"`
	// Method is a method name or "*". A batch matches if it, or a command in it, has the name.
	// "oauth.token" is the token endpoint, which "*" does not mean.
	Method string `json:"method"`
	// Kind is lost_answer (the connection is closed without an answer), reset (it
	// is reset), status (an error answer), html (an error page) or delay.
	Kind string `json:"kind"`
	// Status is the HTTP status of kinds status (default 500) and html (default 502).
	Status int `json:"status"`
	// DelayMS is waited before the effect, in milliseconds of real time.
	DelayMS int `json:"delay_ms"`
	// Times is how often the rule works; 0 means once, a negative number always.
	Times int `json:"times"`
	// Probability is how likely it works on a match; 0 means always.
	Probability float64 `json:"probability"`
	// When is before (nothing was done) or after (everything was done): the
	// default is after for lost_answer, else before.
	When string `json:"when"`
	// Code and Description replace those of the error answer. The code of a system
	// error (bitrix24 reference §1.5) brings its status and description along.
	Code        string `json:"code,omitempty"`
	Description string `json:"description,omitempty"`
	// Hits is how often the rule has worked.
	Hits int `json:"hits"`
}

var faultKinds = []string{"lost_answer", "status", "delay", "reset", "html"}

// normalise fills the defaults and says what is wrong with a rule.
func (f *Fault) normalise() error {
	f.Method = strings.ToLower(f.Method)
	if f.Method == "" {
		f.Method = "*"
	}
	if !slices.Contains(faultKinds, f.Kind) {
		return fmt.Errorf("kind must be one of %s", strings.Join(faultKinds, ", "))
	}
	if f.When == "" {
		f.When = pick(f.Kind == "lost_answer", "after", "before")
	}
	if f.When != "before" && f.When != "after" {
		return errors.New("when must be before or after")
	}
	if f.Probability < 0 || f.Probability > 1 {
		return errors.New("probability must be between 0 and 1")
	}
	if f.Times == 0 {
		f.Times = 1
	}
	f.byCode()
	if f.Status == 0 {
		f.Status = pick(f.Kind == "html", http.StatusBadGateway, http.StatusInternalServerError)
	}
	if f.Status < 200 || f.Status > 599 {
		return errors.New("status must be an HTTP status")
	}
	return nil
}

type faults struct {
	mu     sync.Mutex
	rules  []*Fault
	nextID int
}

func newFaults() *faults { return &faults{nextID: 1} }

// InjectFault adds a rule and gives its id.
func (p *Portal) InjectFault(f Fault) (int, error) {
	if err := f.normalise(); err != nil {
		return 0, err
	}
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	f.ID, f.Hits = p.faults.nextID, 0
	p.faults.nextID++
	p.faults.rules = append(p.faults.rules, &f)
	return f.ID, nil
}

func (f *faults) clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = nil
}

func (f *faults) list() []Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]Fault, 0, len(f.rules))
	for _, r := range f.rules {
		out = append(out, *r)
	}
	return out
}

// match finds the first rule that works on a request carrying these methods,
// and counts it; nil if none does.
func (f *faults) match(methods []string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range f.rules {
		if r.Times == 0 || !r.covers(methods) {
			continue
		}
		if r.Probability > 0 && rand.Float64() >= r.Probability {
			continue
		}
		if r.Times > 0 {
			r.Times--
		}
		r.Hits++
		hit := *r
		return &hit
	}
	return nil
}

// covers says whether a rule is about a request. "*" means the portal only, not
// the OAuth server.
func (f *Fault) covers(methods []string) bool {
	return slices.Contains(methods, f.Method) || f.Method == "*" && methods[0] != oauthMethod
}

// spoils applies the fault if its moment has come, and says whether the request
// is thereby over. A delay only waits.
func (f *Fault) spoils(w http.ResponseWriter, r *http.Request, after bool) bool {
	if f == nil || after != (f.When == "after") {
		return false
	}
	f.wait(r)
	switch f.Kind {
	case "lost_answer":
		panic(http.ErrAbortHandler) // net/http closes the connection without an answer
	case "reset":
		reset(w)
	case "status":
		f.writeStatus(w)
	case "html":
		writeHTML(w, f.Status)
	default:
		return false
	}
	return true
}

// wait ends early if the caller gives up: the portal then goes on without it.
func (f *Fault) wait(r *http.Request) {
	if f.DelayMS <= 0 {
		return
	}
	_ = wait.For(r.Context(), time.Duration(f.DelayMS)*time.Millisecond)
}

// reset sends a TCP RST instead of an answer.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2 and test recorders cannot be reset
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// byCode completes a rule that names a system error by its code.
func (f *Fault) byCode() {
	for _, e := range systemErrors {
		if f.Kind != "status" || f.Code == "" || !strings.EqualFold(toStr(e.code), f.Code) {
			continue
		}
		f.Code = toStr(e.code)
		f.Status = pick(f.Status == 0, e.status, f.Status)
		f.Description = pick(f.Description == "", e.text, f.Description)
		return
	}
}

// faultErrors are the bodies of the statuses that the portal answers in JSON.
var faultErrors = map[int]*restError{
	http.StatusBadRequest: badRequest("", "Bad request"), http.StatusUnauthorized: errExpiredToken,
	http.StatusForbidden: errDenied, http.StatusNotFound: errMethodNotFound, http.StatusMethodNotAllowed: errBatchMethod,
	http.StatusTooManyRequests: errOperating, http.StatusInternalServerError: errInternal, http.StatusServiceUnavailable: errQueryLimit,
}

func (f *Fault) writeStatus(w http.ResponseWriter) {
	e, known := faultErrors[f.Status]
	if !known && f.Code == "" {
		writeHTML(w, f.Status)
		return
	}
	body := newDict("error", f.Code, "error_description", f.Description)
	if known && f.Code == "" {
		body.set("error", e.code)
	}
	if known && f.Description == "" {
		body.set("error_description", e.text)
	}
	writeAnswer(w, f.Status, body)
}

const errorPage = "<html>\r\n<head><title>%[1]d %[2]s</title></head>\r\n<body>\r\n<center><h1>%[1]d %[2]s</h1></center>\r\n" +
	"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"

// writeHTML answers as the web server before the portal does when it fails.
func writeHTML(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, errorPage, status, http.StatusText(status)) // the caller may be gone
}
