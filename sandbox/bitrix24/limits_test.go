package bitrix24

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestBucketRefusesAboveTheBurstAndLeaksOncePerSecond(t *testing.T) { // G4
	t.Parallel()
	h := open(t, Options{Limits: &Limits{Rate: 2, Burst: 50}})
	for range 50 {
		h.ok("profile", `{}`)
	}
	a := h.call("profile", `{}`)
	require.Equal(t, http.StatusServiceUnavailable, a.Status)
	require.JSONEq(t, `{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}`, a.Body)
	h.clock.Advance(900 * time.Millisecond)
	require.Equal(t, http.StatusServiceUnavailable, h.call("profile", `{}`).Status)
	h.clock.Advance(100 * time.Millisecond)
	h.ok("profile", `{}`)
	h.ok("profile", `{}`)
	require.Equal(t, http.StatusServiceUnavailable, h.call("profile", `{}`).Status)
	require.Equal(t, Stats{Requests: 55, Commands: 52, Refused: 3, ByMethod: map[string]int{"profile": 52}, PeakPerSecond: 52}, h.p.Stats())
}

func TestBatchIsOneRequestForTheBucket(t *testing.T) {
	t.Parallel()
	h := open(t, Options{Limits: &Limits{Rate: 1, Burst: 1}})
	h.ok("batch", `{"cmd":["profile","profile","profile"]}`)
	require.Equal(t, http.StatusServiceUnavailable, h.call("profile", `{}`).Status)
	stats := h.p.Stats()
	require.Equal(t, []int{2, 3, 1}, []int{stats.Requests, stats.Commands, stats.Refused})
	require.Equal(t, map[string]int{"profile": 3, "batch": 1}, stats.ByMethod)
}

func TestOperatingLimitBlocksOneMethodOnly(t *testing.T) { // G5
	t.Parallel()
	h := open(t, Options{Limits: &Limits{OperatingLimit: 480, OperatingCost: map[string]float64{"crm.item.list": 300}}})
	list := `{"entityTypeId":2}`
	require.InDelta(t, 300, h.ok("crm.item.list", list).Time["operating"], 0.001)
	h.clock.Advance(time.Minute)
	a := h.ok("crm.item.list", list) // the call that crosses the limit still runs
	require.InDelta(t, 600, a.Time["operating"], 0.001)
	require.InDelta(t, start.Add(10*time.Minute).Unix(), a.Time["operating_reset_at"], 0.001)
	blocked := h.call("crm.item.list", list)
	require.Equal(t, http.StatusTooManyRequests, blocked.Status)
	require.JSONEq(t, `{"error":"OPERATION_TIME_LIMIT","error_description":"Method is blocked due to operation time limit."}`, blocked.Body)
	h.ok("user.get", `{}`)
	inBatch := h.ok("batch", `{"cmd":{"a":"crm.item.list?entityTypeId=2","b":"profile"}}`).object(t)
	require.Equal(t, "OPERATION_TIME_LIMIT", inBatch["result_error"].(map[string]any)["a"].(map[string]any)["error"])
	h.clock.Advance(9 * time.Minute) // the first of the two minutes is forgotten
	h.ok("crm.item.list", list)
}

func TestBatchPaysVariantBooksOnBatch(t *testing.T) {
	t.Parallel()
	h := open(t, Options{Variants: Variants{BatchPays: true}, Limits: &Limits{OperatingLimit: 10, OperatingCost: map[string]float64{"batch": 20, "profile": 99}}})
	h.ok("batch", `{"cmd":["profile"]}`)
	require.Equal(t, http.StatusTooManyRequests, h.call("batch", `{"cmd":["profile"]}`).Status)
	h.ok("profile", `{}`)
}

func TestLimitsCanBeChangedWhileRunning(t *testing.T) {
	t.Parallel()
	h := open(t, Options{Limits: &Limits{Rate: 2, Burst: 1}})
	h.ok("profile", `{}`)
	require.Equal(t, http.StatusServiceUnavailable, h.call("profile", `{}`).Status)
	h.control(http.MethodPut, "/sandbox/limits", `{"burst":3}`)
	h.ok("profile", `{}`)
	require.Equal(t, http.StatusBadRequest, h.post("/sandbox/faults", "application/json", `{"kind":"nonsense"}`).Status)
}
