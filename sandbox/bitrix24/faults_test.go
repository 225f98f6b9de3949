package bitrix24

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const addContact = `{"entityTypeId":3,"fields":{"name":"Anna"}}`

// try sends a call whose connection may break.
func (h *harness) try(method, body string) (*http.Response, error) {
	h.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(h.srv.URL+"/rest/1/sandboxsecret/"+method, "application/json", strings.NewReader(body)) //nolint:noctx // a test
	if err == nil {
		require.NoError(h, resp.Body.Close())
	}
	return resp, err
}

func (h *harness) contacts() int {
	h.Helper()
	return *h.ok("crm.contact.list", `{}`).Total
}

func TestFaultsBeforeAndAfterTheCommit(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault  string
		status int // 0 = the connection breaks
		code   any
		done   int
	}{
		"answer lost":          {`{"method":"crm.item.add","kind":"lost_answer"}`, 0, nil, 1},
		"lost before":          {`{"method":"crm.item.add","kind":"lost_answer","when":"before"}`, 0, nil, 0},
		"reset":                {`{"method":"*","kind":"reset"}`, 0, nil, 0},
		"reset after":          {`{"method":"crm.item.add","kind":"reset","when":"after"}`, 0, nil, 1},
		"html":                 {`{"method":"crm.item.add","kind":"html"}`, 502, nil, 0},
		"html after":           {`{"method":"crm.item.add","kind":"html","status":504,"when":"after"}`, 504, nil, 1},
		"expired":              {`{"method":"crm.item.add","kind":"status","status":401}`, 401, "expired_token", 0},
		"limit":                {`{"method":"CRM.Item.Add","kind":"status","status":503}`, 503, "QUERY_LIMIT_EXCEEDED", 0},
		"operating":            {`{"method":"crm.item.add","kind":"status","status":429}`, 429, "OPERATION_TIME_LIMIT", 0},
		"internal after":       {`{"method":"crm.item.add","kind":"status","when":"after"}`, 500, "INTERNAL_SERVER_ERROR", 1},
		"own code":             {`{"method":"crm.item.add","kind":"status","code":"overload_limit"}`, 503, "OVERLOAD_LIMIT", 0},
		"gateway without JSON": {`{"method":"crm.item.add","kind":"status","status":502}`, 502, nil, 0},
		"delay":                {`{"method":"crm.item.add","kind":"delay","delay_ms":5}`, 200, nil, 1},
		"other method":         {`{"method":"crm.item.update","kind":"reset"}`, 200, nil, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := fresh(t)
			h.control(http.MethodPost, "/sandbox/faults", tc.fault)
			if tc.status == 0 {
				_, err := h.try("crm.item.add", addContact)
				require.Error(t, err)
			} else {
				a := h.call("crm.item.add", addContact)
				require.Equal(t, tc.status, a.Status)
				require.Equal(t, tc.code, a.Error)
			}
			h.control(http.MethodDelete, "/sandbox/faults", "")
			require.Equal(t, tc.done, h.contacts())
		})
	}
}

func TestFaultWorksAsOftenAsItSays(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"profile","kind":"status","status":503,"times":2}`)
	for _, want := range []int{503, 503, 200} {
		require.Equal(t, want, h.call("profile", `{}`).Status)
	}
	require.Equal(t, 2, h.p.faults.list()[0].Hits)
	_, err := h.p.InjectFault(Fault{Method: "profile", Kind: "status", Status: 500, Times: -1})
	require.NoError(t, err)
	for range 5 {
		require.Equal(t, 500, h.call("profile", `{}`).Status)
	}
}

func TestFaultMatchesTheBatchThatCarriesTheMethod(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"crm.item.add","kind":"lost_answer"}`)
	h.ok("batch", `{"cmd":["profile"]}`)
	_, err := h.try("batch", `{"cmd":["profile","crm.item.add?entityTypeId=3&fields[name]=Anna"]}`)
	require.Error(t, err)
	require.Equal(t, 1, h.contacts())
}

func TestPortalFinishesWhatACallerGaveUp(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPost, "/sandbox/faults", `{"method":"crm.item.add","kind":"delay","delay_ms":60000}`)
	client := &http.Client{Timeout: 50 * time.Millisecond}
	_, err := client.Post(h.srv.URL+"/rest/1/sandboxsecret/crm.item.add", "application/json", strings.NewReader(addContact)) //nolint:noctx,bodyclose // a test
	require.Error(t, err)
	require.Eventually(t, func() bool { return h.contacts() == 1 }, 5*time.Second, 5*time.Millisecond)
}

func TestMovedPortalRedirects(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.control(http.MethodPut, "/sandbox/move", `{"base":"https://new.example.com/"}`)
	w := httptest.NewRecorder()
	h.p.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/rest/1/sandboxsecret/profile.json?x=1", strings.NewReader("{}")))
	require.Equal(t, http.StatusFound, w.Code)
	require.Equal(t, "https://new.example.com/rest/1/sandboxsecret/profile.json?x=1", w.Header().Get("Location"))
}

func TestResetBringsBackTheSeeds(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	before := h.get("/sandbox/entities").Body
	h.ok("crm.item.add", addContact)
	h.control(http.MethodPost, "/sandbox/faults", `{"kind":"html","times":-1}`)
	h.control(http.MethodPost, "/sandbox/reset", "")
	require.Equal(t, before, h.get("/sandbox/entities").Body)
	require.Equal(t, Stats{ByMethod: map[string]int{}}, h.p.Stats())
	h.ok("profile", `{}`)
}
