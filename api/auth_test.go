package api_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/store"
)

func TestAuthorizationOfPortalRoutes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, tc := range map[string]struct {
		authorization, portal string
		status                int
	}{
		"own key":              {"Bearer " + demoKey, "demo", 200},
		"key of another":       {"Bearer other-key", "demo", 403},
		"own key, elsewhere":   {"Bearer " + demoKey, "other", 403},
		"own key, nowhere":     {"Bearer " + demoKey, "nobody", 403},
		"unknown key":          {"Bearer nope", "demo", 401},
		"no key":               {"", "demo", 401},
		"empty key":            {"Bearer ", "demo", 401},
		"another scheme":       {"Basic " + demoKey, "demo", 401},
		"hash instead of key":  {"Bearer " + store.HashAPIKey(demoKey), "demo", 401},
		"no key, no portal":    {"", "nobody", 401},
		"bad key, bad portal":  {"Bearer nope", "No%20Portal", 401},
		"key with a line feed": {"Bearer " + demoKey + "\x01", "demo", 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, path := range []string{"/syncs", "/syncs/summary", "/settings", "/settings/crm", "/settings/versions", "/audit", "/inbox", "/dialogs?client=1"} {
				w := b.call(http.MethodGet, "/v1/portals/"+tc.portal+path, "", "Authorization", tc.authorization)
				require.Equal(t, tc.status, w.Code, path)
				if tc.status == http.StatusOK {
					continue
				}
				requireProblem(t, w, tc.status)
				require.Equal(t, tc.status == http.StatusUnauthorized, w.Header().Get("WWW-Authenticate") != "", path)
			}
		})
	}
}

func TestWritingNeedsAuthorizationToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, r := range [][2]string{
		{http.MethodPut, "/settings"},
		{http.MethodPut, "/settings/crm"},
		{http.MethodPost, "/syncs/x/rerun"},
		{http.MethodPost, "/syncs/x/abandon"},
	} {
		requireProblem(t, b.call(r[0], "/v1/portals/demo"+r[1], "{}", "Content-Type", "application/json"), http.StatusUnauthorized)
		requireProblem(t, b.call(r[0], "/v1/portals/demo"+r[1], "{}", "Authorization", "Bearer other-key"), http.StatusForbidden)
	}
	require.Empty(t, b.temporal.updates)
}

func TestNothingOfOnePortalIsSeenInAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	row := b.open(t, store.Sync{Portal: "other", WorkflowID: "dialog-sync:other:1:2", DialogID: 1, RequestID: 2, Status: store.SyncFailed})
	b.call(http.MethodPost, "/webhooks/chat2desk/other/other-secret", inbox)
	event := events(t, b, "other")[0].ID

	require.Contains(t, b.get("/v1/portals/demo/syncs").Body.String(), `"items":[]`)
	require.Contains(t, b.get("/v1/portals/demo/inbox").Body.String(), `"items":[]`)
	requireProblem(t, b.get("/v1/portals/demo/syncs/"+row.ID), http.StatusNotFound)
	requireProblem(t, b.get("/v1/portals/demo/inbox/"+event), http.StatusNotFound)
	requireProblem(t, b.send(http.MethodPost, "/v1/portals/demo/syncs/"+row.ID+"/rerun", `{"reason":"mine"}`), http.StatusNotFound)
	requireProblem(t, b.send(http.MethodPost, "/v1/portals/demo/syncs/"+row.ID+"/abandon", `{"reason":"mine"}`), http.StatusNotFound)
	require.Empty(t, b.temporal.updates)
	require.Empty(t, b.temporal.started)
}

func TestUnknownAddressesAndMethodsAreProblems(t *testing.T) {
	t.Parallel()
	b := setup(t)
	requireProblem(t, b.get("/nowhere"), http.StatusNotFound)
	requireProblem(t, b.call(http.MethodGet, hook, ""), http.StatusMethodNotAllowed)
	requireProblem(t, b.get("/v1/portals/demo/syncs?colour=red"), http.StatusUnprocessableEntity)
}

func TestEveryAnswerCarriesAnIDAndSafeHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/healthz", "/nowhere", "/v1/portals/demo/syncs", "/docs"} {
		h := b.get(path).Header()
		require.NotEmpty(t, h.Get("X-Request-Id"))
		require.Equal(t, "nosniff", h.Get("X-Content-Type-Options"))
		require.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'")
	}
	require.Equal(t, "mine-1", b.call(http.MethodGet, "/healthz", "", "X-Request-Id", "mine-1").Header().Get("X-Request-Id"))
	evil := strings.Repeat("x", 65)
	require.NotEqual(t, evil, b.call(http.MethodGet, "/healthz", "", "X-Request-Id", evil).Header().Get("X-Request-Id"))
}
