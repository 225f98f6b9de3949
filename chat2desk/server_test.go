package chat2desk_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

const testToken = "secret-token-0001"

// server is a scripted Chat2Desk: it answers "METHOD /path" as told and keeps
// what it was asked.
type server struct {
	*httptest.Server
	mu    sync.Mutex
	asked []asked
}

type asked struct {
	method, uri, body, token, contentType string
}

// answers maps "METHOD /path" to an answer under HTTP 200.
type answers map[string]string

func newServer(t *testing.T, handler http.HandlerFunc) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.asked = append(s.asked, asked{
			r.Method, r.URL.RequestURI(), string(body), r.Header.Get("Authorization"), r.Header.Get("Content-Type"),
		})
		s.mu.Unlock()
		handler(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (a answers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := a[r.Method+" "+r.URL.Path]
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		body = `{"status":"error","message":"Page not found"}`
	}
	_, _ = io.WriteString(w, body)
}

// requests returns what was asked until now.
func (s *server) requests() []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]asked(nil), s.asked...)
}

func (s *server) api() *chat2desk.API {
	return chat2desk.New(chat2desk.Config{
		BaseURL: s.URL + "/", StorageURL: "https://storage.example", Token: testToken, Location: time.FixedZone("MSK", 3*3600),
	})
}

// answering returns the API of a server that always gives the same answer.
func answering(t *testing.T, status int, body string) *chat2desk.API {
	t.Helper()
	return newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}).api()
}

func requireKind(t *testing.T, want chat2desk.Kind, err error) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, want, chat2desk.KindOf(err), err.Error())
}
