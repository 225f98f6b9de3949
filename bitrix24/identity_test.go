package bitrix24

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

const identityAnswer = `{"result":{"result":{
"app":{"ID":5,"CODE":"local.1","VERSION":1,"STATUS":"L","INSTALLED":true,"LICENSE":"de_ent250"},"me":{"ID":"7","ADMIN":true}},
"result_error":[],"result_total":[],"result_next":[],"result_time":[]}}`

func TestATokenTellsWhoseItIs(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, identityAnswer)
	got, err := Identify(t.Context(), Config{WebhookURL: "https://elsewhere.example/"}, p.URL+"/rest/", "brought")
	require.NoError(t, err)
	require.Equal(t, Identity{AppCode: "local.1", Status: "L", Installed: true, License: "de_ent250", UserID: 7, Admin: true}, got)
	require.Len(t, p.all(), 1)
	require.Equal(t, "/rest/batch", p.all()[0].path)
	require.Equal(t, "brought", p.all()[0].body["auth"])
}

func TestAForgedTokenIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   string
		kind   Kind
	}{
		"unknown":       {401, `{"error":"invalid_token","error_description":"no application for brought-token"}`, KindAccessDenied},
		"old":           {401, `{"error":"expired_token"}`, KindAuthExpired},
		"of a webhook":  {200, `{"result":{"result":{"me":{"ID":"1"}},"result_error":{"app":{"error":"ACCESS_DENIED"}}}}`, KindAccessDenied},
		"without user":  {200, `{"result":{"result":{"app":{"CODE":"x"}},"result_error":{"me":{"error":"ACCESS_DENIED"}}}}`, KindAccessDenied},
		"not a portal":  {200, `<html></html>`, KindAmbiguous},
		"odd app":       {200, `{"result":{"result":{"app":5,"me":{"ID":"1"}},"result_error":[]}}`, KindUnknown},
		"silent portal": {500, ``, KindAmbiguous},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, _ seen) { answerWith(w, c.status, c.body) })
			_, err := Identify(t.Context(), Config{}, p.URL+"/rest/", "brought-token")
			e := errorOf(t, err, c.kind)
			require.NotContains(t, e.Description, "brought-token")
			require.Len(t, p.all(), 1, "nothing is repeated")
		})
	}
}

func TestIdentifyNeedsAnAddress(t *testing.T) {
	t.Parallel()
	_, err := Identify(t.Context(), Config{}, "::", "brought")
	require.Equal(t, KindInvalid, KindOf(err))
}
