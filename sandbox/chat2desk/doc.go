// Package chat2desk is a double of the Chat2Desk service: its HTTP API under
// /v1 and its sender of webhooks, as the chat2desk reference describes them,
// with the traps of production (error texts with HTTP 200, lists that ignore
// their offset, bare answers, two generations of operators). It shares no code
// with the client of the service, so that neither hides a mistake of the other.
//
// One Company is one account: clients, channels, dialogs (one per client and
// channel, open or closed), requests (one open at a time; a closed dialog that
// is written to again gets a new one), operators, tags, custom client fields,
// web analytics, templates, tickets, webhooks and a monthly quota. It is an
// http.Handler:
//
//	company, err := chat2desk.New(chat2desk.Options{
//		Webhooks: []chat2desk.Webhook{{Name: "puente", URL: "http://127.0.0.1:8080/webhooks/chat2desk/demo/demo-secret"}},
//	})
//	defer company.Close()
//	http.ListenAndServe("127.0.0.1:8092", company)
//
// # Controls
//
// A scene between a client and the company, told to the webhooks in the order
// of the reference (new_client, new_request, inbox, dialog_transferred,
// outbox …, add_tag_to_request, close_request, close_dialog, then the rating
// request). The same phone and channel is the same dialog; the answer has the ids:
//
//	curl -X POST http://127.0.0.1:8092/sandbox/dialogs -d '{
//	  "client": {"name": "Ana", "phone": "+7 999 123-45-67", "custom_fields": {"6": "Madrid"}},
//	  "channel_id": 12, "operator_id": 301, "tags": [3],
//	  "utm": {"utm_source": "google", "utm_campaign": "spring"},
//	  "messages": [
//	    {"from": "client", "text": "Hello", "attachments": [{"name": "a.pdf", "link": "https://example.org/a.pdf"}]},
//	    {"from": "operator", "text": "Good morning!"}],
//	  "close": true,
//	  "deliver": {"duplicate": 1, "shuffle": true, "drop": ["new_client"], "delay_ms": 0}}'
//
// See [Script] for all keys. The others:
//
//	POST   /sandbox/dialogs/{id}/close     closes a dialog; …/reopen opens it with a new request
//	GET    /sandbox/dialogs/{id}/operators who took the dialog or was given it, in order
//	POST   /sandbox/messages/{id}/status   {"status":"failed","error":"24h window"}: an outbox_status
//	GET    /sandbox/messages?client_id=7001 what the client received
//	POST   /sandbox/channels               {"name":"Second bot","transport":"telegram"}: one more channel; the answer has its id
//	GET    /sandbox/stats                  requests by path, webhooks queued, sent, failed, retried, lost, pending
//	POST   /sandbox/faults                 {"path":"/v1/requests/*","kind":"status","status":500,"times":1,"when":"before"}, see [Fault]
//	DELETE /sandbox/faults
//	GET, PUT /sandbox/settings             switches, see [Settings]; a PUT changes the keys it has
//	POST   /sandbox/clock                  {"advance_s":7200}: time passes, what became due is sent
//	POST   /sandbox/reset                  starts over; webhooks stay unless {"webhooks":true}, ids go on
//
// An error of a control is {"error":"…"} with status 400 or 404; a misspelt key is one.
//
// # Webhooks
//
// A delivery is tried again 10 s, 5 min and 2 h after the attempt before, then
// it is lost; a webhook that only fails for 5 h is switched off and what waits
// for it is dropped. PUT /sandbox/settings {"retry_scale":0.001} shortens the
// waits, [Company.Advance] and /sandbox/clock jump over them. One client's
// events reach a receiver in order, unless they are retried or shuffled.
// Every call of the API that changes something raises its events too:
// POST /v1/messages is echoed as outbox, after its answer or before it ([Settings].Echo).
//
// # Where the reference leaves room
//
// Malformed parameters are HTTP 400, unknown ids 404, refusals of the business
// rules 200 with status "error". A system message sent through the API is an
// outbox, one of a script a system_message. Closing a request closes its
// dialog. An address under .invalid is an attachment that cannot be reached.
// The pre-2018 webhooks of the company are kept and reported, never called.
package chat2desk
