package bitrix24

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair is a token answer.
type pair struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Member  string `json:"member_id"`
	Client  string `json:"client_endpoint"`
	Scope   string `json:"scope"`
	Status  string `json:"status"`
	Expires int    `json:"expires_in"`
	User    int    `json:"user_id"`
}

func (h *harness) tokens(query string) (int, pair, string) {
	h.Helper()
	a := h.get("/oauth/token/?client_id=" + DemoClientID + "&" + query)
	var p pair
	require.NoError(h, json.Unmarshal([]byte(a.Body), &p))
	return a.Status, p, a.Body
}

// code walks through the consent page.
func (h *harness) code() string {
	h.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Get(h.srv.URL + "/oauth/authorize/?client_id=" + DemoClientID + "&state=s1&user_id=7") //nolint:noctx // a test
	require.NoError(h, err)
	require.NoError(h, resp.Body.Close())
	require.Equal(h, http.StatusFound, resp.StatusCode)
	back, err := url.Parse(resp.Header.Get("Location"))
	require.NoError(h, err)
	require.Equal(h, "app.example.com", back.Host)
	require.Equal(h, "s1", back.Query().Get("state"))
	require.Equal(h, DefaultMemberID, back.Query().Get("member_id"))
	return back.Query().Get("code")
}

const goodSecret = "client_secret=" + DemoClientSecret

func TestOAuthLifeCycle(t *testing.T) { // G3
	t.Parallel()
	h := fresh(t)
	_, first, _ := h.tokens("grant_type=authorization_code&" + goodSecret + "&code=" + h.code())
	require.Equal(t, []any{3600, 7, "L", DefaultMemberID, h.srv.URL + "/rest/"}, []any{first.Expires, first.User, first.Status, first.Member, first.Client})
	me := func(access string) answer { return h.get("/rest/user.current?auth=" + access) }
	require.Equal(t, "7", me(first.Access).object(t)["ID"])

	h.clock.Advance(time.Hour)
	stale := me(first.Access)
	require.Equal(t, http.StatusUnauthorized, stale.Status)
	require.JSONEq(t, `{"error":"expired_token","error_description":"The access token provided has expired"}`, stale.Body)

	_, second, _ := h.tokens("grant_type=refresh_token&" + goodSecret + "&refresh_token=" + first.Refresh)
	require.Equal(t, "7", me(second.Access).object(t)["ID"])
	status, _, body := h.tokens("grant_type=refresh_token&" + goodSecret + "&refresh_token=" + first.Refresh)
	require.Equal(t, http.StatusBadRequest, status)
	require.JSONEq(t, `{"error":"invalid_grant"}`, body)
}

func TestOAuthRefusals(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	used := h.code()
	h.tokens("grant_type=authorization_code&" + goodSecret + "&code=" + used)
	late := h.code()
	h.clock.Advance(31 * time.Second)
	for query, want := range map[string]struct {
		status int
		code   string
	}{
		"grant_type=refresh_token&client_secret=bad&refresh_token=x":           {400, "invalid_client"},
		"grant_type=refresh_token&" + goodSecret:                               {400, "invalid_request"},
		"grant_type=refresh_token&" + goodSecret + "&refresh_token=x":          {400, "invalid_grant"},
		"grant_type=authorization_code&" + goodSecret + "&code=" + used:        {400, "invalid_grant"},
		"grant_type=authorization_code&" + goodSecret + "&code=" + late:        {400, "invalid_grant"},
		"grant_type=password&" + goodSecret:                                    {400, "invalid_request"},
		"grant_type=refresh_token&" + goodSecret + "&refresh_token=&scope=nix": {403, "invalid_scope"},
	} {
		status, _, body := h.tokens(query)
		require.Equal(t, want.status, status, query)
		require.Contains(t, body, `"error":"`+want.code+`"`, query)
	}
	unknown := h.get("/oauth/token/?client_id=nobody&grant_type=refresh_token")
	require.Equal(t, http.StatusOK, unknown.Status)
	require.JSONEq(t, `{"error":"wrong_client"}`, unknown.Body)
}

func TestTokenIsTakenFromQueryFormJSONAndHeader(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	access := h.issue(1)
	require.Equal(t, http.StatusOK, h.get("/rest/profile?auth="+access).Status)
	require.Equal(t, http.StatusOK, h.post("/rest/profile", "application/x-www-form-urlencoded", "auth="+access).Status)
	require.Equal(t, http.StatusOK, h.post("/rest/profile/", "application/json", `{"auth":"`+access+`"}`).Status)
	req, err := http.NewRequest(http.MethodPost, h.srv.URL+"/rest/profile.json", strings.NewReader("{}")) //nolint:noctx // a test
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+access)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, h.read(resp).Status)
}

// issue makes an access token without the browser step.
func (h *harness) issue(user int) string {
	h.Helper()
	return h.pair(user).Access
}

func TestTokensCanBeExpired(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	one, two := h.issue(1), h.issue(7)
	h.control(http.MethodPost, "/sandbox/tokens/expire", `{"access_token":"`+one+`"}`)
	require.Equal(t, "expired_token", h.get("/rest/profile?auth="+one).Error)
	require.Equal(t, http.StatusOK, h.get("/rest/profile?auth="+two).Status)
}

func TestAuthorizationErrors(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPost, "/sandbox/webhooks", `{"user":1,"secret":"onlyim","scopes":["im"]}`)
	h.control(http.MethodPost, "/sandbox/webhooks", `{"user":7,"secret":"operator","scopes":null}`)
	for path, want := range map[string]struct {
		status int
		code   string
	}{
		"/rest/profile":                              {401, "NO_AUTH_FOUND"},
		"/rest/profile?auth=nonsense":                {401, "invalid_token"},
		"/rest/2/sandboxsecret/profile":              {401, "INVALID_CREDENTIALS"},
		"/rest/1/sandboxsecretINVALID/profile":       {401, "INVALID_CREDENTIALS"},
		"/rest/1/sandboxsecret/no.such.method":       {404, "ERROR_METHOD_NOT_FOUND"},
		"/rest/1/sandboxsecret/event.get":            {403, "WRONG_AUTH_TYPE"},
		"/rest/1/onlyim/crm.item.list":               {403, "insufficient_scope"},
		"/rest/7/operator/crm.deal.userfield.delete": {403, "ACCESS_DENIED"},
	} {
		a := h.get(path)
		require.Equal(t, want.status, a.Status, path)
		require.Equal(t, want.code, a.Error, path)
	}
	require.Equal(t, http.StatusOK, h.get("/rest/1/onlyim/profile").Status)
	require.Equal(t, http.StatusOK, h.get("/rest/1/sandboxsecret/PROFILE.json").Status)
}

func TestHTTPSCanBeRequired(t *testing.T) {
	t.Parallel()
	h := open(t, Options{RequireHTTPS: true})
	require.Equal(t, "INVALID_REQUEST", h.call("profile", `{}`).Error)
}
