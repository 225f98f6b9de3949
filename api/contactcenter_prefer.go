package api

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
)

// How long a caller waits for the answer.
const (
	defaultWait = 10 * time.Second
	maxWait     = 60 * time.Second
	// answerTimeout is how long the answer itself may take on its way.
	answerTimeout = 15 * time.Second
)

// CallerInput is how a caller wants to be answered.
type CallerInput struct {
	IdempotencyKey string `header:"Idempotency-Key" doc:"1 to 200 printable characters; the same key and body get the same answer"`
	Prefer         string `header:"Prefer" doc:"RFC 7240: wait=N seconds for the answer, 0 to 60 (10 without it); respond-async = wait=0"`
}

var printable = regexp.MustCompile(`^[\x20-\x7E]{1,200}$`)

const keyHeader = "header.Idempotency-Key"

// key is the idempotency key, "" if there is none.
func (in CallerInput) key() (string, error) {
	key := strings.TrimSpace(in.IdempotencyKey)
	if key != "" && !printable.MatchString(key) {
		return "", huma.Error422UnprocessableEntity("the Idempotency-Key is not valid",
			&huma.ErrorDetail{Location: keyHeader, Message: "must be 1 to 200 printable ASCII characters"})
	}
	return key, nil
}

func keyMissing() error {
	return huma.Error400BadRequest("this method needs the header Idempotency-Key",
		&huma.ErrorDetail{Location: keyHeader, Message: "is missing: choose a value for each change, and send it with each repetition"})
}

// wait reads how long to wait, and what to tell the caller of it
// (Preference-Applied); "" if it expressed no preference that we follow. What
// cannot be read is passed over (RFC 7240 §2).
func (in CallerInput) wait() (wait time.Duration, applied string) {
	for preference := range strings.SplitSeq(in.Prefer, ",") {
		name, _, _ := strings.Cut(preference, ";") // parameters say nothing here
		name, value, _ := strings.Cut(name, "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "respond-async":
			return 0, "respond-async"
		case "wait":
			seconds, err := strconv.ParseUint(strings.Trim(strings.TrimSpace(value), `"`), 10, 31)
			if err != nil {
				continue
			}
			wait = min(time.Duration(seconds)*time.Second, maxWait)
			return wait, "wait=" + strconv.Itoa(int(wait.Seconds()))
		}
	}
	return defaultWait, ""
}

// Resolve gives the connection the time that the caller wants to wait. The
// deadline of reading is over with the body: net/http takes its passing for a
// caller that hung up.
func (in *CallerInput) Resolve(ctx huma.Context) []error {
	wait, _ := in.wait()
	connection := http.NewResponseController(humagin.Unwrap(ctx).Writer)
	_ = connection.SetReadDeadline(time.Time{})                           // fails only where there is no connection
	_ = connection.SetWriteDeadline(time.Now().Add(wait + answerTimeout)) // as well
	return nil
}
