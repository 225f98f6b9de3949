package bitrix24

import "context"

// Identity is what a portal says of an access token: which application it was given to, and as whom it acts.
type Identity struct {
	// AppCode is the application's own code; of a local one it is the client id (app.info).
	AppCode string
	// Status is L for a local application, F, D, T or P for one of the market (reference §1.3).
	Status string
	// Installed says that the portal delivers events to the application (reference §8.5).
	Installed bool
	// License is the portal's plan with its region in front: de_ent250 (app.info).
	License string
	// UserID, and whether that user is an administrator (profile).
	UserID ID
	Admin  bool
}

// Identify asks the portal at base, which ends in "/rest/", what the access token is. It proves that a token which
// somebody brought is one of that portal: the error is KindAccessDenied or KindAuthExpired if it is not. One request.
func Identify(ctx context.Context, cfg Config, base, access string) (Identity, error) {
	cfg.WebhookURL = ""
	// Nothing can be refreshed: a token that has just been handed over is fresh, or a forgery.
	cfg.OAuth = &OAuth{ClientID: "-", ClientSecret: "-", Tokens: handedOver{Token{Access: access, ClientEndpoint: base}}}
	client, err := NewClient(cfg)
	if err != nil {
		return Identity{}, refuse("app.info", "the portal's address is not usable")
	}
	results, err := client.Batch(ctx, Group{Commands: []Command{{Key: "app", Method: "app.info"}, {Key: "me", Method: "profile"}}})
	if err != nil {
		return Identity{}, err
	}
	return readIdentity(results[0], results[1])
}

func readIdentity(app, me Result) (Identity, error) {
	var info struct {
		Code      string `json:"CODE"`
		Status    string `json:"STATUS"`
		Installed Bool   `json:"INSTALLED"`
		License   string `json:"LICENSE"`
	}
	var user struct {
		ID    ID   `json:"ID"`
		Admin Bool `json:"ADMIN"`
	}
	if err := app.Into(&info); err != nil {
		return Identity{}, err
	}
	if err := me.Into(&user); err != nil {
		return Identity{}, err
	}
	return Identity{
		AppCode: info.Code, Status: info.Status, Installed: bool(info.Installed), License: info.License,
		UserID: user.ID, Admin: bool(user.Admin),
	}, nil
}

// Into reads the value of a command that succeeded; the error is its own, or that of Decode.
func (r Result) Into(dst any) error {
	if r.Err != nil {
		return r.Err
	}
	return r.Decode(dst)
}

// handedOver is a token that nobody can refresh.
type handedOver struct{ token Token }

// Load implements TokenStore.
func (h handedOver) Load(context.Context) (Token, error) { return h.token, nil }

// Refresh implements TokenStore by a refusal.
func (handedOver) Refresh(context.Context, string, func(context.Context, Token) (Token, error)) (Token, error) {
	return Token{}, &Error{Kind: KindAuthExpired, Method: refreshMethod, Description: "the token that was handed over has expired"}
}
