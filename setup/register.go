package setup

import (
	"context"
	"errors"
	"fmt"

	"puente/chat2desk"
	"puente/store"
)

// operatorHook is the name under which changes of operators are subscribed to;
// they come as chat2desk.HookOperator (chat2desk reference §4.4).
const operatorHook = "operator_status_changed"

// Events are the Chat2Desk events Puente subscribes to (chat2desk reference §4.4).
func Events() []string {
	return []string{
		chat2desk.HookInbox, chat2desk.HookOutbox, chat2desk.HookImported, chat2desk.HookComment, chat2desk.HookSystem,
		chat2desk.HookNewRequest, chat2desk.HookCloseRequest, chat2desk.HookCloseDialog, chat2desk.HookTransferred,
		chat2desk.HookTagClient, chat2desk.HookUntagClient, chat2desk.HookTagRequest, chat2desk.HookUntagRequest,
		chat2desk.HookOutboxStatus, chat2desk.HookClientUpdated, chat2desk.HookBlacklisted, operatorHook,
	}
}

// ErrHost is a public host that is none.
var ErrHost = errors.New("the public host must be an address such as https://puente.example.com")

// IsHost tells whether Register can build a webhook address on host.
func IsHost(host string) bool { return host != "" && isAddress(host) }

// Register makes Chat2Desk call the portal at host and returns the address.
func (c Checker) Register(ctx context.Context, host string, p store.Portal) (string, error) {
	if !IsHost(host) {
		return "", ErrHost
	}
	chat, err := c.Accounts.Chat2Desk(ctx, p.Slug)
	if err != nil {
		return "", err
	}
	address := WebhookURL(host, p)
	if _, err := chat.EnsureWebhook(ctx, "Puente", address, Events()); err != nil {
		return "", fmt.Errorf("register the webhook: %w", err)
	}
	return address, nil
}
