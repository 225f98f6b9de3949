package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"puente/api"
	"puente/chat2desk"
	"puente/store"
	"puente/store/storetest"
)

const (
	hook  = "/webhooks/chat2desk/demo/" + demoSecret
	inbox = `{"hook_type":"inbox","message_id":501,"type":"from_client","text":"hola","client_id":77,` +
		`"dialog_id":9,"request_id":31,"event_time":"2026-01-02T03:04:05.678901Z"}`
)

type counts struct{ Accepted, Duplicates int }

func events(t *testing.T, b *bundle, portal string) []store.InboxEvent {
	t.Helper()
	rows, _, err := b.store.InboxList(t.Context(), portal, store.InboxFilter{})
	require.NoError(t, err)
	return rows
}

func (b *bundle) metric(t *testing.T, name string, labels ...string) float64 {
	t.Helper()
	families, err := b.registry.Gather()
	require.NoError(t, err)
	total := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			have := ""
			for _, l := range m.GetLabel() {
				have += l.GetName() + "=" + l.GetValue() + ";"
			}
			if containsAll(have, labels) {
				total += m.GetCounter().GetValue()
			}
		}
	}
	return total
}

func containsAll(have string, parts []string) bool {
	for _, p := range parts {
		if !strings.Contains(have, p+";") {
			return false
		}
	}
	return true
}

func TestWebhookStoresTheEventAndWakesTheDispatcher(t *testing.T) {
	t.Parallel()
	b := setup(t)
	got := decode[counts](t, b.call(http.MethodPost, hook, inbox), http.StatusOK)
	require.Equal(t, counts{Accepted: 1}, got)
	require.Equal(t, 1, b.woken)

	rows := events(t, b, "demo")
	require.Len(t, rows, 1)
	row, err := b.store.InboxEvent(t.Context(), "demo", rows[0].ID)
	require.NoError(t, err)
	require.Equal(t, "inbox:501", row.Key)
	require.Equal(t, "client:77", row.OrderKey)
	require.Equal(t, []int64{77, 9, 31, 501}, []int64{row.ClientID, row.DialogID, row.RequestID, row.MessageID})
	require.JSONEq(t, inbox, string(row.Body))
	require.Equal(t, "2026-01-02T03:04:05.678901Z", row.EventTime.UTC().Format("2006-01-02T15:04:05.999999Z07:00"))
	require.Empty(t, events(t, b, "other"))
}

func TestWebhooksOfOneOperatorKeepTheirOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, state := range []string{`"online":1,"event_time":"2026-02-03T12:00:00Z"`, `"online":0,"event_time":"2026-02-03T12:05:00Z"`} {
		b.call(http.MethodPost, hook, `{"hook_type":"operator_status_updated","id":"301",`+state+`}`)
	}
	rows := events(t, b, "demo")
	require.Len(t, rows, 2)
	for i := range rows {
		row, err := b.store.InboxEvent(t.Context(), "demo", rows[i].ID)
		require.NoError(t, err)
		require.Equal(t, "operator:301", row.OrderKey)
	}
}

func TestRepeatedWebhookIsCountedNotStoredAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.call(http.MethodPost, hook, inbox)
	require.Equal(t, counts{Duplicates: 1}, decode[counts](t, b.call(http.MethodPost, hook, inbox), http.StatusOK))
	require.Equal(t, 1, b.woken, "a repetition wakes nobody")
	require.Len(t, events(t, b, "demo"), 1)
	require.InDelta(t, 1, b.metric(t, "puente_webhook_duplicates_total", "source=chat2desk"), 0)
	require.InDelta(t, 1, b.metric(t, "puente_webhook_accepted_total", "source=chat2desk"), 0)
}

func TestListOfEventsIsAcceptedTogether(t *testing.T) {
	t.Parallel()
	b := setup(t)
	two := "[" + inbox + "," + strings.Replace(inbox, "501", "502", 1) + "," + inbox + "]"
	require.Equal(t, counts{Accepted: 2, Duplicates: 1}, decode[counts](t, b.call(http.MethodPost, hook, two), http.StatusOK))
	require.Equal(t, counts{}, decode[counts](t, b.call(http.MethodPost, hook, "[]"), http.StatusOK))
}

func TestRefusedWebhooks(t *testing.T) {
	t.Parallel()
	signature := chat2desk.Sign(demoToken, []byte(inbox), "1767323045")
	for name, tc := range map[string]struct {
		path, body string
		headers    []string
		status     int
		reason     string
	}{
		"unknown portal":       {"/webhooks/chat2desk/nobody/" + demoSecret, inbox, nil, 404, "unknown_portal"},
		"impossible portal":    {"/webhooks/chat2desk/%00/" + demoSecret, inbox, nil, 404, "unknown_portal"},
		"wrong secret":         {"/webhooks/chat2desk/demo/demo-secreT", inbox, nil, 401, "wrong_secret"},
		"another's secret":     {"/webhooks/chat2desk/demo/other-secret", inbox, nil, 401, "wrong_secret"},
		"wrong signature":      {hook, inbox, []string{"X-Signature", "00", "X-Timestamp", "1767323045"}, 401, "wrong_signature"},
		"signature of another": {hook, inbox + " ", []string{"X-Signature", signature, "X-Timestamp", "1767323045"}, 401, "wrong_signature"},
		"no timestamp":         {hook, inbox, []string{"X-Signature", signature}, 401, "wrong_signature"},
		"no body":              {hook, "", nil, 400, "not_parsed"},
		"not JSON":             {hook, "hook_type=inbox", nil, 400, "not_parsed"},
		"half JSON":            {hook, inbox[:60], nil, 400, "not_parsed"},
		"a number":             {hook, "42", nil, 400, "not_parsed"},
		"over 1 MiB":           {hook, `{"hook_type":"inbox","text":"` + strings.Repeat("a", api.MaxWebhookBody) + `"}`, nil, 413, "too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			p := requireProblem(t, b.call(http.MethodPost, tc.path, tc.body, tc.headers...), tc.status)
			require.NotContains(t, p.Detail, demoSecret)
			require.InDelta(t, 1, b.metric(t, "puente_webhook_refused_total", "reason="+tc.reason), 0)
			require.Empty(t, events(t, b, "demo"))
			require.Zero(t, b.woken)
		})
	}
}

func TestWrongSecretAndWrongSignatureReadTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	secret := b.call(http.MethodPost, "/webhooks/chat2desk/demo/nope", inbox)
	signature := b.call(http.MethodPost, hook, inbox, "X-Signature", "00")
	require.Equal(t, secret.Body.String(), signature.Body.String())
}

func TestSignedWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const hexKey = "e2c0a0f24daac8d866157aefb1c8fad150fec87cea1271b3007125f714b4fee5" // chat2desk reference §4.3
	const rawKey = "cdd58f3bd6fa77b4dbf98dbc7ec2b57b6fb5708d38b7efec94012d358df93d3f"
	for _, signature := range []string{hexKey, rawKey} {
		w := b.call(http.MethodPost, hook, inbox, "X-Signature", signature, "X-Timestamp", "1767323045")
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
	}
}

func TestStrictPortalRefusesUnsignedWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	strict := valid()
	strict.General.StrictSignature = true
	_, err := b.store.SaveSettings(t.Context(), "demo", strict, "test", "", 0)
	require.NoError(t, err)
	requireProblem(t, b.call(http.MethodPost, hook, inbox), http.StatusUnauthorized)
	require.InDelta(t, 1, b.metric(t, "puente_webhook_refused_total", "reason=unsigned"), 0)
	signature := chat2desk.Sign(demoToken, []byte(inbox), "1")
	require.Equal(t, http.StatusOK, b.call(http.MethodPost, hook, inbox, "X-Signature", signature, "X-Timestamp", "1").Code)
}

func TestDisabledPortalTakesNoWebhooks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.store.Portal(t.Context(), "demo")
	require.NoError(t, err)
	p.Disabled = true
	require.NoError(t, b.store.SavePortal(t.Context(), p))
	requireProblem(t, b.call(http.MethodPost, hook, inbox), http.StatusNotFound)
}

func TestUnknownHookTypeIsStoredAndCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	body := `{"hook_type":"horoscope","client_id":77,"event_time":"2026-01-02T03:04:05Z"}`
	require.Equal(t, counts{Accepted: 1}, decode[counts](t, b.call(http.MethodPost, hook, body), http.StatusOK))
	require.Equal(t, "horoscope", events(t, b, "demo")[0].HookType)
	require.InDelta(t, 1, b.metric(t, "puente_webhook_unknown_types_total", "source=chat2desk"), 0)
}

// TestHostileTextsFitTheInbox: PostgreSQL refuses NUL and broken UTF-8, and
// long values in an index; a refusal would make the sender repeat for ever.
func TestHostileTextsFitTheInbox(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupOn(t, url)
			long := strings.Repeat("é", 5000)
			for i, hookType := range []string{`a\u0000b`, "ab", long, long + "x", `\ud800`} {
				body := fmt.Sprintf(`{"hook_type":"%s","client_id":1,"event_time":"2026-01-02T03:04:05Z"}`, hookType)
				require.Equal(t, counts{Accepted: 1}, decode[counts](t, b.call(http.MethodPost, hook, body), http.StatusOK), "event %d", i)
			}
			form := "event=%00%ff&data[FIELDS][ID]=%00" + strings.Repeat("9", 5000) + "&auth[application_token]=demo-app"
			require.Equal(t, counts{Accepted: 1}, decode[counts](t, b.call(http.MethodPost, "/webhooks/bitrix24/demo", form), http.StatusOK))
			for _, row := range events(t, b, "demo") {
				require.LessOrEqual(t, len(row.HookType), 64)
				require.LessOrEqual(t, len(row.Key), 200)
				require.LessOrEqual(t, len(row.OrderKey), 200)
				require.NotContains(t, row.Key+row.HookType+row.OrderKey, "\x00")
			}
			for _, q := range []string{"q=%00%ff", "q=" + strings.Repeat("%25", 150)} {
				require.Equal(t, http.StatusOK, b.get("/v1/portals/demo/syncs?"+q).Code)
			}
			require.Equal(t, http.StatusOK, b.get("/v1/portals/demo/inbox?hook_type=%00%ff").Code)
			w := b.send(http.MethodPut, "/v1/portals/demo/settings?reason=%00%ff", text(t, valid()), "X-Puente-Actor", "A\x00na\xff")
			require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		})
	}
}

func TestStoreDownAsksTheSenderToRepeat(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.registry = prometheus.NewRegistry()
	w := callOn(b.over(brokenStore{b.store}), http.MethodPost, hook, strings.NewReader(inbox))
	requireProblem(t, w, http.StatusServiceUnavailable)
	require.NotEmpty(t, w.Header().Get("Retry-After"))
	require.InDelta(t, 1, b.metric(t, "puente_webhook_refused_total", "reason=store_down"), 0)
}

func TestSecretOfTheAddressIsNeverLogged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{hook, hook + "/", hook + "/more", "/webhooks/chat2desk/demo/" + demoSecret + "x", "/webhooks/chat2desk/" + demoSecret} {
		b.call(http.MethodPost, path, inbox)
		b.call(http.MethodGet, path, "")
	}
	require.NotContains(t, b.log.String(), demoSecret)
	require.Contains(t, b.log.String(), "/webhooks/chat2desk/demo/***")
}

const bitrixForm = "event=ONCRMDEALUPDATE&event_handler_id=17&data%5BFIELDS%5D%5BID%5D=394&ts=1780000000" +
	"&auth[domain]=demo.bitrix24.example&auth[access_token]=top-secret&auth[application_token]="

func TestBitrix24EventIsStoredWithoutItsTokens(t *testing.T) {
	t.Parallel()
	b := setup(t)
	w := b.call(http.MethodPost, "/webhooks/bitrix24/demo", bitrixForm+"demo-app", "Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, counts{Accepted: 1}, decode[counts](t, w, http.StatusOK))
	row, err := b.store.InboxEvent(t.Context(), "demo", events(t, b, "demo")[0].ID)
	require.NoError(t, err)
	require.Equal(t, []string{"bitrix24", "ONCRMDEALUPDATE", "ONCRMDEALUPDATE:394"}, []string{row.Source, row.HookType, row.OrderKey})
	require.NotContains(t, string(row.Body), "top-secret")
	require.NotContains(t, string(row.Body), "demo-app")
	require.Contains(t, string(row.Body), "394")
	require.Equal(t, int64(1780000000), row.EventTime.Unix())
}

// TestChangesOfOneSecondAreBothTold: the portal's ts counts seconds, so that our
// own write and what a person did right after it may look alike.
func TestChangesOfOneSecondAreBothTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 3 {
		w := b.call(http.MethodPost, "/webhooks/bitrix24/demo", bitrixForm+"demo-app")
		require.Equal(t, counts{Accepted: 1}, decode[counts](t, w, http.StatusOK))
	}
	require.Len(t, events(t, b, "demo"), 3)
}

func TestRefusedBitrix24Events(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const path = "/webhooks/bitrix24/demo"
	requireProblem(t, b.call(http.MethodPost, "/webhooks/bitrix24/nobody", bitrixForm+"demo-app"), http.StatusNotFound)
	requireProblem(t, b.call(http.MethodPost, path, bitrixForm+"other-app"), http.StatusUnauthorized)
	requireProblem(t, b.call(http.MethodPost, path, bitrixForm), http.StatusUnauthorized)
	requireProblem(t, b.call(http.MethodPost, path, "auth[application_token]=demo-app"), http.StatusBadRequest)
	requireProblem(t, b.call(http.MethodPost, path, "%zz"), http.StatusBadRequest)
	requireProblem(t, b.call(http.MethodPost, path, strings.Repeat("a", api.MaxWebhookBody+1)), http.StatusRequestEntityTooLarge)
	require.Empty(t, events(t, b, "demo"))
}

// FuzzChat2DeskWebhook sends any body: the answer is 200 or a problem, never a
// 5xx, and what was answered 200 is stored.
func FuzzChat2DeskWebhook(f *testing.F) {
	for _, seed := range []string{
		inbox, "[" + inbox + "]", "[]", "{}", "null", `{"hook_type":""}`, `{"hook_type":"close_request","request_id":9}`,
		`{"hook_type":"outbox_status","data":{"message_id":1}}`, `{"hook_type":"\u0000","id":"1e400"}`, `[[[[`, `{"hook_type":5,"message_id":-1}`,
	} {
		f.Add([]byte(seed))
	}
	b := setup(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		w := callOn(b.handler, http.MethodPost, hook, strings.NewReader(string(body)))
		switch w.Code {
		case http.StatusOK:
			decode[counts](t, w, http.StatusOK)
		case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
			requireProblem(t, w, w.Code)
		default:
			t.Fatalf("answered %d: %s", w.Code, w.Body)
		}
	})
}

// FuzzBitrix24Webhook does the same for forms.
func FuzzBitrix24Webhook(f *testing.F) {
	for _, seed := range []string{"", "ts=9999999999999999999", "data[FIELDS][ID]=%00", "event=%ff", "auth[application_token]=x", "a;b", "%"} {
		f.Add(seed)
	}
	b := setup(f)
	f.Fuzz(func(t *testing.T, rest string) {
		w := callOn(b.handler, http.MethodPost, "/webhooks/bitrix24/demo", strings.NewReader("event=X&auth[application_token]=demo-app&"+rest))
		require.Contains(t, []int{200, 400, 401, 413}, w.Code, w.Body.String())
	})
}
