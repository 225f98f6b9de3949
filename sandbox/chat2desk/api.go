package chat2desk

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// call is one API call: its parameters and its path.
type call struct {
	params
	r *http.Request
}

// path is a numeric part of the path; 0 if it is no number.
func (q *call) path(name string) int64 {
	id, _ := strconv.ParseInt(q.r.PathValue(name), 10, 64)
	return id
}

// handler answers a call; the company is locked meanwhile.
type handler func(*Company, *call) answer

// api serves one route: faults, token, quota, the handler, and the webhooks it causes.
func (c *Company) api(route string, h handler) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		defer c.saver.touch()
		fault := c.arrive(route, r)
		if fault.strikesBefore(w, r) {
			return
		}
		q := &call{r: r}
		var err error
		if q.params, err = readParams(w, r); err != nil {
			c.write(w, fail(http.StatusBadRequest, err.Error()))
			return
		}
		status, body, after := c.perform(h, q)
		if !fault.strikesAfter(w, r) {
			writeJSON(w, status, body)
		}
		after()
	}
}

// perform runs the handler under the lock and writes its answer down there too.
// The webhooks it raised leave before it returns (EchoBefore) or when after is called.
func (c *Company) perform(h handler, q *call) (status int, body []byte, after func()) {
	c.mu.Lock()
	ans, ok := c.admit(q)
	if ok {
		ans = h(c, q)
	}
	events, how, before := c.takeEvents(), c.s.Settings.Deliver, c.s.Settings.Echo == EchoBefore
	var sent []*delivery
	if before {
		sent = c.send(events, how, true)
		events = nil
	}
	status, body = c.s.Settings.reply(ans)
	c.mu.Unlock()
	awaitAttempts(sent)
	return status, body, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.send(events, how, false)
	}
}

// echoPatience bounds how long an answer waits for its echo to arrive first.
const echoPatience = 2 * time.Second

func awaitAttempts(sent []*delivery) {
	timeout := time.After(echoPatience)
	for _, item := range sent {
		select {
		case <-item.done:
		case <-timeout:
			return
		}
	}
}

// admit checks token, rate and quota (reference §2.2, §2.7). Every call with a
// good token counts.
func (c *Company) admit(q *call) (answer, bool) {
	switch token := q.r.Header.Get("Authorization"); {
	case token == "":
		return c.refuse(failureFor(TextNoToken))
	case token != c.options.Token:
		return c.refuse(failureFor(TextBadToken))
	}
	settings := c.s.Settings
	if settings.RatePerSecond > 0 && !c.window.allow(c.now(), settings.RatePerSecond) {
		return c.refuse(failureFor(TextRate))
	}
	if month := c.now().Format("2006-01"); month != c.s.Month {
		c.s.Month, c.s.Used = month, 0
	}
	if settings.Quota > 0 && c.s.Used >= settings.Quota {
		return c.refuse(failureFor(TextQuota))
	}
	c.s.Used++
	return answer{}, true
}

func (c *Company) refuse(f failure) (answer, bool) {
	c.stats.Refused++
	return f.answer(), false
}

// rateWindow counts the calls of the current second.
type rateWindow struct {
	second int64
	count  int
}

func (w *rateWindow) allow(now time.Time, limit int) bool {
	if now.Unix() != w.second {
		w.second, w.count = now.Unix(), 0
	}
	w.count++
	return w.count <= limit
}

// write answers a call that was not carried out.
func (c *Company) write(w http.ResponseWriter, ans answer) {
	status, body := c.Settings().reply(ans)
	writeJSON(w, status, body)
}

func (s Settings) reply(ans answer) (status int, body []byte) {
	if s.ErrorsWith200 {
		return http.StatusOK, s.render(ans.body)
	}
	return ans.status, s.render(ans.body)
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
	if flusher, ok := w.(http.Flusher); ok {
		flusher.Flush() // the answer is out before its echo starts
	}
}

// noPage answers a path that does not exist, with any method.
func (c *Company) noPage(w http.ResponseWriter, r *http.Request) {
	c.arrive("unknown path", r)
	c.write(w, fail(http.StatusNotFound, TextNoPage))
}

// arrive counts the call and picks the fault that meets it, nil if none does.
func (c *Company) arrive(route string, r *http.Request) *fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.stats.Requests++
	c.stats.ByPath[strings.NewReplacer("{id}", ":id", "{$}", "").Replace(route)]++
	for i, f := range c.faults {
		if !f.meets(r) || c.random.Float64() >= f.Probability {
			continue
		}
		if f.left--; f.left == 0 {
			c.faults = append(c.faults[:i:i], c.faults[i+1:]...)
		}
		c.stats.Faults++
		return f
	}
	return nil
}
