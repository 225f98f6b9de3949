package recordings

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/store"
)

func TestAServerThatSaysNoIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized, http.StatusServiceUnavailable, http.StatusNoContent} {
		f := newFetching(t, &shelf{handler: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "90")
			w.WriteHeader(status)
		}})
		_, err := f.fetch(f.expected("/secret-path.wav?token=secret"))
		var away *Unavailable
		require.ErrorAs(t, err, &away)
		require.Equal(t, []any{status, 90 * time.Second}, []any{away.Status, away.RetryAfter})
		require.NotContains(t, err.Error(), "secret")
	}
}

func TestAServerThatIsAwayIsAskedAgainLater(t *testing.T) {
	t.Parallel()
	f := newFetching(t, &shelf{size: 100})
	r := f.expected("/secret-path.wav?token=secret")
	f.shelf.Close()
	_, err := f.fetch(r)
	var away *Unavailable
	require.ErrorAs(t, err, &away)
	require.Contains(t, err.Error(), "connection refused")
	require.NotContains(t, err.Error(), "secret")
}

func TestAConnectionOnWhichNothingComesIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFetching(t, &shelf{size: 8 * mib, tag: `"a"`, stall: true})
	f.from.stall = 100 * time.Millisecond
	r := f.expected("/1.wav")
	_, err := f.fetch(r)
	var away *Unavailable
	require.ErrorAs(t, err, &away)
	require.Contains(t, err.Error(), "nothing came any more")
	f.from.stall = 0
	f.shelf.change(func(s *shelf) { s.stall = false })
	f.fetched(r)
}

func TestOnlyPublicAddressesAreReached(t *testing.T) {
	t.Parallel()
	check := Fetcher{}.control()
	for _, address := range []string{
		"127.0.0.1:443", "10.0.0.1:443", "172.16.0.1:443", "192.168.1.1:443", "169.254.169.254:80", "100.64.0.1:443", "0.0.0.0:443",
		"224.0.0.1:443", "255.255.255.255:443", "192.0.2.1:443", "[::1]:443", "[::]:443", "[fc00::1]:443", "[fe80::1]:443", "[ff02::1]:443",
		"[::ffff:127.0.0.1]:443", "[64:ff9b::7f00:1]:443", "[fd00:ec2::254]:80",
	} {
		network := "tcp4"
		if strings.HasPrefix(address, "[") {
			network = "tcp6"
		}
		require.Error(t, check(network, address, nil), address)
	}
	require.NoError(t, check("tcp4", "8.8.8.8:8443", nil))
	require.NoError(t, check("tcp6", "[2a00:1450:4001::1]:443", nil))
}

func TestAddressesThatLeadInsideAreRefused(t *testing.T) {
	t.Parallel()
	inside := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(inside.Close)
	f := newFetching(t, &shelf{handler: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusFound)
	}})
	port := f.shelf.URL[strings.LastIndex(f.shelf.URL, ":"):]
	for name, c := range map[string]struct {
		address string
		from    Fetcher
	}{
		"loopback":               {inside.URL, Fetcher{}},
		"name of loopback":       {"https://localhost" + port, Fetcher{}},
		"redirect to loopback":   {f.shelf.URL + "/?to=https://127.0.0.2" + port, f.from},
		"redirect to a name":     {f.shelf.URL + "/?to=https://localhost" + port, Fetcher{RootCAs: f.from.RootCAs, allowed: nil}},
		"redirect to plain http": {f.shelf.URL + "/?to=http://127.0.0.1" + port, f.from},
		"plain http":             {"http://127.0.0.1" + port, f.from},
		"file":                   {"file:///etc/passwd", f.from},
		"no address":             {"https://\x7f", f.from},
	} {
		r, err := f.Store.SaveRecording(t.Context(), store.Recording{Portal: "demo", CallID: "c1", Source: store.RecordingURL, URL: c.address})
		require.NoError(t, err)
		r.URL = c.address
		_, err = f.Fetch(t.Context(), r, c.from, f.conf)
		require.ErrorIs(t, err, ErrForbidden, name)
		require.NotContains(t, err.Error(), port, name)
	}
	require.Empty(t, f.files())
}

func TestRedirectsAreFollowedButNotForEver(t *testing.T) {
	t.Parallel()
	f := newFetching(t, &shelf{})
	f.shelf.handler = func(w http.ResponseWriter, r *http.Request) {
		if r.Referer() != "" { // it would tell the token
			http.NotFound(w, r)
			return
		}
		switch r.URL.Path {
		case "/loop":
			http.Redirect(w, r, "/loop", http.StatusFound)
		case "/once":
			http.Redirect(w, r, "/file", http.StatusFound)
		default:
			http.ServeContent(w, r, "", time.Time{}, &sound{size: 100})
		}
	}
	f.shelf.size = 100
	f.fetched(f.expected("/once?token=secret"))
	_, err := f.fetch(f.expected("/loop"))
	var away *Unavailable
	require.ErrorAs(t, err, &away)
	require.Contains(t, err.Error(), "too many redirects")
}

func TestInDevelopmentEveryAddressIsReached(t *testing.T) {
	t.Parallel()
	f := newFetching(t, &shelf{size: 100})
	f.from.allowed = nil
	_, err := f.fetch(f.expected("/1.wav"))
	require.ErrorIs(t, err, ErrForbidden)
	f.from.AllowPrivate = true
	f.fetched(f.expected("/1.wav"))

	plain := httptest.NewServer(f.shelf)
	t.Cleanup(plain.Close)
	f.shelf.URL = plain.URL
	_, err = f.fetch(f.expected("/2.wav"))
	require.NoError(t, err)
}

func FuzzContentRange(f *testing.F) {
	for _, text := range []string{"bytes 0-0/1234", "bytes */0", "bytes 0-0/*", "", "bytes -/-", "x"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		start, length := contentRange(http.Header{"Content-Range": {text}})
		require.GreaterOrEqual(t, start, int64(-1))
		require.GreaterOrEqual(t, length, int64(-1))
	})
}
