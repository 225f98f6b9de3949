package demo

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ledger is Puente's list of syncs.
type ledger struct{ caller }

// sync is what the demo reads of a row of the ledger.
type sync struct {
	ID         string   `json:"id"`
	Status     string   `json:"status"`
	Reason     string   `json:"reason"`
	WorkflowID string   `json:"workflow_id"`
	DialogID   int64    `json:"dialog_id"`
	RequestID  int64    `json:"request_id"`
	Requests   int      `json:"requests"`
	Reruns     int      `json:"reruns"`
	RunURL     string   `json:"run_url"`
	Entities   []Entity `json:"entities"`
	Error      *struct {
		Step string `json:"step"`
		Code string `json:"code"`
		Text string `json:"text"`
	} `json:"error"`
}

// Entity is a CRM entity and its card.
type Entity struct {
	Kind string `json:"kind"`
	ID   int64  `json:"id"`
	URL  string `json:"url"`
}

// since are all syncs created at or after a time.
func (l ledger) since(ctx context.Context, at time.Time) ([]sync, error) {
	query := url.Values{"since": {at.Format(time.RFC3339)}, "limit": {"200"}}
	var all []sync
	for {
		var page struct {
			Items      []sync `json:"items"`
			NextCursor string `json:"next_cursor"`
		}
		if err := l.do(ctx, http.MethodGet, "/syncs?"+query.Encode(), nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}

// rerun asks for a parked sync to go on; the key makes asking twice harmless.
func (l ledger) rerun(ctx context.Context, id, key string) error {
	again := caller{l.http, l.base, l.header.Clone()}
	again.header.Set("Idempotency-Key", key)
	body := map[string]string{"reason": "The mandatory field is gone again"}
	return again.do(ctx, http.MethodPost, "/syncs/"+id+"/rerun", body, nil)
}

// match notes the outcomes in the rows they belong to and counts the rows
// that have ended.
func match(rows []Row, found []sync, temporalUI string) (ended int) {
	byCycle := map[[2]int64][]sync{}
	for _, s := range found {
		key := [2]int64{s.DialogID, s.RequestID}
		byCycle[key] = append(byCycle[key], s)
	}
	for i := range rows {
		row := &rows[i]
		list := byCycle[[2]int64{row.DialogID, row.RequestID}]
		row.Syncs = len(list)
		if len(list) == 0 {
			continue
		}
		row.take(list[0], temporalUI)
		if row.ended() {
			ended++
		}
	}
	return ended
}

func (r *Row) take(s sync, temporalUI string) {
	r.SyncID, r.WorkflowID, r.Status, r.Requests, r.Entities = s.ID, s.WorkflowID, s.Status, s.Requests, s.Entities
	r.RunURL, r.Problem, r.Reruns = s.RunURL, s.Reason, s.Reruns
	if s.Error != nil && s.Status == statusFailed {
		r.Problem = strings.TrimSpace(s.Error.Code + " " + s.Error.Text)
	}
	if r.RunURL == "" && temporalUI != "" {
		r.RunURL = strings.TrimRight(temporalUI, "/") + "/namespaces/default/workflows/" + url.PathEscape(s.WorkflowID)
	}
}

// ended: skipped, done and abandoned are final, failed waits for a person. A
// row that was run again has not ended before the ledger knows of the re-run.
func (r *Row) ended() bool {
	if r.Parked != "" && r.Reruns == 0 {
		return false
	}
	switch r.Status {
	case statusDone, statusSkipped, statusFailed, statusAbandoned:
		return true
	}
	return false
}
