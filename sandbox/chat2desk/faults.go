package chat2desk

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"puente/internal/wait"
)

// The kinds of faults.
const (
	FaultStatus     = "status"      // an HTTP status with the error envelope around Message
	FaultError      = "error"       // an error envelope shaped as the service does for Message; HTTP status by §2.4
	FaultNested     = "nested"      // the error envelope of 2017: status and message inside data, HTTP 200
	FaultHTML       = "html"        // an HTTP status with a page of a proxy
	FaultLostAnswer = "lost_answer" // the call is carried out, the connection ends without an answer
	FaultReset      = "reset"       // the connection is reset
	FaultDelay      = "delay"       // the answer comes, later
)

// Fault is a disturbance of API calls (POST /sandbox/faults). Path is a
// pattern in which * stands for anything; "" and "*" meet every call.
type Fault struct {
	Path        string   `json:"path"`
	Method      string   `json:"method"` // HTTP method; "" = any
	Kind        string   `json:"kind"`
	Status      int      `json:"status"`   // of status, nested and html; 0 = 502 (nested: 200)
	Message     string   `json:"message"`  // of status, error and nested
	DelayMS     int      `json:"delay_ms"` // of delay
	Times       *int     `json:"times"`    // absent = 1; 0 or less = until removed
	Probability *float64 `json:"probability"`
	// When is before or after the call is carried out; default before, but after
	// for lost_answer.
	When string `json:"when"`
}

// fault is a Fault in force.
type fault struct {
	Fault
	Probability float64
	path        *regexp.Regexp
	left        int // uses; negative and falling = without end
}

var faultKinds = []string{FaultStatus, FaultError, FaultNested, FaultHTML, FaultLostAnswer, FaultReset, FaultDelay}

func newFault(f Fault) (*fault, error) {
	if !slices.Contains(faultKinds, f.Kind) {
		return nil, fmt.Errorf("kind: %q is none of %s", f.Kind, strings.Join(faultKinds, ", "))
	}
	if !slices.Contains([]string{"", "before", "after"}, f.When) {
		return nil, fmt.Errorf("when: %q is neither before nor after", f.When)
	}
	if f.Kind == FaultLostAnswer {
		f.When = "after"
	}
	if f.Path == "" {
		f.Path = "*"
	}
	out := &fault{Fault: f, Probability: 1, left: 1, path: globOf(f.Path)}
	if f.Times != nil {
		out.left = *f.Times
	}
	if f.Probability != nil {
		out.Probability = *f.Probability
	}
	return out, nil
}

func globOf(pattern string) *regexp.Regexp {
	return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$")
}

func (f *fault) meets(r *http.Request) bool {
	return (f.Method == "" || strings.EqualFold(f.Method, r.Method)) && f.path.MatchString(r.URL.Path)
}

// strikesBefore disturbs a call that was not carried out; true = it is answered.
func (f *fault) strikesBefore(w http.ResponseWriter, r *http.Request) bool {
	return f != nil && f.When != "after" && f.strike(w, r)
}

// strikesAfter disturbs the answer of a call that was carried out.
func (f *fault) strikesAfter(w http.ResponseWriter, r *http.Request) bool {
	return f != nil && f.When == "after" && f.strike(w, r)
}

func (f *fault) strike(w http.ResponseWriter, r *http.Request) bool {
	switch f.Kind {
	case FaultDelay:
		_ = wait.For(r.Context(), time.Duration(f.DelayMS)*time.Millisecond)
		return false
	case FaultReset:
		cut(w, true)
	case FaultLostAnswer:
		cut(w, false)
	case FaultHTML:
		status := f.statusOr(http.StatusBadGateway)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, "<html><body><h1>%d %s</h1><hr>nginx</body></html>", status, http.StatusText(status))
	default:
		ans := f.envelope()
		writeJSON(w, ans.status, encode(ans.body))
	}
	return true
}

// envelope is the JSON answer of status, error and nested.
func (f *fault) envelope() answer {
	message := f.Message
	if message == "" {
		message = "Internal error"
	}
	switch f.Kind {
	case FaultStatus:
		return fail(f.statusOr(http.StatusBadGateway), message)
	case FaultNested:
		return answer{f.statusOr(http.StatusOK), object{"data": object{"status": "error", "message": message}}}
	}
	shaped := failureFor(message)
	shaped.status = f.statusOr(shaped.status)
	return shaped.answer()
}

func (f *fault) statusOr(status int) int {
	if f.Status != 0 {
		return f.Status
	}
	return status
}

// cut ends the connection without an answer; hard sends a TCP reset.
func cut(w http.ResponseWriter, hard bool) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, isTCP := conn.(*net.TCPConn); isTCP && hard {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

func (c *Company) addFault(w http.ResponseWriter, r *http.Request) {
	var wanted Fault
	if !readControl(w, r, &wanted) {
		return
	}
	f, err := newFault(wanted)
	if err != nil {
		controlError(w, http.StatusBadRequest, err)
		return
	}
	c.mu.Lock()
	c.faults = append(c.faults, f)
	c.mu.Unlock()
	controlAnswer(w, object{"ok": true})
}

func (c *Company) clearFaults(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	c.faults = nil
	c.mu.Unlock()
	controlAnswer(w, object{"ok": true})
}

// Inject puts a fault in force, as POST /sandbox/faults does.
func (c *Company) Inject(wanted Fault) error {
	f, err := newFault(wanted)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, f)
	return nil
}

// readControl decodes the body of a control strictly, so that a misspelt key
// is named; false = answered with an error.
func readControl(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		controlError(w, http.StatusBadRequest, err)
		return false
	}
	return true
}

func controlError(w http.ResponseWriter, status int, err error) {
	writeJSON(w, status, encode(object{"error": err.Error()}))
}

func controlAnswer(w http.ResponseWriter, value any) { writeJSON(w, http.StatusOK, encode(value)) }
