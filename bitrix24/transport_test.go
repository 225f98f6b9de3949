package bitrix24

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var errStoreDown = errors.New("the store is down")

func TestACallIsOneJSONPost(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":{"ID":"1"},"total":7,"next":50}`)
	c := p.client(t, func(cfg *Config) { cfg.UserAgent = "puente/1.0" })
	params := Params{"filter": Params{">=id": 5}, "text": "<b>&"}
	answer, err := c.Call(t.Context(), "crm.item.list", params)
	require.NoError(t, err)
	require.JSONEq(t, `{"ID":"1"}`, answer.String())
	require.Equal(t, 7, *answer.Total)
	require.Equal(t, 50, *answer.Next)

	got := p.all()
	require.Len(t, got, 1)
	require.Equal(t, "/rest/1/s3cret-hook/crm.item.list", got[0].path)
	require.Equal(t, "application/json", got[0].contentType)
	require.Equal(t, "application/json", got[0].accept)
	require.Equal(t, "puente/1.0", got[0].agent)
	require.Contains(t, got[0].raw, `"<b>&"`)
	require.Equal(t, map[string]any{"filter": map[string]any{">=id": 5.0}, "text": "<b>&"}, got[0].body)
	require.NotContains(t, params, "auth")
	require.Equal(t, Stats{Requests: 1, Commands: 1}, c.Stats())
}

func TestACallWithoutParametersSendsAnEmptyObject(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":true}`)
	_, err := p.client(t).Call(t.Context(), "profile", nil)
	require.NoError(t, err)
	require.JSONEq(t, `{}`, p.all()[0].raw)
}

func TestWrongCallsAreRefusedWithoutARequest(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":true}`)
	c := p.client(t)
	for _, method := range []string{"", "../x", "a b", "a?b=c", "a..b", "x/y"} {
		_, err := c.Call(t.Context(), method, nil)
		errorOf(t, err, KindInvalid)
	}
	_, err := c.Call(t.Context(), "profile", Params{"f": func() {}})
	errorOf(t, err, KindInvalid)
	require.Empty(t, p.all())
}

func TestConfigurationErrorsDoNotRepeatTheSecret(t *testing.T) {
	t.Parallel()
	tokens := &memoryTokens{}
	for name, cfg := range map[string]Config{
		"nothing":         {},
		"both":            {WebhookURL: "https://p/rest/1/s3cret/", OAuth: &OAuth{ClientID: "a", ClientSecret: "s3cret", Tokens: tokens}},
		"no scheme":       {WebhookURL: "p/rest/1/s3cret"},
		"broken address":  {WebhookURL: "https://p:s3cret/rest/%zz"},
		"with a query":    {WebhookURL: "https://p/rest/1/s3cret/?a=b"},
		"no token store":  {OAuth: &OAuth{ClientID: "a", ClientSecret: "s3cret"}},
		"no secret":       {OAuth: &OAuth{ClientID: "a", Tokens: tokens}},
		"relative server": {OAuth: &OAuth{ClientID: "a", ClientSecret: "s3cret", Tokens: tokens, ServerEndpoint: "oauth.bitrix.info"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewClient(cfg)
			require.Error(t, err)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

// brokenServer answers every connection with the bytes and hangs up.
func brokenServer(t *testing.T, answer string) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			buffer := make([]byte, 4096)
			_, _ = conn.Read(buffer)
			_, _ = io.WriteString(conn, answer)
			_ = conn.Close()
		}
	}()
	return "http://" + listener.Addr().String() + "/rest/1/s3cret-hook/"
}

func TestLostAnswersAreAmbiguousAndNameNoSecret(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for name, address := range map[string]string{
		"nobody listens":     closed.URL + "/rest/1/s3cret-hook/",
		"hung up at once":    brokenServer(t, ""),
		"broke off":          brokenServer(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"result\":"),
		"broke off in chunk": brokenServer(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"res"),
		"not HTTP":           brokenServer(t, "hello\r\n\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := NewClient(Config{WebhookURL: address, Timeout: 10 * time.Second})
			require.NoError(t, err)
			_, err = c.Call(t.Context(), "crm.item.add", nil)
			e := errorOf(t, err, KindAmbiguous)
			require.NotContains(t, e.Error(), "s3cret")
			require.NotContains(t, e.Error(), "/rest/")
			require.Contains(t, e.Error(), "crm.item.add")
			require.Equal(t, int64(1), c.Stats().Ambiguous)
		})
	}
}

func TestTheTimeoutMakesACallAmbiguous(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(_ http.ResponseWriter, r *http.Request, _ seen) { <-r.Context().Done() })
	_, err := p.client(t, func(cfg *Config) { cfg.Timeout = 50 * time.Millisecond }).Call(t.Context(), "profile", nil)
	errorOf(t, err, KindAmbiguous)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestACallCutOffByItsContextIsAmbiguousOnlyIfItWasSent(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	p := newPortal(t, func(_ http.ResponseWriter, r *http.Request, _ seen) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-arrived; cancel() }()
	_, err := p.client(t).Call(ctx, "profile", nil)
	errorOf(t, err, KindAmbiguous)
	require.ErrorIs(t, err, context.Canceled)

	_, err = p.client(t).Call(ctx, "profile", nil)
	errorOf(t, err, KindRateLimited)
	require.ErrorIs(t, err, context.Canceled)
	require.Len(t, p.all(), 1)
}

func TestAHugeAnswerIsNotRead(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, _ seen) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"result":"`)
		chunk := strings.Repeat("x", 1<<16)
		for range 64 {
			if _, err := io.WriteString(w, chunk); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, `"}`)
	})
	_, err := p.client(t, func(cfg *Config) { cfg.MaxBody = 1 << 16 }).Call(t.Context(), "profile", nil)
	errorOf(t, err, KindAmbiguous)
	answer, err := p.client(t).Call(t.Context(), "profile", nil)
	require.NoError(t, err)
	require.Greater(t, len(answer.Value), 1<<22)
}

func TestThePortalCannotMakeAnErrorRepeatTheSecret(t *testing.T) {
	t.Parallel()
	p := replying(t, 400, `{"error":"E","error_description":"bad call of /rest/1/s3cret-hook/profile"}`)
	_, err := p.client(t).Call(t.Context(), "profile", nil)
	require.NotContains(t, err.Error(), "s3cret-hook")
	require.Contains(t, err.Error(), "bad call")
}

// redirecting leads every request to the address plus the path.
func redirecting(t *testing.T, to string) *portal {
	t.Helper()
	return newPortal(t, func(w http.ResponseWriter, r *http.Request, _ seen) {
		http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
	})
}

func TestARenamedPortalIsFollowedOnceAndRemembered(t *testing.T) {
	t.Parallel()
	home := replying(t, 200, `{"result":true}`)
	old := redirecting(t, home.URL)
	var mu sync.Mutex
	var told []string
	bucket := &fakeBucket{}
	c := old.client(t, func(cfg *Config) {
		cfg.Bucket = bucket
		cfg.OnMoved = func(_ context.Context, base string) error {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, base)
			return errStoreDown
		}
	})
	for range 3 {
		_, err := c.Call(t.Context(), "crm.item.add", Params{"fields": Params{"name": "Anna"}})
		require.NoError(t, err)
	}
	require.Equal(t, []string{home.URL + "/rest/1/s3cret-hook/"}, told)
	require.Len(t, old.all(), 1)
	require.Len(t, home.all(), 3)
	require.Equal(t, "/rest/1/s3cret-hook/crm.item.add", home.all()[0].path)
	require.JSONEq(t, `{"fields":{"name":"Anna"}}`, home.all()[0].raw)
	taken, _ := bucket.count()
	require.Equal(t, 4, taken, "one permit for each HTTP request")
	require.Equal(t, int64(1), c.Stats().Moves)
}

func TestARenamedPortalIsFollowedForAnApplicationToo(t *testing.T) {
	t.Parallel()
	home := replying(t, 200, `{"result":true}`)
	old := redirecting(t, home.URL)
	tokens := &memoryTokens{token: Token{Access: "a1", Refresh: "r1", ClientEndpoint: old.URL + "/rest/"}}
	c, err := NewClient(Config{OAuth: &OAuth{ClientID: "app", ClientSecret: "sec", Tokens: tokens}})
	require.NoError(t, err)
	for range 2 {
		_, err = c.Call(t.Context(), "profile", nil)
		require.NoError(t, err)
	}
	require.Len(t, old.all(), 1)
	require.Equal(t, "a1", home.all()[1].body["auth"])
}

func TestRedirectsThatAreNoRenameAreErrors(t *testing.T) {
	t.Parallel()
	t.Run("to a page of the same host", func(t *testing.T) {
		t.Parallel()
		p := newPortal(t, func(w http.ResponseWriter, r *http.Request, _ seen) {
			http.Redirect(w, r, "/settings/license.php", http.StatusFound)
		})
		_, err := p.client(t).Call(t.Context(), "profile", nil)
		e := errorOf(t, err, KindUnknown)
		require.Equal(t, http.StatusFound, e.HTTPStatus)
		require.Len(t, p.all(), 1)
	})
	t.Run("without a target", func(t *testing.T) {
		t.Parallel()
		_, err := replying(t, http.StatusFound, "").client(t).Call(t.Context(), "profile", nil)
		errorOf(t, err, KindUnknown)
	})
	t.Run("in a circle", func(t *testing.T) {
		t.Parallel()
		var a *portal
		b := newPortal(t, func(w http.ResponseWriter, r *http.Request, _ seen) {
			http.Redirect(w, r, a.URL+r.URL.Path, http.StatusFound)
		})
		a = redirecting(t, b.URL)
		_, err := a.client(t).Call(t.Context(), "profile", nil)
		errorOf(t, err, KindAmbiguous)
		require.Len(t, a.all(), 1)
		require.Len(t, b.all(), 1)
	})
	t.Run("to a host that is not the portal", func(t *testing.T) {
		t.Parallel()
		told := false
		captive := replying(t, 200, "<html>please log in</html>")
		c := redirecting(t, captive.URL).client(t, func(cfg *Config) {
			cfg.OnMoved = func(context.Context, string) error { told = true; return nil }
		})
		_, err := c.Call(t.Context(), "profile", nil)
		errorOf(t, err, KindAmbiguous)
		require.False(t, told)
	})
}

func TestASecretNeverLeavesByAnUnencryptedRedirect(t *testing.T) {
	t.Parallel()
	_, ok := newBase("https://old.example/rest/1/s/", "http://new.example/rest/1/s/profile")
	require.False(t, ok)
	base, ok := newBase("http://old.example/rest/1/s/", "https://new.example/")
	require.True(t, ok)
	require.Equal(t, "https://new.example/rest/1/s/", base)
	_, ok = newBase("https://old.example/rest/1/s/", "https://OLD.example/login")
	require.False(t, ok)
}
