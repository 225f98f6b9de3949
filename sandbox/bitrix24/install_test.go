package bitrix24

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// delivery is one request that an application got from the portal.
type delivery struct {
	query, form url.Values
	agent       string
}

// application is a handler that keeps what it gets.
func application(t *testing.T) (address string, got chan delivery) {
	t.Helper()
	got = make(chan delivery, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(raw))
		got <- delivery{r.URL.Query(), form, r.UserAgent()}
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("thanks"))
	}))
	t.Cleanup(srv.Close)
	return srv.URL + "/install?x=1", got
}

func TestInstallationHandsOverWorkingTokens(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := application(t)
	a := h.control(http.MethodPost, "/sandbox/install", `{"handler_url":"`+address+`","user_id":7}`)
	require.JSONEq(t, `{"status":202,"body":"thanks"}`, a.Body)
	d := <-got
	require.Equal(t, "1", d.query.Get("x"))
	require.NotEmpty(t, d.agent)
	for name, want := range map[string]string{
		"event": "ONAPPINSTALL", "event_handler_id": "1", "ts": "1767596400", "data[VERSION]": "1", "data[ACTIVE]": "Y", "data[INSTALLED]": "Y", "data[LANGUAGE_ID]": "en",
		"auth[member_id]": DefaultMemberID, "auth[user_id]": "7", "auth[expires_in]": "3600", "auth[expires]": "1767600000", "auth[status]": "L",
		"auth[client_endpoint]": h.srv.URL + "/rest/", "auth[domain]": host(h.srv.URL),
	} {
		require.Equal(t, want, d.form.Get(name), name)
	}
	require.Contains(t, d.form.Get("auth[scope]"), "crm ")
	require.Equal(t, "7", h.get("/rest/user.current?auth=" + d.form.Get("auth[access_token]")).object(t)["ID"])
	status, next, _ := h.tokens("grant_type=refresh_token&" + goodSecret + "&refresh_token=" + d.form.Get("auth[refresh_token]"))
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 7, next.User)
	require.Len(t, d.form.Get("auth[application_token]"), 32)
}

func TestInstallerPageGetsTheSameTokensUnderOtherNames(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := application(t)
	h.control(http.MethodPost, "/sandbox/install", `{"handler_url":"`+address+`","form":"page"}`)
	d := <-got
	require.Equal(t, []string{host(h.srv.URL), "0", "en", "1"}, []string{d.query.Get("DOMAIN"), d.query.Get("PROTOCOL"), d.query.Get("LANG"), d.query.Get("x")})
	require.Equal(t, []string{"DEFAULT", DefaultMemberID, "3600"}, []string{d.form.Get("PLACEMENT"), d.form.Get("member_id"), d.form.Get("AUTH_EXPIRES")})
	require.Equal(t, http.StatusOK, h.get("/rest/app.info?auth="+d.form.Get("AUTH_ID")).Status)
	status, _, _ := h.tokens("grant_type=refresh_token&" + goodSecret + "&refresh_token=" + d.form.Get("REFRESH_ID"))
	require.Equal(t, http.StatusOK, status)
}

func TestUninstallationEndsAllTokens(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	address, got := application(t)
	h.control(http.MethodPost, "/sandbox/install", `{"handler_url":"`+address+`"}`)
	before := <-got
	h.control(http.MethodPost, "/sandbox/uninstall", `{"handler_url":"`+address+`","clean":true}`)
	d := <-got
	require.Equal(t, []string{"ONAPPUNINSTALL", "1"}, []string{d.form.Get("event"), d.form.Get("data[CLEAN]")})
	require.Equal(t, before.form.Get("auth[application_token]"), d.form.Get("auth[application_token]"))
	require.False(t, d.form.Has("auth[access_token]"))
	require.Equal(t, "NOT_INSTALLED", h.get("/rest/profile?auth="+before.form.Get("auth[access_token]")).Error)
	status, _, body := h.tokens("grant_type=refresh_token&" + goodSecret + "&refresh_token=" + before.form.Get("auth[refresh_token]"))
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, body, "NOT_INSTALLED")

	h.control(http.MethodPost, "/sandbox/install", `{"handler_url":"`+address+`"}`)
	again := <-got
	require.NotEqual(t, before.form.Get("auth[application_token]"), again.form.Get("auth[application_token]"))
	require.Equal(t, http.StatusOK, h.get("/rest/profile?auth="+again.form.Get("auth[access_token]")).Status)
}

func TestInstallationControlSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for body, status := range map[string]int{
		`{}`:                         http.StatusBadRequest,
		`{"handler_url":"/install"}`: http.StatusBadRequest,
		`{"handler_url":"http://127.0.0.1:1/","form":"iframe"}`:    http.StatusBadRequest,
		`{"handler_url":"http://127.0.0.1:1/","client_id":"none"}`: http.StatusBadRequest,
		`{"handler_url":"http://127.0.0.1:1/"}`:                    http.StatusBadGateway,
	} {
		require.Equal(t, status, h.post("/sandbox/install", "application/json", body).Status, body)
	}
}

func TestLostTokenAnswerSpendsTheRefreshToken(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	first := h.pair(7)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"*","kind":"status","times":-1}`)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"oauth.token","kind":"lost_answer"}`)
	refresh := "/oauth/token/?client_id=" + DemoClientID + "&" + goodSecret + "&grant_type=refresh_token&refresh_token=" + first.Refresh
	once := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // net/http repeats a GET whose reused connection breaks
	_, err := once.Get(h.srv.URL + refresh)                                   //nolint:noctx,bodyclose // a test; there is no body
	require.Error(t, err)
	h.control(http.MethodDelete, "/sandbox/faults", "")
	require.Equal(t, "invalid_grant", h.get(refresh).Error)
	require.Equal(t, http.StatusOK, h.get("/rest/profile?auth="+first.Access).Status, "the access token lives out its hour")
	require.Equal(t, 2, h.p.Stats().ByMethod["oauth.token"])
}

func TestTokensAreRefreshedByAFormToo(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	form := url.Values{
		"grant_type": {"refresh_token"}, "client_id": {DemoClientID}, "client_secret": {DemoClientSecret}, "refresh_token": {h.pair(7).Refresh},
	}
	a := h.post("/oauth/token/", "application/x-www-form-urlencoded", form.Encode())
	var next pair
	require.NoError(t, json.Unmarshal([]byte(a.Body), &next))
	require.Equal(t, http.StatusOK, h.get("/rest/profile?auth="+next.Access).Status)
}

func TestTokenEndpointCanRefuse(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	first := h.pair(7)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"oauth.token","kind":"status","code":"PAYMENT_REQUIRED"}`)
	refresh := "grant_type=refresh_token&" + goodSecret + "&refresh_token=" + first.Refresh
	status, _, body := h.tokens(refresh)
	require.Equal(t, http.StatusUnauthorized, status)
	require.Contains(t, body, "PAYMENT_REQUIRED")
	status, _, _ = h.tokens(refresh)
	require.Equal(t, http.StatusOK, status)
}

func TestRefreshTokenCanBeRevokedAlone(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	one, two := h.pair(1), h.pair(7)
	h.control(http.MethodPost, "/sandbox/tokens/revoke", `{"refresh_token":"`+one.Refresh+`"}`)
	refresh := func(p pair) int {
		status, _, _ := h.tokens("grant_type=refresh_token&" + goodSecret + "&refresh_token=" + p.Refresh)
		return status
	}
	require.Equal(t, http.StatusBadRequest, refresh(one))
	require.Equal(t, http.StatusOK, refresh(two))
	require.Equal(t, http.StatusOK, h.get("/rest/profile?auth="+one.Access).Status)
}

// pair makes tokens of a user without the browser step.
func (h *harness) pair(user int) (p pair) {
	h.Helper()
	body := `{"client_id":"` + DemoClientID + `","user_id":` + toStr(user) + `}`
	require.NoError(h, json.Unmarshal([]byte(h.control(http.MethodPost, "/sandbox/tokens", body).Body), &p))
	return p
}

func TestApplicationSeesItsOwnScopes(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPost, "/sandbox/apps", `{"client_id":"small","client_secret":"s","redirect_uri":"","scopes":["crm","telephony"]}`)
	var p pair
	require.NoError(t, json.Unmarshal([]byte(h.control(http.MethodPost, "/sandbox/tokens", `{"client_id":"small","user_id":1}`).Body), &p))
	require.Equal(t, "crm,telephony", p.Scope)
	require.Equal(t, []any{"crm", "telephony"}, h.get("/rest/scope?auth="+p.Access).list(t))
	a := h.get("/rest/user.current?auth=" + p.Access)
	require.Equal(t, http.StatusForbidden, a.Status)
	require.JSONEq(t, `{"error":"insufficient_scope","error_description":"The request requires higher privileges than provided by the access token"}`, a.Body)
	info := h.get("/rest/app.info?auth=" + p.Access).object(t)
	require.Equal(t, []any{"small", "L", true}, []any{info["CODE"], info["STATUS"], info["INSTALLED"]})
}

func TestFormOfIsHowPHPWritesForms(t *testing.T) {
	t.Parallel()
	form := formOf(newDict("a", listOf([]any{"x", newDict("b", true)}), "none", newDict(), "null", nil, "no", false, "n", 1.5))
	require.Equal(t, url.Values{"a[0]": {"x"}, "a[1][b]": {"1"}, "null": {""}, "no": {"0"}, "n": {"1.5"}}, form)
}
