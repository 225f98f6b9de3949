package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"puente/store"
)

func (s *server) historyRoutes() {
	group := tagged("history")
	operation(s, http.MethodGet, "/inbox", "list-inbox", "Received events, newest first, without bodies", s.listInbox, group)
	operation(s, http.MethodGet, "/inbox/{event}", "get-inbox-event", "One received event with its raw body", s.getEvent,
		group, errorsToo(http.StatusNotFound))
	operation(s, http.MethodGet, "/audit", "list-audit", "What people did, newest first", s.listAudit, group)
	operation(s, http.MethodGet, "/dialogs", "list-dialogs", "The dialogs of a Chat2Desk client and their CRM entities", s.listDialogs, group)
}

type eventInput struct {
	PortalInput
	Event string `path:"event" maxLength:"64" pattern:"^[A-Za-z0-9-]+$" doc:"id of the event"`
}

// event is one received webhook.
type event struct {
	ID         string     `json:"id"`
	Source     string     `json:"source"`
	HookType   string     `json:"hook_type"`
	Key        string     `json:"key" doc:"what makes it the same event again"`
	ClientID   int64      `json:"client_id,omitempty"`
	ChannelID  int64      `json:"channel_id,omitempty"`
	DialogID   int64      `json:"dialog_id,omitempty"`
	RequestID  int64      `json:"request_id,omitempty"`
	MessageID  int64      `json:"message_id,omitempty"`
	Status     string     `json:"status" doc:"new, done, ignored or failed"`
	Attempts   int        `json:"attempts"`
	Duplicates int        `json:"duplicates" doc:"how often it came again"`
	LastError  string     `json:"last_error,omitempty"`
	WorkflowID string     `json:"workflow_id,omitempty" doc:"where it was delivered"`
	EventTime  *time.Time `json:"event_time,omitempty" doc:"as stated by the sender"`
	ReceivedAt time.Time  `json:"received_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Body       string     `json:"body,omitempty" doc:"as received, without tokens"`
}

func (s *server) getEvent(ctx context.Context, in *eventInput) (*body[event], error) {
	row, err := s.Store.InboxEvent(ctx, in.Portal, in.Event)
	if err != nil {
		return nil, s.fail(ctx, "event", err)
	}
	out := showEvent(row)
	out.Body = string(row.Body)
	return &body[event]{Body: out}, nil
}

func showEvent(r store.InboxEvent) event {
	return event{
		ID: r.ID, Source: r.Source, HookType: r.HookType, Key: r.Key, ClientID: r.ClientID, ChannelID: r.ChannelID,
		DialogID: r.DialogID, RequestID: r.RequestID, MessageID: r.MessageID, Status: r.Status, Attempts: r.Attempts,
		Duplicates: r.Duplicates, LastError: r.LastError, WorkflowID: r.WorkflowID, EventTime: instant(r.EventTime), ReceivedAt: r.ReceivedAt,
		FinishedAt: instant(r.FinishedAt),
	}
}

type inboxInput struct {
	PortalInput
	PageInput
	Status   string `query:"status" enum:"new,done,ignored,failed" doc:"none = all"`
	HookType string `query:"hook_type" maxLength:"100"`
	Client   int64  `query:"client" minimum:"1" doc:"Chat2Desk client id"`
}

func (s *server) listInbox(ctx context.Context, in *inboxInput) (*body[list[event]], error) {
	rows, next, err := s.Store.InboxList(ctx, in.Portal, store.InboxFilter{
		Status: in.Status, HookType: storable(in.HookType, maxHookType), ClientID: in.Client, Page: in.page(),
	})
	if err != nil {
		return nil, s.fail(ctx, "page of the inbox", err)
	}
	return page(rows, next, showEvent), nil
}

type auditInput struct {
	PortalInput
	PageInput
	Subject string `query:"subject" maxLength:"100" pattern:"^[A-Za-z0-9:._-]*$" doc:"for example sync:<id>; none = all"`
}

// auditEntry is one thing that a person did.
type auditEntry struct {
	ID      string          `json:"id"`
	At      time.Time       `json:"at"`
	Actor   string          `json:"actor"`
	Action  string          `json:"action"`
	Subject string          `json:"subject"`
	Reason  string          `json:"reason,omitempty"`
	Before  json.RawMessage `json:"before,omitempty"`
	After   json.RawMessage `json:"after,omitempty"`
}

func (s *server) listAudit(ctx context.Context, in *auditInput) (*body[list[auditEntry]], error) {
	rows, next, err := s.Store.AuditLog(ctx, in.Portal, in.Subject, in.page())
	if err != nil {
		return nil, s.fail(ctx, "page of the audit log", err)
	}
	return page(rows, next, func(r store.AuditEntry) auditEntry {
		return auditEntry{
			ID: r.ID, At: r.CreatedAt, Actor: r.Actor, Action: r.Action, Subject: r.Subject, Reason: r.Reason, Before: r.Before, After: r.After,
		}
	}), nil
}

type versionsInput struct {
	PortalInput
	PageInput
}

// settingsVersion tells who made a version of the settings.
type settingsVersion struct {
	Version int       `json:"version"`
	Author  string    `json:"author"`
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

func (s *server) listVersions(ctx context.Context, in *versionsInput) (*body[list[settingsVersion]], error) {
	rows, next, err := s.Store.SettingsHistory(ctx, in.Portal, in.page())
	if err != nil {
		return nil, s.fail(ctx, "page of the versions", err)
	}
	return page(rows, next, func(r store.SettingsChange) settingsVersion {
		return settingsVersion{Version: r.Version, Author: r.Author, Reason: r.Reason, At: r.CreatedAt}
	}), nil
}

type dialogsInput struct {
	PortalInput
	Client int64 `query:"client" required:"true" minimum:"1" doc:"Chat2Desk client id"`
}

// dialogView is a dialog and the CRM entities it led to.
type dialogView struct {
	ClientID    int64     `json:"client_id"`
	ChannelID   int64     `json:"channel_id"`
	DialogID    int64     `json:"dialog_id,omitempty"`
	OperatorID  int64     `json:"operator_id,omitempty"`
	LastRequest int64     `json:"last_request_id,omitempty"`
	Transport   string    `json:"transport,omitempty"`
	Entities    []Entity  `json:"entities,omitempty"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func (s *server) listDialogs(ctx context.Context, in *dialogsInput) (*body[list[dialogView]], error) {
	rows, err := s.Store.DialogsOfClient(ctx, in.Portal, in.Client)
	if err != nil {
		return nil, s.fail(ctx, "dialogs", err)
	}
	links, err := s.linker(ctx, in.Portal)
	if err != nil {
		return nil, err
	}
	return page(rows, "", func(r store.DialogRow) dialogView {
		return dialogView{
			ClientID: r.ClientID, ChannelID: r.ChannelID, DialogID: r.DialogID, OperatorID: r.OperatorID, LastRequest: r.LastRequestID,
			Transport: r.Transport, UpdatedAt: r.UpdatedAt,
			Entities: links.entities(store.Sync{ContactID: r.ContactID, DealID: r.DealID, LeadID: r.LeadID}),
		}
	}), nil
}
