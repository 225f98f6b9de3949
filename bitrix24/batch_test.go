package bitrix24

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func TestABatchKeepsTheOrderOfItsCommands(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, s seen) { echoBatch(w, s) })
	g := Group{Halt: true, Commands: []Command{
		{Key: "zeta", Method: "crm.item.add", Params: Params{"entityTypeId": 3, "fields": Params{"name": "Ян & Co"}}},
		{Key: "alpha", Method: "crm.timeline.comment.add", Params: Params{"fields": Params{"ENTITY_ID": Ref("zeta", "item", "id")}}},
		{Key: "10", Method: "user.current"},
		{Key: "9", Method: "profile"},
	}}
	results, err := p.client(t).Batch(t.Context(), g)
	require.NoError(t, err)
	require.Len(t, p.all(), 1)
	require.Equal(t, "/rest/1/s3cret-hook/batch", p.all()[0].path)
	require.InDelta(t, 1, p.all()[0].body["halt"], 0)

	keys, queries := p.all()[0].commands(t)
	require.Equal(t, []string{"zeta", "alpha", "10", "9"}, keys)
	require.Equal(t, "user.current", queries["10"])
	require.Equal(t, "crm.item.add?entityTypeId=3&fields[name]=%D0%AF%D0%BD+%26+Co", queries["zeta"])
	require.Equal(t, "crm.timeline.comment.add?fields[ENTITY_ID]=%24result%5Bzeta%5D%5Bitem%5D%5Bid%5D", queries["alpha"])
	for i, r := range results {
		require.NoError(t, r.Err)
		require.Equal(t, g.Commands[i].Key, r.Key)
	}
}

func TestOnlyPlainNamesGoOverTheWire(t *testing.T) {
	t.Parallel()
	p := newPortal(t, func(w http.ResponseWriter, _ *http.Request, s seen) { echoBatch(w, s) })
	g := Group{Commands: []Command{
		{Key: "phone-lead", Method: "crm.duplicate.findbycomm"},
		{Key: "a|1.b:2", Method: "crm.item.list", Params: Params{"filter": Params{"id": Ref("phone-lead", "LEAD", "0")}}},
	}}
	results, err := p.client(t).Batch(t.Context(), g)
	require.NoError(t, err)
	keys, queries := p.all()[0].commands(t)
	require.Equal(t, []string{"phone_lead", "a_1_b_2"}, keys)
	require.Equal(t, "crm.item.list?filter[id]=%24result%5Bphone_lead%5D%5BLEAD%5D%5B0%5D", queries["a_1_b_2"])
	for i, r := range results {
		require.NoError(t, r.Err)
		require.Equal(t, g.Commands[i].Key, r.Key)
	}
	require.Equal(t, "$result[phone-lead][LEAD][0]", g.Commands[1].Params["filter"].(Params)["id"])
}

func TestWrongGroupsAreRefusedWithoutARequest(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{}`)
	c := p.client(t)
	l := NewLoader(c, LoaderConfig{})
	defer l.Close()
	ok := Command{Key: "a", Method: "profile"}
	var many []Command
	for i := range MaxBatch + 1 {
		many = append(many, Command{Key: strconv.Itoa(i), Method: "profile"})
	}
	for name, commands := range map[string][]Command{
		"empty": nil, "keys that become the same": {{Key: "a-b", Method: "x"}, {Key: "a.b", Method: "x"}}, "too many": many, "twice the same key": {ok, ok},
		"no key": {{Method: "profile"}}, "a bracket in the key": {{Key: "a[b", Method: "profile"}},
		"no method": {{Key: "a"}}, "a batch in a batch": {ok, {Key: "b", Method: "Batch"}},
		"a method with a query": {{Key: "a", Method: "profile?x=1"}},
		"unwritable parameters": {{Key: "a", Method: "profile", Params: Params{"x": math.Inf(1)}}},
	} {
		for _, gateway := range []Gateway{c, l} {
			_, err := gateway.Batch(t.Context(), Group{Commands: commands})
			require.Equal(t, KindInvalid, KindOf(err), name)
		}
	}
	require.Empty(t, p.all())
}

func TestBatchResultsAreMatchedByKey(t *testing.T) {
	t.Parallel()
	abc := []Command{{Key: "a", Method: "m.a"}, {Key: "b", Method: "m.b"}, {Key: "c", Method: "m.c"}}
	numbered := []Command{{Key: "0", Method: "m.a"}, {Key: "1", Method: "m.b"}, {Key: "2", Method: "m.c"}}
	const ok, notRun = Kind(""), Kind("not run")
	for name, c := range map[string]struct {
		commands []Command
		halt     bool
		body     string
		want     [3]Kind
	}{
		"all well": {
			abc, false, `{"result":{"a":1,"b":null,"c":[]},"result_error":[],"result_total":[],"result_next":[],"result_time":[]}`,
			[3]Kind{ok, ok, ok},
		},
		"maps left out":           {abc, false, `{"result":{"a":1,"b":2,"c":3}}`, [3]Kind{ok, ok, ok}},
		"lists for numbered keys": {numbered, false, `{"result":[1,2,3],"result_error":[]}`, [3]Kind{ok, ok, ok}},
		"a list with an error in the middle": {
			numbered, false,
			`{"result":{"0":1,"2":3},"result_error":{"1":{"error":"NOT_FOUND","error_description":"x"}}}`,
			[3]Kind{ok, KindNotFound, ok},
		},
		"an error at position 0": {
			numbered, false, `{"result":{"1":1,"2":3},"result_error":[{"error":"","error_description":"Not found"}]}`,
			[3]Kind{KindNotFound, ok, ok},
		},
		"one fails, the others go on": {
			abc, false,
			`{"result":{"a":1,"c":3},"result_error":{"b":{"error":"","error_description":"ID is not defined or invalid."}}}`,
			[3]Kind{ok, KindInvalid, ok},
		},
		"halted": {
			abc, true, `{"result":{"a":1},"result_error":{"b":{"error":"ACCESS_DENIED","error_description":"x"}}}`,
			[3]Kind{ok, KindAccessDenied, notRun},
		},
		"halted at once": {
			abc, true, `{"result":[],"result_error":{"a":{"error":"insufficient_scope"}}}`,
			[3]Kind{KindAccessDenied, notRun, notRun},
		},
		"not mentioned without a halt": {
			abc, false, `{"result":{"a":1},"result_error":{"b":{"error":"X"}}}`,
			[3]Kind{ok, KindInvalid, KindAmbiguous},
		},
		"not mentioned before the failure": {
			abc, true, `{"result":[],"result_error":{"b":{"error":"X"}}}`,
			[3]Kind{KindAmbiguous, KindInvalid, notRun},
		},
		"an error that is a text":   {abc, false, `{"result":{"a":1,"b":2},"result_error":{"c":"Not found"}}`, [3]Kind{ok, ok, KindNotFound}},
		"an error beside a result":  {abc, false, `{"result":{"a":1,"b":2,"c":null},"result_error":{"c":{"error":"X"}}}`, [3]Kind{ok, ok, KindInvalid}},
		"refused for its rate":      {abc, false, `{"result":{"a":1,"b":2},"result_error":{"c":{"error":"QUERY_LIMIT_EXCEEDED"}}}`, [3]Kind{ok, ok, KindRateLimited}},
		"more than fifty, per call": {abc, false, `{"result":{"a":1,"b":2},"result_error":{"c":{"error":"ERROR_BATCH_LENGTH_EXCEEDED"}}}`, [3]Kind{ok, ok, KindInvalid}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := replying(t, 200, `{"result":`+c.body+`}`)
			results, err := p.client(t).Batch(t.Context(), Group{Commands: c.commands, Halt: c.halt})
			require.NoError(t, err)
			require.Len(t, results, 3)
			for i, r := range results {
				require.Equal(t, c.commands[i].Key, r.Key)
				if c.want[i] == notRun {
					require.ErrorIs(t, r.Err, ErrNotRun)
					continue
				}
				require.Equal(t, c.want[i], KindOf(r.Err), "%s: %v", r.Key, r.Err)
				require.NotErrorIs(t, r.Err, ErrNotRun)
			}
		})
	}
}

func TestBatchResultsCarryTotalsAndTimes(t *testing.T) {
	t.Parallel()
	p := replying(t, 200, `{"result":{"result":{"a":[1],"b":{"items":[]}},"result_error":[],"result_total":{"a":123,"b":0},
		"result_next":{"a":50},"result_time":{"a":{"operating":1.5,"operating_reset_at":1780000600}}},"time":{}}`)
	results, err := p.client(t).Batch(t.Context(), Group{Commands: []Command{{Key: "a", Method: "x"}, {Key: "b", Method: "y"}}})
	require.NoError(t, err)
	require.Equal(t, 123, *results[0].Total)
	require.Equal(t, 50, *results[0].Next)
	require.InDelta(t, 1.5, results[0].Time.Operating, 1e-9)
	require.Zero(t, *results[1].Total)
	require.Nil(t, results[1].Next)
	var rows []ID
	require.NoError(t, results[0].Decode(&rows))
	require.Equal(t, []ID{1}, rows)
}

func TestABatchThatFailsAsAWholeIsOneError(t *testing.T) {
	t.Parallel()
	for body, c := range map[string]struct {
		status int
		kind   Kind
	}{
		`{"error":"QUERY_LIMIT_EXCEEDED","error_description":"Too many requests"}`:                                              {503, KindRateLimited},
		`{"error":"NO_AUTH_FOUND","error_description":"Wrong authorization data"}`:                                              {401, KindAccessDenied},
		`{"error":{"code":"BITRIX_REST_V3_EXCEPTION_VALIDATION_DTOVALIDATIONEXCEPTION","message":"Required field is missing"}}`: {400, KindInvalid},
		`{"error":"ERROR_BATCH_LENGTH_EXCEEDED","error_description":"x"}`:                                                       {400, KindInvalid},
		`<html>502</html>`:          {502, KindAmbiguous},
		`{"result":[]}`:             {200, KindAmbiguous},
		`{"result":true}`:           {200, KindAmbiguous},
		`{"result":{"result":5}}`:   {200, KindAmbiguous},
		`{"result":{"result":{"a":`: {200, KindAmbiguous},
	} {
		results, err := replying(t, c.status, body).client(t).Batch(t.Context(), Group{Commands: []Command{{Key: "a", Method: "x"}}})
		e := errorOf(t, err, c.kind)
		require.Equal(t, "batch", e.Method)
		require.Nil(t, results)
	}
}
