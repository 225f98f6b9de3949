package store

import (
	"fmt"
	"log/slog"
)

// shown is what is printed of a secret: only whether there is one.
func shown(secret string) string {
	if secret == "" {
		return ""
	}
	return "***"
}

// redacted is a copy without secrets, for printing.
func (a Bitrix24Account) redacted() Bitrix24Account {
	for _, secret := range []*string{&a.WebhookURL, &a.ClientSecret, &a.AccessToken, &a.RefreshToken, &a.ApplicationToken} {
		*secret = shown(*secret)
	}
	return a
}

func (a Chat2DeskAccount) redacted() Chat2DeskAccount {
	a.Token, a.WebhookSecret = shown(a.Token), shown(a.WebhookSecret)
	return a
}

// String shows the account without its secrets.
func (a Bitrix24Account) String() string {
	type plain Bitrix24Account // without methods, or this would never end
	return fmt.Sprintf("%+v", plain(a.redacted()))
}

// GoString keeps %#v from showing secrets.
func (a Bitrix24Account) GoString() string { return a.String() }

// LogValue keeps slog from showing secrets.
func (a Bitrix24Account) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String shows the account without its secrets.
func (a Chat2DeskAccount) String() string {
	type plain Chat2DeskAccount
	return fmt.Sprintf("%+v", plain(a.redacted()))
}

// GoString keeps %#v from showing secrets.
func (a Chat2DeskAccount) GoString() string { return a.String() }

// LogValue keeps slog from showing secrets.
func (a Chat2DeskAccount) LogValue() slog.Value { return slog.StringValue(a.String()) }

// String shows the portal without its secrets.
func (p Portal) String() string {
	type plain Portal
	p.APIKeyHash, p.ContactCenterSecret = shown(p.APIKeyHash), shown(p.ContactCenterSecret)
	return fmt.Sprintf("%+v", plain(p))
}

// GoString keeps %#v from showing secrets.
func (p Portal) GoString() string { return p.String() }

// LogValue keeps slog from showing secrets.
func (p Portal) LogValue() slog.Value { return slog.StringValue(p.String()) }

// String shows the token without its secrets.
func (t Token) String() string {
	type plain Token
	t.Access, t.Refresh = shown(t.Access), shown(t.Refresh)
	return fmt.Sprintf("%+v", plain(t))
}

// GoString keeps %#v from showing secrets.
func (t Token) GoString() string { return t.String() }

// LogValue keeps slog from showing secrets.
func (t Token) LogValue() slog.Value { return slog.StringValue(t.String()) }
