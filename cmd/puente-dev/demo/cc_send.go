package demo

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime/multipart"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// CenterRow is an inquiry and how it ended.
type CenterRow struct {
	Inquiry    Inquiry
	Run        string
	Status     string
	Problem    string // reason or error
	Waited     bool   // a person was asked
	HTTP       int    // of a refusal
	Named      []string
	Answer     centerAnswer
	Requests   int
	RunURL     string
	Entities   []Entity
	Seen       seen
	Mismatches []string
}

// centerAnswer is what the demo reads of the answer to a request.
type centerAnswer struct {
	Revision  int        `json:"revision"`
	Decisions []decision `json:"decisions"`
	Call      *struct {
		ActivityID int64  `json:"activity_id"`
		State      string `json:"state"`
	} `json:"call"`
	Timeline []Entity `json:"timeline"`
	Notes    []string `json:"notes"`
}

type decision struct {
	Kind       string  `json:"kind"`
	Outcome    string  `json:"outcome"`
	ID         int64   `json:"id"`
	Rule       string  `json:"rule"`
	Candidates []int64 `json:"candidates"`
}

func (a centerAnswer) decision(kind string) decision {
	for _, d := range a.Decisions {
		if d.Kind == kind {
			return d
		}
	}
	return decision{}
}

func (r *CenterRow) entityID(kind string) int64 { return r.Answer.decision(kind).ID }

// refusal is a problem document (RFC 9457).
type refusal struct {
	Detail string `json:"detail"`
	Errors []struct {
		Location string `json:"location"`
	} `json:"errors"`
}

// send sends an inquiry, several times at once if it says so, and notes its run.
func (c *center) send(ctx context.Context, in Inquiry) (CenterRow, error) {
	row := CenterRow{Inquiry: in}
	body := maps.Clone(in.Body)
	body["external_id"] = in.Key
	if in.Upload != nil {
		id, err := c.upload(ctx, *in.Upload)
		if err != nil {
			return row, fmt.Errorf("%s: %w", in.Title, err)
		}
		call := maps.Clone(body["call"].(object)) //nolint:forcetypeassert // the programme is ours
		call["recording"] = object{"recording_id": id}
		body["call"] = call
	}
	runs := make([]string, max(in.Times, 1))
	group, sending := errgroup.WithContext(ctx)
	for i := range runs {
		group.Go(func() (err error) {
			runs[i], err = c.submit(sending, in, body)
			return err
		})
	}
	var refused *httpError
	err := group.Wait()
	if errors.As(err, &refused) && len(in.Wants.Refused) > 0 {
		row.refuse(*refused)
		return row, nil
	}
	row.Run = runs[0]
	for _, run := range runs {
		if run != row.Run {
			return row, fmt.Errorf("%s: sent twice it became two runs", in.Title)
		}
	}
	return row, err
}

func (r *CenterRow) refuse(e httpError) {
	r.Status, r.HTTP = statusRefused, e.Status
	var problem refusal
	_ = json.Unmarshal([]byte(e.Body), &problem) // what is no problem document names nothing, and is judged so
	r.Problem = problem.Detail
	for _, one := range problem.Errors {
		r.Named = append(r.Named, one.Location)
	}
}

// submit sends a request with the API key, or signed.
func (c *center) submit(ctx context.Context, in Inquiry, body object) (run string, err error) {
	var answer struct {
		Run string `json:"run"`
	}
	if !in.Signed {
		async := caller{c.api.http, c.api.base, c.api.header.Clone()}
		async.header.Set("Prefer", "respond-async")
		err = async.do(ctx, http.MethodPost, "/requests", body, &answer)
		if err == nil && answer.Run == "" { // it was answered at once
			return c.runOf(ctx, in.Key)
		}
		return answer.Run, err
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	signed := caller{c.hook.http, c.hook.base, sign(c.HMACKey, time.Now(), raw)}
	err = signed.do(ctx, http.MethodPost, "", json.RawMessage(raw), &answer)
	return answer.Run, err
}

// sign proves that a body comes from who holds the key, now.
func sign(key string, now time.Time, body []byte) http.Header {
	stamp := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(stamp + "."))
	mac.Write(body)
	return http.Header{"X-Puente-Timestamp": {stamp}, "X-Puente-Signature": {"sha256=" + hex.EncodeToString(mac.Sum(nil))}}
}

func (c *center) runOf(ctx context.Context, key string) (string, error) {
	var line struct {
		Run string `json:"run"`
	}
	err := c.api.do(ctx, http.MethodGet, "/requests/"+key, nil, &line)
	return line.Run, err
}

// upload sends a recording to Puente and gives its id.
func (c *center) upload(ctx context.Context, s sound) (string, error) {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	part, err := writer.CreateFormFile("file", s.Name)
	if err != nil {
		return "", err
	}
	if _, err := part.Write(s.Body); err != nil {
		return "", err
	}
	if err := writer.Close(); err != nil {
		return "", err
	}
	var answer struct {
		ID     string `json:"recording_id"`
		SHA256 string `json:"sha256"`
	}
	if _, err := c.api.raw(ctx, http.MethodPost, "/recordings", writer.FormDataContentType(), &form, &answer); err != nil {
		return "", err
	}
	if answer.SHA256 != s.SHA256() {
		return "", fmt.Errorf("the upload of %s arrived with the checksum %s instead of %s", s.Name, answer.SHA256, s.SHA256())
	}
	return answer.ID, nil
}

// follow fills in how a row stands. A request that waits for a person is picked for, once.
func (c *center) follow(ctx context.Context, r *CenterRow) error {
	if r.ended() {
		return nil
	}
	var line sync
	if err := c.ledger.do(ctx, http.MethodGet, "/syncs/"+r.Run, nil, &line); err != nil {
		return err
	}
	r.Status, r.Problem, r.Requests, r.RunURL, r.Entities = line.Status, line.Reason, line.Requests, line.RunURL, line.Entities
	if line.Error != nil && line.Status == statusFailed {
		r.Problem = line.Error.Code + " " + line.Error.Text
	}
	if r.Status == statusFailed && r.Inquiry.Picks != 0 && !r.Waited {
		r.Waited, r.Status = true, ""
		c.say("  It waits; a person picks contact %d.", r.Inquiry.Picks)
		return c.ledger.pick(ctx, r.Run, r.Inquiry.Picks, r.Inquiry.Key)
	}
	if r.Waited && line.Reruns == 0 {
		r.Status = "" // the ledger does not know of the choice yet
	}
	return c.answered(ctx, r)
}

// answered reads the answer of a request that has ended; a call that still rings goes on in the next correction.
func (c *center) answered(ctx context.Context, r *CenterRow) error {
	if !r.ended() {
		return nil
	}
	var line struct {
		Answer centerAnswer `json:"answer"`
	}
	if err := c.api.do(ctx, http.MethodGet, "/requests/"+r.Inquiry.Key, nil, &line); err != nil {
		return err
	}
	r.Answer = line.Answer
	if r.Answer.Revision < r.Inquiry.revision() && r.Status == statusDone {
		r.Status = "" // the ledger shows the revision before
	}
	return nil
}

func (in Inquiry) revision() int { return max(in.Wants.Revision, 1) }

func (r *CenterRow) ended() bool {
	switch r.Status {
	case statusDone, statusSkipped, statusFailed, statusAbandoned, statusRefused:
		return true
	}
	return false
}
