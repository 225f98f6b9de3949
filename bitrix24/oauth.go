package bitrix24

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// refreshMethod names the exchange of tokens in errors; it is no method of the portal.
const refreshMethod = "oauth.token"

const (
	adviceReauthorise = "install the application in the portal again"
	adviceLost        = "the next attempt tells whether the refresh token still works"
)

// exchange is a refresh whose new pair may not be stored yet. The old refresh token is used up, so the new pair must not
// be lost when the store fails: the next attempt offers it again.
type exchange struct {
	spent string // the refresh token it was bought with
	token Token
}

// refresh replaces the stale access token, once for all callers of this process and, through the store, of all others.
// It goes on when the caller gives up, because a refresh that is cut off can cost the pair (bitrix24 reference §9.22).
func (c *Client) refresh(ctx context.Context, stale string) (Token, error) {
	shared := c.refreshes.DoChan(stale, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*c.cfg.Timeout)
		defer cancel()
		token, err := c.cfg.OAuth.Tokens.Refresh(ctx, stale, c.buyToken)
		if err == nil {
			c.unsaved.Store(nil)
		}
		return token, err
	})
	select {
	case <-ctx.Done():
		return Token{}, notSent(refreshMethod, "gave up waiting for a fresh access token", context.Cause(ctx))
	case done := <-shared:
		if done.Err != nil {
			return Token{}, refreshFailure(done.Err)
		}
		token, _ := done.Val.(Token)
		return token, nil
	}
}

// refreshFailure keeps our own errors and explains those of the store.
func refreshFailure(err error) error {
	var own *Error
	if errors.As(err, &own) {
		return own
	}
	return notSent(refreshMethod, "the fresh access token could not be stored", err)
}

// buyToken exchanges the refresh token for a new pair (reference §1.3).
func (c *Client) buyToken(ctx context.Context, old Token) (Token, error) {
	if kept := c.unsaved.Load(); kept != nil && kept.spent == old.Refresh {
		return kept.token, nil
	}
	fresh, err := c.exchangeTokens(ctx, old)
	if KindOf(err) == KindAuthExpired {
		// No answer. Only the server knows whether it took the refresh token, so it is offered once more at once: the documents
		// do not say that a used one is refused, and if it is, everybody must know soon (reference §1.3).
		fresh, err = c.exchangeTokens(ctx, old)
	}
	if err != nil {
		return Token{}, err
	}
	c.unsaved.Store(&exchange{spent: old.Refresh, token: fresh})
	return fresh, nil
}

// exchangeTokens asks once. Without an understandable answer the error is KindAuthExpired: the method that needed the
// token has not run.
func (c *Client) exchangeTokens(ctx context.Context, old Token) (Token, error) {
	c.stats.refreshes.Add(1)
	got, err := c.askServer(ctx, old)
	if err != nil {
		return Token{}, unanswered(err)
	}
	fresh, err := readToken(got, old, c.cfg.OAuth.advice())
	return fresh, unanswered(err)
}

// askServer makes the request. Its address holds the secrets, so it appears in no error.
func (c *Client) askServer(ctx context.Context, old Token) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	query := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {c.cfg.OAuth.ClientID},
		"client_secret": {c.cfg.OAuth.ClientSecret}, "refresh_token": {old.Refresh},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.cfg.OAuth.tokenAddress()+"?"+query.Encode(), nil)
	if err != nil {
		return reply{}, refuse(refreshMethod, "the address of the authorization server is not usable")
	}
	return c.roundTrip(req, refreshMethod)
}

// tokenAnswer is what the authorization server sends, success and failure in one (reference §1.3).
type tokenAnswer struct {
	Access         string          `json:"access_token"`
	Refresh        string          `json:"refresh_token"`
	ClientEndpoint string          `json:"client_endpoint"`
	MemberID       string          `json:"member_id"`
	Expires        json.RawMessage `json:"expires"`
	ExpiresIn      json.RawMessage `json:"expires_in"`
	Error          json.RawMessage `json:"error"`
	Description    json.RawMessage `json:"error_description"`
}

// readToken reads the server's answer. What it does not repeat is kept from the old pair. advice goes to the error.
func readToken(got reply, old Token, advice string) (Token, error) {
	var a tokenAnswer
	if !startsWith(got.body, '{') || json.Unmarshal(got.body, &a) != nil {
		return Token{}, lost(refreshMethod, got.status, notJSON(got.body), nil)
	}
	if a.Error != nil || got.status != http.StatusOK {
		return Token{}, a.failure(got.status, advice)
	}
	if a.Access == "" || a.Refresh == "" {
		return Token{}, lost(refreshMethod, got.status, "the answer has no tokens", nil)
	}
	fresh := Token{
		Access: a.Access, Refresh: a.Refresh, ClientEndpoint: a.ClientEndpoint, MemberID: a.MemberID, ExpiresAt: a.expiry(),
	}
	if fresh.ClientEndpoint == "" {
		fresh.ClientEndpoint = old.ClientEndpoint
	}
	if fresh.MemberID == "" {
		fresh.MemberID = old.MemberID
	}
	return fresh, nil
}

// failure is the error of a refusal. Whatever is not worth another attempt needs a person, who is told what to do.
func (a tokenAnswer) failure(status int, advice string) error {
	code, description := words(a.Error), words(a.Description)
	e := &Error{
		Kind: classify(status, code, description), Code: code, Description: description,
		HTTPStatus: status, Method: refreshMethod,
	}
	switch e.Kind {
	case KindRateLimited, KindOperatingLimit:
		e.Kind = KindRateLimited
		return e
	case KindAmbiguous:
		return e
	default:
		e.Kind, e.Err = KindAccessDenied, errors.New(advice)
		return e
	}
}

func (a tokenAnswer) expiry() time.Time {
	if at := seconds(a.Expires); at > 0 {
		return time.Unix(int64(at), 0).UTC()
	}
	if text, ok := scalar(a.ExpiresIn); ok {
		if in, err := strconv.Atoi(text); err == nil {
			return time.Now().Add(time.Duration(in) * time.Second).UTC()
		}
	}
	return time.Time{}
}

// unanswered turns a lost answer into the error of a token that could not be exchanged yet.
func unanswered(err error) error {
	var e *Error
	if errors.As(err, &e) && e.Kind == KindAmbiguous {
		e.Kind = KindAuthExpired
		e.Description += "; " + adviceLost
	}
	return err
}
