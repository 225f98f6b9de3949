package bitrix24

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestQueryIsWrittenTheWayPHPReadsIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		params Params
		want   string
	}{
		"nothing":          {nil, ""},
		"scalars, sorted":  {Params{"b": 2, "a": "x"}, "a=x&b=2"},
		"truth values":     {Params{"yes": true, "no": false}, "no=0&yes=1"},
		"null":             {Params{"a": nil}, "a="},
		"numbers":          {Params{"f": 1.5, "i": int64(9007199254740993), "n": json.Number("0.10")}, "f=1.5&i=9007199254740993&n=0.10"},
		"nested":           {Params{"fields": Params{"PHONE": []Params{{"VALUE": "+7"}}}}, "fields[PHONE][0][VALUE]=%2B7"},
		"operators":        {Params{"filter": Params{">=id": 5, "%title": "a b"}}, "filter[%25title]=a+b&filter[%3E%3Did]=5"},
		"typed lists":      {Params{"v": []string{"a", "b"}}, "v[0]=a&v[1]=b"},
		"an empty list":    {Params{"v": []string{}}, "v[]="},
		"an empty map":     {Params{"filter": Params{}, "id": 1}, "id=1"},
		"separators":       {Params{"a": "1&b=2?c#d"}, "a=1%26b%3D2%3Fc%23d"},
		"types of our own": {Params{"id": ID(5), "at": Time{time.Unix(0, 0).UTC()}}, "at=1970-01-01T00%3A00%3A00Z&id=5"},
		"markup":           {Params{"a": "<b>&"}, "a=%3Cb%3E%26"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := encodeQuery(c.params)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestQueryRefusesWhatJSONCannotSay(t *testing.T) {
	t.Parallel()
	_, err := encodeQuery(Params{"a": math.NaN()})
	require.Error(t, err)
}

func TestReferencesSurviveTheJourneyThroughAQuery(t *testing.T) {
	t.Parallel()
	query, err := encodeQuery(Params{"fields": Params{"ENTITY_ID": Ref("c", "item", "id"), "T": "see $result[u][0][ID]!"}})
	require.NoError(t, err)
	require.Equal(t, map[string]any{"fields": map[string]any{
		"ENTITY_ID": "$result[c][item][id]", "T": "see $result[u][0][ID]!",
	}}, parsePHP(t, query))
}

// anyParams generates parameters with keys that PHP can carry: it has no way to write a bracket inside a key.
func anyParams(depth int) *rapid.Generator[map[string]any] {
	key := rapid.StringMatching(`[A-Za-z_<>=!%@]{1,6}`)
	return rapid.MapOfN(key, anyValue(depth), 0, 4)
}

func anyValue(depth int) *rapid.Generator[any] {
	scalars := rapid.OneOf(
		rapid.String().AsAny(), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.Just[any](nil),
		rapid.SampledFrom([]string{"$result[a][b]", "a&b=c", "+7 999", "[b]x[/b]", "🙂", "%5B"}).AsAny(),
	)
	if depth == 0 {
		return scalars
	}
	return rapid.OneOf(scalars, anyParams(depth-1).AsAny(), rapid.SliceOfN(anyValue(depth-1), 0, 3).AsAny())
}

func TestEveryQueryReadsBackAsWhatWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		params := anyParams(3).Draw(rt, "params")
		query, err := encodeQuery(params)
		require.NoError(rt, err)
		again, err := encodeQuery(params)
		require.NoError(rt, err)
		require.Equal(rt, query, again)
		plain, err := plainJSON(params)
		require.NoError(rt, err)
		want, some := asPHP(plain)
		if !some {
			want = map[string]any{}
		}
		require.Equal(rt, want, any(parsePHP(t, query)))
	})
}

func TestRenamingTouchesOwnReferencesOnly(t *testing.T) {
	t.Parallel()
	commands, size, err := plainCommands([]Command{
		{Key: "c", Method: "crm.item.add", Params: Params{"n": 1}},
		{Key: "d", Method: "crm.item.add", Params: Params{
			"ids": []string{"$result[c]", "$result[c][item][id] and $result[d]", "$result[other]", "$result[]", Literal("$result[c]")},
		}},
		{Key: "e", Method: "user.current"},
	})
	require.NoError(t, err)
	require.Positive(t, size)
	got := rename(commands, "g7_")
	require.Equal(t, []string{"g7_c", "g7_d", "g7_e"}, []string{got[0].Key, got[1].Key, got[2].Key})
	require.Equal(t, []any{
		"$result[g7_c]", "$result[g7_c][item][id] and $result[g7_d]", "$result[other]", "$result[]", "$\u2060result[c]",
	}, got[1].Params["ids"])
	require.Nil(t, got[2].Params)
}

func TestLiteralLeavesOrdinaryTextAlone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "costs $5", "$result", "result[a]"} {
		require.Equal(t, text, Literal(text))
	}
	require.False(t, referencePattern.MatchString(Literal("x $result[a][b] y")))
}
