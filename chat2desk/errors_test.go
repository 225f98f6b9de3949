package chat2desk_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

// The error texts of reference §2.4 and the HTTP codes of §2.5.
func TestErrorsAreClassified(t *testing.T) {
	t.Parallel()
	tests := []struct {
		status int
		body   string
		want   chat2desk.Kind
	}{
		{403, `{"status":"error","message":"Token is not correct"}`, chat2desk.KindAuth},
		{200, `{"status":"error","message":"TOKEN IS NOT CORRECT"}`, chat2desk.KindAuth},
		{200, `{"status":"error","message":"You have to specify your token"}`, chat2desk.KindAuth},
		{200, `{"status":"error","message":"You need to auth"}`, chat2desk.KindAuth},
		{401, `{"status":"error","message":"?"}`, chat2desk.KindAuth},
		{403, `{}`, chat2desk.KindAuth},
		{200, `{"status":"error","message":"Number of API requests exceeded"}`, chat2desk.KindRateLimited},
		{429, `{"status":"error","message":"slow down"}`, chat2desk.KindRateLimited},
		{429, `<html>slow down</html>`, chat2desk.KindRateLimited},
		{429, `{"status":"error","message":"API calls exceeded API limit per month"}`, chat2desk.KindQuota},
		{200, `{"data":{"status":"error","message":"API calls exceeded API limit per month"}}`, chat2desk.KindQuota},
		{404, `{"status":"error","message":"Page not found"}`, chat2desk.KindInvalid},
		{200, `{"status":"error","message":"not_found","errors":"Dialog 1 not found"}`, chat2desk.KindNotFound},
		{404, `{"status":"error","message":"?"}`, chat2desk.KindNotFound},
		{200, `{"status":"error","errors":{"assignee":["request does not belong to the company"]}}`, chat2desk.KindNotFound},
		{200, `{"status":"error","message":"tag does not exist"}`, chat2desk.KindNotFound},
		{200, `{"status":"error","message":"validation_error","errors":{"channel_id":["Channel 9 not found"]}}`, chat2desk.KindNotFound},
		{200, `{"status":"error","errors":{"operator_group_id":["Operator group not found"]}}`, chat2desk.KindNotFound},
		{200, `{"status":"error","errors":{"state":["Dialog already has state closed"]}}`, chat2desk.KindAlreadyDone},
		{200, `{"status":"error","errors":{"url":["URL is already used"]}}`, chat2desk.KindAlreadyDone},
		{200, `{"status":"error","errors":["Client already exist"]}`, chat2desk.KindAlreadyDone},
		{200, `{"status":"error","errors":{"transport":"Transport x is incorrect"}}`, chat2desk.KindInvalid},
		{200, `{"status":"error","message":"start_date and start_id must be used separately"}`, chat2desk.KindInvalid},
		{200, `{"status":"error","message":"validation_error"}`, chat2desk.KindInvalid},
		{400, `{"status":"error","message":"wrong date"}`, chat2desk.KindInvalid},
		{405, `{}`, chat2desk.KindInvalid},
		{422, `{"errors":{"text":["too long"]}}`, chat2desk.KindInvalid},
		{200, `{"errors":{"text":["too long"]}}`, chat2desk.KindInvalid},
		{200, `{"status":"error","errors":{"text":["too long"]}}`, chat2desk.KindInvalid},
		{200, `{"status":"error","message":"the moon is full"}`, chat2desk.KindUnknown},
		{418, `{"status":"error"}`, chat2desk.KindUnknown},
		{408, `{}`, chat2desk.KindAmbiguous},
		{500, `{"status":"error","message":"Internal error"}`, chat2desk.KindAmbiguous},
		{500, `{"status":"error","message":"upstream not found"}`, chat2desk.KindAmbiguous},
		{502, `<html><body>502 Bad Gateway</body></html>`, chat2desk.KindAmbiguous},
		{503, ``, chat2desk.KindAmbiguous},
		{200, `<html>maintenance</html>`, chat2desk.KindAmbiguous},
		{403, `<html>blocked by a firewall</html>`, chat2desk.KindAmbiguous},
		{404, `<html>no such route</html>`, chat2desk.KindAmbiguous},
		{200, `{"status":"success","data":{"id":1`, chat2desk.KindAmbiguous},
		{200, `"ok"`, chat2desk.KindAmbiguous},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", tt.status, tt.body), func(t *testing.T) {
			t.Parallel()
			_, err := answering(t, tt.status, tt.body).Client(t.Context(), 1)
			requireKind(t, tt.want, err)
			var e *chat2desk.Error
			require.ErrorAs(t, err, &e)
			require.Equal(t, tt.status, e.HTTPStatus)
		})
	}
}

func TestAStatusOfTheObjectItselfIsNoError(t *testing.T) {
	t.Parallel()
	c, err := answering(t, 200, `{"status":"success","data":{"id":1,"status":"error","errors":["x"]}}`).Client(t.Context(), 1)
	require.NoError(t, err)
	require.EqualValues(t, 1, c.ID)
}

func TestErrorsNameTheFieldsAndAreBounded(t *testing.T) {
	t.Parallel()
	api := answering(t, 422, `{"status":"error","message":"validation_error","errors":{"b":["two",{"x":1}],"a":"`+strings.Repeat("é", 2000)+`"}}`)
	_, err := api.Client(t.Context(), 1)
	var e *chat2desk.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, []string{"two", `{"x":1}`}, e.Fields["b"])
	require.Less(t, len(err.Error()), 1000)
	require.Contains(t, err.Error(), "validation_error: a: é")
}

func TestTheTokenIsNeverShown(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"status":"error","message":"Token ` + testToken + ` is wrong","errors":{"` + testToken + `":["` + testToken + `"]}}`,
		`<html>` + strings.Repeat(" x", 240) + testToken + `</html>`,
	} {
		_, err := answering(t, 403, body).Client(t.Context(), 1)
		require.Error(t, err)
		require.NotContains(t, fmt.Sprintf("%v %+v %#v", err, err, err), "secret")
	}
	cfg := chat2desk.Config{BaseURL: "https://api.example", Token: testToken}
	api := chat2desk.New(cfg)
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "cfg", cfg)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v %v %+v %#v", cfg, cfg, cfg, api, api, api)+log.String(), "secret")
}

func TestQueriesAreNotInErrors(t *testing.T) {
	t.Parallel()
	api := chat2desk.New(chat2desk.Config{BaseURL: "http://127.0.0.1:1", Token: testToken})
	_, err := api.WebAnalytics(t.Context(), 7001)
	requireKind(t, chat2desk.KindAmbiguous, err)
	require.NotContains(t, err.Error(), "7001")
}

func TestTransportErrorsAreAmbiguous(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := s.api().SendMessage(t.Context(), chat2desk.OutMessage{ClientID: 1, Text: "x"})
	requireKind(t, chat2desk.KindAmbiguous, err)
}

func TestTimeIsBounded(t *testing.T) {
	t.Parallel()
	done := make(chan struct{})
	s := newServer(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	})
	defer close(done)
	api := chat2desk.New(chat2desk.Config{BaseURL: s.URL, Token: testToken, Timeout: 30 * time.Millisecond})
	_, err := api.Client(t.Context(), 1)
	requireKind(t, chat2desk.KindAmbiguous, err)
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestBodiesAreBounded(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"GET /v1/clients/1": `{"status":"success","data":{"id":1,"name":"` + strings.Repeat("x", 5000) + `"}}`}.ServeHTTP)
	api := chat2desk.New(chat2desk.Config{BaseURL: s.URL, Token: testToken, MaxBody: 1000})
	_, err := api.Client(t.Context(), 1)
	requireKind(t, chat2desk.KindUnknown, err)
	require.ErrorContains(t, err, "larger than 1000 bytes")
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	_, err := s.api().Client(t.Context(), 1)
	var e *chat2desk.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, 17*time.Second, e.RetryAfter)
}

func TestABaseURLThatIsNoneIsAnError(t *testing.T) {
	t.Parallel()
	for _, base := range []string{"", "api.chat2desk.com", "::"} {
		_, err := chat2desk.New(chat2desk.Config{BaseURL: base, Token: testToken}).Client(t.Context(), 1)
		requireKind(t, chat2desk.KindInvalid, err)
	}
}

func TestABaseURLMayEndInV1(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"GET /v1/clients/1": `{"status":"success","data":{"id":1}}`}.ServeHTTP)
	_, err := chat2desk.New(chat2desk.Config{BaseURL: s.URL + "/v1/", Token: testToken}).Client(t.Context(), 1)
	require.NoError(t, err)
}

func TestRedirectsDoNotCarryTheTokenAway(t *testing.T) {
	t.Parallel()
	other := newServer(t, answers{"GET /v1/clients/1": `{"status":"success","data":{"id":1}}`}.ServeHTTP)
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusFound)
	})
	_, err := s.api().Client(t.Context(), 1)
	requireKind(t, chat2desk.KindInvalid, err)
	require.ErrorContains(t, err, other.URL)
	require.Empty(t, other.requests())
}

func TestRedirectsWithinTheHostAreFollowedOnlyIfNothingChanges(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/clients/1", "/v1/messages":
			http.Redirect(w, r, "/new", http.StatusFound)
		case "/v1/clients/2":
			http.Redirect(w, r, r.URL.Path, http.StatusFound)
		default:
			_, _ = w.Write([]byte(`{"status":"success","data":{"id":1}}`))
		}
	})
	c, err := s.api().Client(t.Context(), 1)
	require.NoError(t, err)
	require.EqualValues(t, 1, c.ID)
	_, err = s.api().SendMessage(t.Context(), chat2desk.OutMessage{ClientID: 1, Text: "x"})
	requireKind(t, chat2desk.KindInvalid, err)
	_, err = s.api().Client(t.Context(), 2)
	requireKind(t, chat2desk.KindInvalid, err)
	for _, r := range s.requests() {
		require.NotContains(t, r.method+" "+r.uri, "GET /v1/messages")
	}
}

func TestTheOwnPaceIsKept(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{"GET /v1/clients/1": `{"status":"success","data":{"id":1}}`}.ServeHTTP)
	api := chat2desk.New(chat2desk.Config{BaseURL: s.URL, Token: testToken, RatePerSecond: 0.001, Burst: 2})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	for range 2 {
		_, err := api.Client(ctx, 1)
		require.NoError(t, err)
	}
	_, err := api.Client(ctx, 1)
	requireKind(t, chat2desk.KindRateLimited, err)
	require.ErrorContains(t, err, "not sent")
	require.Len(t, s.requests(), 2)
}

func TestNothingIsSentAfterTheEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t, answers{}.ServeHTTP)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.api().Client(ctx, 1)
	requireKind(t, chat2desk.KindRateLimited, err)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, s.requests())
}
