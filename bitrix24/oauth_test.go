package bitrix24

import (
	"context"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// oauthPortal is a portal and its authorization server in one. Only the newest access token is good.
type oauthPortal struct {
	*portal
	mu        sync.Mutex
	good      string
	refreshes []url.Values
	onRefresh func(w http.ResponseWriter) bool // true: it has answered itself
}

const freshTokens = `{"access_token":"n1","refresh_token":"r2","expires_in":3600,"member_id":"m1","client_endpoint":"%s/rest/",
"domain":"oauth.bitrix.info","scope":"crm","server_endpoint":"https://oauth.bitrix.info/rest/","status":"L","expires":1780003600,"user_id":1}`

func newOAuthPortal(t *testing.T) *oauthPortal {
	t.Helper()
	p := &oauthPortal{good: "n1"}
	p.portal = newPortal(t, func(w http.ResponseWriter, r *http.Request, s seen) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.URL.Path == "/oauth/token/" {
			p.refreshes = append(p.refreshes, r.URL.Query())
			if p.onRefresh == nil || !p.onRefresh(w) {
				answerWith(w, 200, sprintf(freshTokens, p.URL))
			}
			return
		}
		if s.body["auth"] != p.good {
			answerWith(w, 401, `{"error":"expired_token","error_description":"The access token provided has expired"}`)
			return
		}
		answerWith(w, 200, `{"result":{"ID":"1"}}`)
	})
	return p
}

// asked are the refreshes so far.
func (p *oauthPortal) asked() []url.Values {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]url.Values(nil), p.refreshes...)
}

func (p *oauthPortal) app(t *testing.T) (*Client, *memoryTokens) {
	t.Helper()
	tokens := &memoryTokens{token: Token{Access: "old", Refresh: "r1", ClientEndpoint: p.URL + "/rest/", MemberID: "m1"}}
	// On a kept connection net/http would repeat a lost GET by itself.
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	c, err := NewClient(Config{HTTPClient: plain, OAuth: &OAuth{
		ClientID: "local.app", ClientSecret: "top-secret", ServerEndpoint: p.URL + "/rest/", Tokens: tokens,
	}})
	require.NoError(t, err)
	return c, tokens
}

func TestAnExpiredTokenIsRefreshedAndTheCallRepeatedOnce(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	c, tokens := p.app(t)
	answer, err := c.Call(t.Context(), "user.current", Params{"a": 1})
	require.NoError(t, err)
	require.JSONEq(t, `{"ID":"1"}`, answer.String())
	require.Equal(t, []url.Values{{
		"grant_type": {"refresh_token"}, "client_id": {"local.app"}, "client_secret": {"top-secret"}, "refresh_token": {"r1"},
	}}, p.asked())
	require.Equal(t, Token{
		Access: "n1", Refresh: "r2", ClientEndpoint: p.URL + "/rest/", MemberID: "m1", ExpiresAt: time.Unix(1780003600, 0).UTC(),
	}, tokens.token)
	got := p.all()
	require.Len(t, got, 3)
	require.Equal(t, "/rest/user.current", got[2].path)
	require.Equal(t, map[string]any{"a": 1.0, "auth": "n1"}, got[2].body)
	require.Equal(t, int64(1), c.Stats().Refreshes)
}

func TestTwentyCallersShareOneRefresh(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	c, _ := p.app(t)
	var failed atomic.Int64
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if _, err := c.Call(t.Context(), "user.current", nil); err != nil {
				failed.Add(1)
			}
		})
	}
	callers.Wait()
	require.Zero(t, failed.Load())
	require.Len(t, p.asked(), 1)
}

func TestTwoProcessesShareOneRefresh(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	first, tokens := p.app(t)
	second, err := NewClient(Config{OAuth: &OAuth{ClientID: "local.app", ClientSecret: "x", ServerEndpoint: p.URL, Tokens: tokens}})
	require.NoError(t, err)
	var callers sync.WaitGroup
	for _, c := range []*Client{first, second, first, second} {
		callers.Go(func() { _, _ = c.Call(t.Context(), "user.current", nil) })
	}
	callers.Wait()
	require.Len(t, p.asked(), 1)
}

func TestATokenThatStaysExpiredIsNotRefreshedForever(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	p.good = "never"
	c, _ := p.app(t)
	_, err := c.Call(t.Context(), "user.current", nil)
	errorOf(t, err, KindAuthExpired)
	require.Len(t, p.asked(), 1)
	require.Len(t, p.all(), 3)
}

func TestAnExpiredWebhookIsAnError(t *testing.T) {
	t.Parallel()
	p := replying(t, 401, `{"error":"expired_token","error_description":"x"}`)
	_, err := p.client(t).Call(t.Context(), "profile", nil)
	errorOf(t, err, KindAuthExpired)
	require.Len(t, p.all(), 1)
}

func TestRefreshFailuresSayWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   Kind
		words  []string
	}{
		"spent token":    {400, `{"error":"invalid_grant","error_description":"Invalid grant"}`, KindAccessDenied, []string{"invalid_grant", "install the application"}},
		"wrong client":   {200, `{"error":"wrong_client"}`, KindAccessDenied, []string{"wrong_client", "install the application"}},
		"wrong secret":   {401, `{"error":"invalid_client"}`, KindAccessDenied, []string{"invalid_client"}},
		"not installed":  {401, `{"error":"NOT_INSTALLED"}`, KindAccessDenied, []string{"NOT_INSTALLED"}},
		"not paid":       {401, `{"error":"PAYMENT_REQUIRED","error_description":"ended"}`, KindAccessDenied, []string{"ended"}},
		"anything else":  {400, `{"error":"invalid_request"}`, KindAccessDenied, []string{"invalid_request"}},
		"slow down":      {503, `{"error":"QUERY_LIMIT_EXCEEDED"}`, KindRateLimited, nil},
		"server error":   {500, `{"error":"INTERNAL_SERVER_ERROR"}`, KindAuthExpired, []string{"still works"}},
		"page":           {502, `<html>502</html>`, KindAuthExpired, []string{"HTML", "still works"}},
		"nothing":        {200, ``, KindAuthExpired, []string{"still works"}},
		"without tokens": {200, `{"access_token":"x"}`, KindAuthExpired, []string{"no tokens"}},
		"wrong types":    {200, `{"access_token":5}`, KindAuthExpired, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newOAuthPortal(t)
			p.onRefresh = func(w http.ResponseWriter) bool { answerWith(w, c.status, c.body); return true }
			client, tokens := p.app(t)
			_, err := client.Call(t.Context(), "user.current", nil)
			e := errorOf(t, err, c.kind)
			for _, word := range append(c.words, "oauth.token") {
				require.Contains(t, e.Error(), word)
			}
			for _, secret := range []string{"top-secret", "r1", "client_id"} {
				require.NotContains(t, e.Error(), secret)
			}
			require.Equal(t, "old", tokens.token.Access)
		})
	}
}

func TestALostRefreshAnswerNamesNoSecret(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	p.onRefresh = func(http.ResponseWriter) bool { panic(http.ErrAbortHandler) }
	c, _ := p.app(t)
	_, err := c.Call(t.Context(), "user.current", nil)
	e := errorOf(t, err, KindAuthExpired)
	require.Contains(t, e.Description, "still works")
	require.NotContains(t, err.Error(), "top-secret")
	require.NotContains(t, err.Error(), "refresh_token=")
	require.Len(t, p.asked(), 2, "asked twice, and not for ever")
}

// losing answers the first refresh by cutting the line, and the rest with then.
func losing(p *oauthPortal, then func(w http.ResponseWriter) bool) {
	p.onRefresh = func(w http.ResponseWriter) bool {
		p.onRefresh = then
		panic(http.ErrAbortHandler)
	}
}

func TestALostRefreshIsRecoveredWhereTheOldTokenStillWorks(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	losing(p, nil)
	c, tokens := p.app(t)
	_, err := c.Call(t.Context(), "user.current", nil)
	require.NoError(t, err)
	require.Equal(t, "r2", tokens.token.Refresh)
	require.Len(t, p.asked(), 2)
	require.Equal(t, p.asked()[0], p.asked()[1], "the same refresh token")
}

func TestALostRefreshThatUsedTheTokenUpNeedsAPerson(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	losing(p, func(w http.ResponseWriter) bool { answerWith(w, 400, `{"error":"invalid_grant"}`); return true })
	c, tokens := p.app(t)
	c.cfg.OAuth.Advice = "run the installer"
	for range 2 { // and it stays so
		_, err := c.Call(t.Context(), "user.current", nil)
		e := errorOf(t, err, KindAccessDenied)
		require.Equal(t, "invalid_grant", e.Code)
		require.ErrorContains(t, err, "run the installer")
	}
	require.Equal(t, "r1", tokens.token.Refresh)
}

func TestANewPairSurvivesAFailingStore(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	c, tokens := p.app(t)
	tokens.failSave = 1
	_, err := c.Call(t.Context(), "user.current", nil)
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, errStoreDown)

	_, err = c.Call(t.Context(), "user.current", nil)
	require.NoError(t, err)
	require.Equal(t, "r2", tokens.token.Refresh)
	require.Len(t, p.asked(), 1, "the refresh token is spent by the first request")
}

func TestARefreshGoesOnWhenItsCallerGivesUp(t *testing.T) {
	t.Parallel()
	p := newOAuthPortal(t)
	started, release := make(chan struct{}), make(chan struct{})
	p.onRefresh = func(http.ResponseWriter) bool { close(started); <-release; return false }
	c, tokens := p.app(t)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	_, err := c.Call(ctx, "user.current", nil)
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, context.Canceled)
	close(release)
	require.Eventually(t, func() bool {
		token, err := tokens.Load(context.Background())
		return err == nil && token.Access == "n1"
	}, 5*time.Second, time.Millisecond)
}

// brokenTokens cannot be read.
type brokenTokens struct{ memoryTokens }

func (*brokenTokens) Load(context.Context) (Token, error) { return Token{}, errStoreDown }

func TestWithoutATokenNothingIsSent(t *testing.T) {
	t.Parallel()
	c, err := NewClient(Config{OAuth: &OAuth{ClientID: "a", ClientSecret: "b", Tokens: &brokenTokens{}}})
	require.NoError(t, err)
	_, err = c.Call(t.Context(), "profile", nil)
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, errStoreDown)
	require.Zero(t, c.Stats().Requests)
}

func TestTokenAddress(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                "https://oauth.bitrix.info/oauth/token/",
		"https://oauth.bitrix24.tech":     "https://oauth.bitrix24.tech/oauth/token/",
		"https://oauth.bitrix.info/rest/": "https://oauth.bitrix.info/oauth/token/",
		"http://127.0.0.1:8091/":          "http://127.0.0.1:8091/oauth/token/",
	} {
		require.Equal(t, want, (&OAuth{ServerEndpoint: given}).tokenAddress())
	}
}

func TestAShortTokenAnswerKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	old := Token{Access: "a", Refresh: "r", ClientEndpoint: "https://p/rest/", MemberID: "m1"}
	got, err := readToken(reply{status: 200, body: []byte(`{"access_token":"n","refresh_token":"s","expires_in":"3600"}`)}, old, "")
	require.NoError(t, err)
	require.WithinDuration(t, time.Now().Add(time.Hour), got.ExpiresAt, time.Minute)
	got.ExpiresAt = time.Time{}
	require.Equal(t, Token{Access: "n", Refresh: "s", ClientEndpoint: "https://p/rest/", MemberID: "m1"}, got)

	got, err = readToken(reply{status: 200, body: []byte(`{"access_token":"n","refresh_token":"s","expires_in":{}}`)}, old, "")
	require.NoError(t, err)
	require.True(t, got.ExpiresAt.IsZero())
}
