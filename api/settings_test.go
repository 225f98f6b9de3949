package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/settings"
)

type document struct {
	Version  int
	Settings settings.Settings
	Warnings []string
}

func text(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	require.NoError(t, err)
	return string(raw)
}

func TestSettingsAreReadAndReplaced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.get("/v1/portals/demo/settings")
	got := decode[document](t, w, http.StatusOK)
	require.Equal(t, 1, got.Version)
	require.Equal(t, `"1"`, w.Header().Get("ETag"))

	changed := valid()
	changed.General.Language = "es"
	w = b.send(http.MethodPut, "/v1/portals/demo/settings?reason=clients+speak+Spanish", text(t, changed), "X-Puente-Actor", "Ana", "If-Match", `"1"`)
	require.Equal(t, 2, decode[document](t, w, http.StatusOK).Version)
	require.Equal(t, `"2"`, w.Header().Get("ETag"))
	require.Equal(t, "es", decode[document](t, b.get("/v1/portals/demo/settings"), http.StatusOK).Settings.General.Language)
	require.Equal(t, "en", decode[document](t, b.get("/v1/portals/demo/settings?version=1"), http.StatusOK).Settings.General.Language)
	requireProblem(t, b.get("/v1/portals/demo/settings?version=9"), http.StatusNotFound)

	type version struct {
		Version        int
		Author, Reason string
	}
	versions := decode[page[version]](t, b.get("/v1/portals/demo/settings/versions"), http.StatusOK)
	require.Equal(t, []version{{2, "Ana", "clients speak Spanish"}, {1, "test", "seed"}}, versions.Items)
	audit := b.get("/v1/portals/demo/audit?subject=settings").Body.String()
	require.Contains(t, audit, `"actor":"Ana","action":"settings.save","subject":"settings","reason":"clients speak Spanish"`)
	other := decode[document](t, b.call(http.MethodGet, "/v1/portals/other/settings", "", "Authorization", "Bearer other-key"), http.StatusOK)
	require.Equal(t, 1, other.Version)
}

func TestSectionsAreReadAndReplacedAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.send(http.MethodPut, "/v1/portals/demo/settings/tags", `{"mode":"only_tagged","ids":[1,3]}`)
	require.JSONEq(t, `{"version":2,"settings":{"mode":"only_tagged","ids":[1,3]}}`, w.Body.String())
	for section := range map[string]any{"general": 1, "tags": 1, "analytics": 1, "fields": 1, "operators": 1, "crm": 1} {
		decode[map[string]any](t, b.get("/v1/portals/demo/settings/"+section), http.StatusOK)
	}
	all := decode[document](t, b.get("/v1/portals/demo/settings"), http.StatusOK).Settings
	require.Equal(t, int64(1), all.Operators.Administrator, "the other sections stay")
	requireProblem(t, b.get("/v1/portals/demo/settings/colours"), http.StatusUnprocessableEntity)
}

func TestWrongSettingsAreNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for body, field := range map[string]string{
		`{"general":{"language":"xx"},"operators":{"administrator":1}}`: "body.general.language",
		`{"general":{"langage":"en"}}`:                                  "body.general.langage",
		`{"tags":{"ids":"many"}}`:                                       "body.tags.ids",
	} {
		p := requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings", body), http.StatusUnprocessableEntity)
		require.NotEmpty(t, p.Errors, body)
		require.Equal(t, field, p.Errors[0].Location)
	}
	p := requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings/tags", `{"mode":"sometimes"}`), http.StatusUnprocessableEntity)
	require.Equal(t, "body.tags.mode", p.Errors[0].Location)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings", `{"general":`), http.StatusBadRequest)
	require.Equal(t, 1, decode[document](t, b.get("/v1/portals/demo/settings"), http.StatusOK).Version)
}

func TestSettingsAreCheckedAgainstThePortal(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.check = func(settings.Settings) ([]settings.Problem, error) {
		return []settings.Problem{{Field: "operators.administrator", Message: "there is no such active user"}}, nil
	}
	p := requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings", text(t, valid())), http.StatusUnprocessableEntity)
	require.Equal(t, "body.operators.administrator", p.Errors[0].Location)

	b.check = func(settings.Settings) ([]settings.Problem, error) { return nil, context.DeadlineExceeded }
	got := decode[document](t, b.send(http.MethodPut, "/v1/portals/demo/settings", text(t, valid())), http.StatusOK)
	require.Len(t, got.Warnings, 1, "a portal that does not answer does not stop the work")
}

func TestStaleChangesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := text(t, valid())
	decode[document](t, b.send(http.MethodPut, "/v1/portals/demo/settings?if_version=1", body), http.StatusOK)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings?if_version=1", body), http.StatusConflict)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings", body, "If-Match", `"1"`), http.StatusPreconditionFailed)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings", body, "If-Match", `"abc"`), http.StatusPreconditionFailed)
	requireProblem(t, b.send(http.MethodPut, "/v1/portals/demo/settings/tags", `{"mode":"ignore"}`, "If-Match", `"1"`), http.StatusPreconditionFailed)
	decode[document](t, b.send(http.MethodPut, "/v1/portals/demo/settings", body, "If-Match", `*`), http.StatusOK)
}

func TestSectionsChangedAtTheSameMomentAreBothKept(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var all sync.WaitGroup
	for section, body := range map[string]string{
		"tags": `{"mode":"only_tagged","ids":[1]}`, "operators": `{"administrator":5}`, "analytics": `{"combined":"UF_CRM_UTM"}`,
	} {
		all.Go(func() { b.send(http.MethodPut, "/v1/portals/demo/settings/"+section, body) })
	}
	all.Wait()
	got := decode[document](t, b.get("/v1/portals/demo/settings"), http.StatusOK)
	require.Equal(t, 4, got.Version)
	require.Equal(t, []int64{1}, got.Settings.Tags.IDs)
	require.Equal(t, int64(5), got.Settings.Operators.Administrator)
	require.Equal(t, "UF_CRM_UTM", got.Settings.Analytics.Combined)
}

func TestStrictnessTakesEffectAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	require.Equal(t, http.StatusOK, b.call(http.MethodPost, hook, inbox).Code)
	strict := valid()
	strict.General.StrictSignature = true
	decode[document](t, b.send(http.MethodPut, "/v1/portals/demo/settings", text(t, strict)), http.StatusOK)
	requireProblem(t, b.call(http.MethodPost, hook, inbox), http.StatusUnauthorized)
}

func TestHugeSettingsAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.send(http.MethodPut, "/v1/portals/demo/settings", `{"general":{"country":"`+strings.Repeat("a", 2<<20)+`"}}`)
	requireProblem(t, w, http.StatusRequestEntityTooLarge)
}
