package workflows

import (
	"fmt"
	"strconv"
	"strings"
)

// Task queues. Workflows and store activities share Dialogs; each outside
// system has a queue of its own, so that one that is slow starves no other.
const (
	DialogsQueue   = "dialogs"
	Bitrix24Queue  = "bitrix24"
	Chat2DeskQueue = "chat2desk"
)

// DialogID is the id of the workflow of one client on one channel.
func DialogID(portal string, client, channel int64) string {
	return fmt.Sprintf("dialog:%s:%d-%d", portal, client, channel)
}

// DialogSyncID is the id of the workflow that commits one closed request
// cycle. Cycle counts closes of the same request: 1 is not written, so that
// the usual id stays short.
func DialogSyncID(portal string, dialogID, requestID int64, cycle int) string {
	id := fmt.Sprintf("dialog-sync:%s:%d:%d", portal, dialogID, requestID)
	if cycle > 1 {
		id += "." + strconv.Itoa(cycle)
	}
	return id
}

// SyncID is the id of the workflow that commits the given cycle. Of a request
// that nobody could tell, the time of the close tells one from the other.
func SyncID(in SyncInput) string {
	return DialogSyncID(in.Portal, in.DialogID, in.RequestID, in.Cycle) + closeSuffix(in)
}

// closeSuffix is the time of the close, to the second, in UTC.
func closeSuffix(in SyncInput) string {
	if !in.ByClose {
		return ""
	}
	return ":" + in.ClosedAt.UTC().Format("20060102T150405Z")
}

// PortalOf is the portal a workflow id belongs to, "" if it is none of ours.
func PortalOf(workflowID string) string {
	parts := strings.SplitN(workflowID, ":", 3)
	if len(parts) < 3 {
		return ""
	}
	return parts[1]
}
