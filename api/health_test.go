package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"puente/store"
)

func TestReadinessNeedsStoreAndTemporal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.JSONEq(t, `{"status":"ready","store":"ok","temporal":"ok"}`, b.get("/readyz").Body.String())
	b.temporal.health = context.DeadlineExceeded
	w := b.get("/readyz")
	require.Equal(t, http.StatusServiceUnavailable, w.Code)
	require.JSONEq(t, `{"status":"not ready","store":"ok","temporal":"unreachable"}`, w.Body.String())

	b.temporal.health, b.registry = nil, prometheus.NewRegistry()
	w = callOn(b.over(brokenStore{b.store}), http.MethodGet, "/readyz", nil)
	require.JSONEq(t, `{"status":"not ready","store":"unreachable","temporal":"ok"}`, w.Body.String())
	require.Equal(t, http.StatusOK, b.get("/healthz").Code, "alive although not ready")
	require.Equal(t, http.StatusOK, b.call(http.MethodHead, "/healthz", "").Code, "some probes ask by HEAD")
}

func TestOutageOfTheStoreIsToldFromAMistake(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.registry = prometheus.NewRegistry()
	w := callOn(b.over(brokenStore{b.store}), http.MethodGet, "/v1/portals/demo/syncs", nil, "Authorization", "Bearer "+demoKey)
	requireProblem(t, w, http.StatusServiceUnavailable)
}

// panicking is a store with a bug.
type panicking struct{ *store.Store }

func (panicking) Syncs(context.Context, string, store.SyncFilter) ([]store.Sync, string, error) {
	panic("the password is hunter2")
}

func TestPanicIsAProblemThatTellsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.registry = prometheus.NewRegistry()
	w := callOn(b.over(panicking{b.store}), http.MethodGet, "/v1/portals/demo/syncs", nil, "Authorization", "Bearer "+demoKey)
	p := requireProblem(t, w, http.StatusInternalServerError)
	require.NotContains(t, w.Body.String(), "hunter2")
	require.Contains(t, p.Detail, w.Header().Get("X-Request-Id"))
	require.Contains(t, b.log.String(), "hunter2", "the log has it")
}

func TestMetricsShowRoutesNotPaths(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(http.MethodPost, hook, inbox)
	b.get("/some/random/path")
	text := b.get("/metrics").Body.String()
	require.Contains(t, text, `puente_webhook_accepted_total{source="chat2desk"} 1`)
	require.Contains(t, text, `puente_http_request_seconds_count{method="POST",route="/webhooks/chat2desk/:portal/:secret",status="200"} 1`)
	require.Contains(t, text, `route="unmatched"`)
	require.NotContains(t, text, demoSecret)
}

func TestOpenAPIDocumentIsCompleteAndClosed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.get("/openapi.json")
	var doc struct {
		OpenAPI    string
		Paths      map[string]map[string]json.RawMessage
		Components struct {
			Schemas         map[string]json.RawMessage
			SecuritySchemes map[string]json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &doc))
	require.Equal(t, "3.1.0", doc.OpenAPI)
	for path, methods := range map[string][]string{
		"/webhooks/chat2desk/{portal}/{secret}": {"post"}, "/webhooks/bitrix24/{portal}": {"post"},
		"/v1/portals/{portal}/syncs": {"get"}, "/v1/portals/{portal}/syncs/summary": {"get"}, "/v1/portals/{portal}/syncs/{id}": {"get"},
		"/v1/portals/{portal}/syncs/{id}/rerun": {"post"}, "/v1/portals/{portal}/syncs/{id}/abandon": {"post"},
		"/v1/portals/{portal}/settings": {"get", "put"}, "/v1/portals/{portal}/settings/{section}": {"get", "put"},
		"/v1/portals/{portal}/settings/versions": {"get"}, "/v1/portals/{portal}/inbox": {"get"}, "/v1/portals/{portal}/inbox/{event}": {"get"},
		"/v1/portals/{portal}/audit": {"get"}, "/v1/portals/{portal}/dialogs": {"get"},
	} {
		for _, method := range methods {
			require.Contains(t, doc.Paths[path], method, path)
		}
	}
	// Every reference leads somewhere, and every operation has an id of its own.
	for _, part := range strings.Split(w.Body.String(), `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		require.Contains(t, doc.Components.Schemas, name)
	}
	ids := map[string]bool{}
	for path, methods := range doc.Paths {
		for method, raw := range methods {
			var op struct {
				OperationID string
				Security    []map[string][]string
				Responses   map[string]json.RawMessage
				Parameters  []struct{ Name, In string }
			}
			require.NoError(t, json.Unmarshal(raw, &op))
			require.False(t, ids[op.OperationID], op.OperationID)
			ids[op.OperationID] = true
			require.Greater(t, len(op.Responses), 1, "%s %s tells no errors", method, path)
			require.Equal(t, strings.HasPrefix(path, "/v1/"), len(op.Security) == 1, path)
			for _, p := range strings.Split(path, "{")[1:] {
				require.Contains(t, op.Parameters, struct{ Name, In string }{strings.Split(p, "}")[0], "path"}, path)
			}
		}
	}
	require.Contains(t, doc.Components.SecuritySchemes, "apiKey")
}

func TestDocsPageListsTheRoutesWithoutForeignAssets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	page := b.get("/docs").Body.String()
	require.Contains(t, page, "/v1/portals/{portal}/syncs/{id}/rerun")
	require.Contains(t, page, "/v1/portals/{portal}/contact-center/methods/deal.users")
	require.Contains(t, page, "Subsidy for greenhouses", "examples stand there")
	require.NotContains(t, page, "<script")
	require.NotRegexp(t, `(src|href|url)\s*[=(]\s*["']?(https?:)?//`, page)
}

func TestInboxShowsTheRawEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(http.MethodPost, hook, inbox)
	b.call(http.MethodPost, hook, strings.NewReplacer("501", "502", `"client_id":77`, `"client_id":78`).Replace(inbox))
	type event struct{ ID, Key, Body, Status string }
	all := decode[page[event]](t, b.get("/v1/portals/demo/inbox?status=new&hook_type=inbox"), http.StatusOK)
	require.Len(t, all.Items, 2)
	one := decode[page[event]](t, b.get("/v1/portals/demo/inbox?client=77"), http.StatusOK)
	require.Len(t, one.Items, 1)
	require.Empty(t, one.Items[0].Body)
	got := decode[event](t, b.get("/v1/portals/demo/inbox/"+one.Items[0].ID), http.StatusOK)
	require.JSONEq(t, inbox, got.Body)
}

func TestDialogsOfAClientShowTheirEntities(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.NoError(t, b.store.LearnDialog(t.Context(), store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 9, ContactID: 3, DealID: 4}))
	w := b.get("/v1/portals/demo/dialogs?client=7")
	require.Contains(t, w.Body.String(), `https://demo.bitrix24.example/crm/deal/details/4/`)
	requireProblem(t, b.get("/v1/portals/demo/dialogs"), http.StatusUnprocessableEntity)
}
