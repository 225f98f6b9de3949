package api

import (
	"encoding/json"
	"time"
	"unicode/utf8"

	"puente/dialog"
	"puente/store"
)

// Sync is a run as the ledger shows it.
type Sync struct {
	ID         string     `json:"id"`
	Kind       string     `json:"kind"`
	Status     string     `json:"status" enum:"open,syncing,failed,done,skipped,abandoned"`
	Reason     string     `json:"reason,omitempty" doc:"why it was skipped or abandoned"`
	WorkflowID string     `json:"workflow_id"`
	ClientID   int64      `json:"client_id,omitempty"`
	ChannelID  int64      `json:"channel_id,omitempty"`
	DialogID   int64      `json:"dialog_id,omitempty"`
	RequestID  int64      `json:"request_id,omitempty"`
	Cycle      int        `json:"cycle,omitempty" doc:"which close of the request, from 1"`
	Operator   int64      `json:"operator,omitempty" doc:"Chat2Desk operator"`
	Rule       string     `json:"rule,omitempty" doc:"the rule that chose the entity"`
	Settings   int        `json:"settings_version,omitempty"`
	Error      *SyncError `json:"error,omitempty"`
	Attempts   int        `json:"attempts"`
	Reruns     int        `json:"reruns"`
	Requests   int        `json:"requests" doc:"HTTP requests to Bitrix24"`
	Entities   []Entity   `json:"entities,omitempty"`
	RunURL     string     `json:"run_url,omitempty" doc:"the run in the Temporal UI"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
}

// SyncError is what stopped a run, in the words of the system that refused.
type SyncError struct {
	Step string `json:"step,omitempty"`
	Code string `json:"code,omitempty"`
	Text string `json:"text"`
}

// Entity is a CRM entity and its card.
type Entity struct {
	Kind string `json:"kind" enum:"contact,company,deal,lead"`
	ID   int64  `json:"id"`
	URL  string `json:"url,omitempty"`
}

// SyncDetail is one run with everything known of it.
type SyncDetail struct {
	Sync
	Steps      []Step          `json:"steps"`
	Input      json.RawMessage `json:"input,omitempty" doc:"the original input of the run"`
	Correction json.RawMessage `json:"correction,omitempty" doc:"the last correction a person gave"`
	Transcript *Transcript     `json:"transcript,omitempty"`
}

// Step is one step of a run.
type Step struct {
	Name     string    `json:"name"`
	Status   string    `json:"status" enum:"done,failed,skipped"`
	Entity   *Entity   `json:"entity,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Error    string    `json:"error,omitempty"`
	Requests int       `json:"requests,omitempty"`
	At       time.Time `json:"at"`
}

// Transcript says what was collected of the dialog, without its texts.
type Transcript struct {
	Source       string    `json:"source" doc:"api, webhooks or both"`
	Messages     int       `json:"messages"`
	FromClient   int       `json:"from_client"`
	FromOperator int       `json:"from_operator"`
	Files        int       `json:"files"`
	Characters   int       `json:"characters"`
	OpenedAt     time.Time `json:"opened_at"`
	ClosedAt     time.Time `json:"closed_at"`
}

func summarise(s dialog.Snapshot) *Transcript {
	t := &Transcript{Source: string(s.Source), Messages: len(s.Messages), OpenedAt: s.OpenedAt, ClosedAt: s.ClosedAt}
	for _, m := range s.Messages {
		switch m.Author {
		case dialog.AuthorClient:
			t.FromClient++
		case dialog.AuthorOperator:
			t.FromOperator++
		}
		t.Files += len(m.Files)
		t.Characters += utf8.RuneCountInString(m.Text)
	}
	return t
}

func syncError(r store.Sync) *SyncError {
	if r.ErrorText == "" && r.ErrorCode == "" {
		return nil
	}
	return &SyncError{Step: r.ErrorStep, Code: r.ErrorCode, Text: r.ErrorText}
}

// instant leaves out a time that has not come.
func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
