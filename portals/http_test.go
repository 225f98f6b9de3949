package portals_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func post(t *testing.T, address, body string, out any) {
	t.Helper()
	send(t, http.MethodPost, address, body, out)
}

func put(t *testing.T, address, body string) {
	t.Helper()
	send(t, http.MethodPut, address, body, nil)
}

// send uses a control of a sandbox.
func send(t *testing.T, method, address, body string, out any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	require.Less(t, resp.StatusCode, 300)
	if out != nil {
		require.NoError(t, json.NewDecoder(resp.Body).Decode(out))
	}
}
