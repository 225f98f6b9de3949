package workflows

import (
	"fmt"

	"go.temporal.io/sdk/temporal"

	"puente/contactcenter"
)

// Names of the contact center's workflows and messages; stable for histories.
const (
	ContactCenterMethodWorkflow  = "ContactCenterMethod"
	ContactCenterRequestWorkflow = "ContactCenterRequest"

	// SignalRequestRevised tells a request that a newer revision of it was
	// accepted; it carries a RequestRevised.
	SignalRequestRevised = "request-revised"
)

// Kinds of contact-center runs, in the ledger and in PuenteKind.
const (
	KindMethod  = "method"
	KindRequest = "request"
)

// MethodInput starts a ContactCenterMethod workflow. What the method was called
// with stays in the database, table submissions, under the id of the sync.
type MethodInput struct {
	Portal string               `json:"portal"`
	SyncID string               `json:"sync_id"`
	Method contactcenter.Method `json:"method"`
}

// RequestInput starts a ContactCenterRequest workflow; its content stays in the
// table submissions.
type RequestInput struct {
	Portal string `json:"portal"`
	SyncID string `json:"sync_id"`
}

// RequestRevised says which revision was accepted.
type RequestRevised struct {
	Revision int `json:"revision"`
}

// ContactCenterMethodID is the id of the workflow of one method call.
func ContactCenterMethodID(portal string, method contactcenter.Method, key string) string {
	return fmt.Sprintf("method:%s:%s:%s", portal, method, key)
}

// ContactCenterRequestID is the id of the workflow of one request.
func ContactCenterRequestID(portal, externalID string) string {
	return fmt.Sprintf("request:%s:%s", portal, externalID)
}

// MethodSummary is the line by which a method call is found in the Temporal UI.
func MethodSummary(in MethodInput) string { return "Contact center: " + string(in.Method) }

// RequestSummary is the line by which a request is found in the Temporal UI.
func RequestSummary(externalID, channel string) string {
	return fmt.Sprintf("Contact center request %s from %s", oneLine(externalID, 100), channel)
}

// MethodAttributes are the search attributes a method call starts with.
func MethodAttributes(in MethodInput) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PortalKey.ValueSet(in.Portal), KindKey.ValueSet(KindMethod), StatusKey.ValueSet(string(Open)),
		RequestKey.ValueSet(in.SyncID), ChannelKey.ValueSet(string(in.Method)),
	)
}

// RequestAttributes are the search attributes a request starts with. The
// external id must be one of the contact center's ids, not a phone or a name.
func RequestAttributes(in RequestInput, externalID, channel string) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		PortalKey.ValueSet(in.Portal), KindKey.ValueSet(KindRequest), StatusKey.ValueSet(string(Open)),
		RequestKey.ValueSet(externalID), ChannelKey.ValueSet(channel),
	)
}
