package bitrix24

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPagesShowCallsWithTheirPlayer(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	callID, activity := h.finish("a")
	h.ok("crm.activity.binding.add", fmt.Sprintf(`{"activityId":%d,"entityTypeId":2,"entityId":1}`, activity))
	require.Contains(t, h.get("/calls/").Body, "no record")
	require.Equal(t, http.StatusOK, h.upload(h.uploadURL(callID), "file", strings.NewReader("RIFF")).Status)
	player := `<audio controls preload="metadata" src="/disk/showFile/1/"`
	for _, path := range []string{"/", "/calls/", "/calls/?q=ruiz", "/crm/contact/details/1/", "/crm/deal/details/1/"} {
		body := h.get(path).Body
		for _, want := range []string{player, "← incoming", "answered, 41s", "Olga Smirnova", "&#43;79991234567", "big.wav, 4 bytes"} {
			require.Contains(t, body, want, path)
		}
	}
	body := h.get("/calls/").Body
	for _, want := range []string{`<a href="/crm/contact/details/1/">Anna Ruiz</a>`, `<a href="/crm/deal/details/1/">Deal Tour</a>`, `aria-current="page">Calls`} {
		require.Contains(t, body, want)
	}
	require.Contains(t, h.get("/calls/?q=nobody").Body, "Nothing here for “nobody”")
	resp, err := http.Get(h.srv.URL + "/calls/") //nolint:noctx // a test
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	require.Contains(t, resp.Header.Get("Content-Security-Policy"), "media-src 'self'", "else no browser plays it")
}
