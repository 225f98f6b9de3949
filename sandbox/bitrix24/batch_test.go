package bitrix24

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// run sends commands as a list of key, command, key, command and gives the batch's result.
func (h *harness) run(halt bool, pairs ...string) map[string]any {
	h.Helper()
	var cmd []string
	for i := 0; i < len(pairs); i += 2 {
		value, err := json.Marshal(pairs[i+1])
		require.NoError(h, err)
		cmd = append(cmd, fmt.Sprintf("%q:%s", pairs[i], value))
	}
	return h.ok("batch", fmt.Sprintf(`{"halt":%v,"cmd":{%s}}`, halt, strings.Join(cmd, ","))).object(h.T)
}

func TestBatchReferences(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	result := h.run(true,
		"c", "crm.item.add?entityTypeId=3&fields[name]=Anna",
		"d", "crm.item.add?entityTypeId=2&fields[title]=For $result[c][item][name]&fields[contactIds][0]=$result[c][item][id]",
		"u", "user.get?filter[ID]=1",
		"n", "user.get?filter[ID]=$result[u][0][ID]",
	)["result"].(map[string]any)
	deal := result["d"].(map[string]any)["item"].(map[string]any)
	require.Equal(t, "For Anna", deal["title"])
	require.Equal(t, []any{1.0}, deal["contactIds"])
	require.Len(t, result["n"], 1)
}

func TestBatchReferenceToAnArrayKeepsIt(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	h.id("crm.contact.add", `{"fields":{"NAME":"A","PHONE":[{"VALUE":"+71"}]}}`)
	result := h.run(true,
		"f", "crm.duplicate.findbycomm?type=PHONE&values[]=%2B71",
		"l", "crm.item.list?entityTypeId=3&select[]=id&filter[@id]=$result[f][CONTACT]",
	)["result"].(map[string]any)
	require.Equal(t, map[string]any{"items": []any{map[string]any{"id": 1.0}}}, result["l"])
}

func TestReferenceToAMissingResultStaysAsText(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	result := h.run(false, "bad", "crm.deal.get?id=5", "d", "crm.deal.add?fields[TITLE]=[$result[bad][TITLE]]", "g", "crm.deal.get?id=$result[d]")
	require.Equal(t, "[$result[bad][TITLE]]", result["result"].(map[string]any)["g"].(map[string]any)["TITLE"])
}

func TestBatchHaltStopsAtTheFirstFailure(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	commands := []string{"a", "profile", "b", "crm.deal.get?id=0", "c", "profile"}
	halted := h.run(true, commands...)
	require.Equal(t, []int{1, 1}, []int{len(halted["result"].(map[string]any)), len(halted["result_error"].(map[string]any))})
	require.NotContains(t, halted["result"], "c")
	require.Contains(t, h.run(false, commands...)["result"], "c")
}

func TestBatchOfAListAnswersLists(t *testing.T) {
	t.Parallel()
	result := fresh(t).ok("batch", `{"cmd":["profile","crm.deal.list","crm.deal.list?start=-1"]}`).object(t)
	require.Len(t, result["result"], 3)
	require.IsType(t, []any{}, result["result"])
	require.Equal(t, map[string]any{"1": 0.0, "2": 0.0}, result["result_total"])
	require.Equal(t, []any{}, result["result_error"])
}

func TestEmptyBatchAnswersFiveEmptyMaps(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"cmd":[]}`, `{"cmd":"profile"}`} {
		require.JSONEq(t, `{"result":{"result":[],"result_error":[],"result_total":[],"result_next":[],"result_time":[]}}`,
			fresh(t).ok("batch", body).without(t))
	}
}

func TestBatchNextIsOnlyThereWhenThereIsMore(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for range 51 {
		h.id("crm.company.add", `{"fields":{"TITLE":"x"}}`)
	}
	result := h.run(false, "l", "crm.company.list", "m", "crm.company.list?start=50")
	require.Equal(t, map[string]any{"l": 50.0}, result["result_next"])
	require.Equal(t, map[string]any{"l": 51.0, "m": 51.0}, result["result_total"])
}

func TestBatchLimits(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`"profile",`, 50) + `"profile"`
	result := fresh(t).ok("batch", `{"cmd":[`+many+`]}`).object(t)
	require.Len(t, result["result"], 50)
	require.Equal(t, "ERROR_BATCH_LENGTH_EXCEEDED", result["result_error"].(map[string]any)["50"].(map[string]any)["error"])
	strict := open(t, Options{Variants: Variants{BatchTooLong: true}}).call("batch", `{"cmd":[`+many+`]}`)
	require.Equal(t, http.StatusBadRequest, strict.Status)
	require.Equal(t, "ERROR_BATCH_LENGTH_EXCEEDED", strict.Error)
	nested := fresh(t).run(false, "b", "batch?cmd[0]=profile", "m", "no.such.method")["result_error"].(map[string]any)
	require.Equal(t, "ERROR_BATCH_METHOD_NOT_ALLOWED", nested["b"].(map[string]any)["error"])
	require.Equal(t, "ERROR_METHOD_NOT_FOUND", nested["m"].(map[string]any)["error"])
}

func TestBatchAsFormKeepsTheOrderOfCommands(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	form := "halt=0&cmd[z]=" + url.QueryEscape("crm.contact.add?fields[NAME]="+url.QueryEscape("Anna & Co")) + "&cmd[a]=" + url.QueryEscape("crm.contact.get?id=$result[z]")
	a := h.post("/rest/1/sandboxsecret/batch", "application/x-www-form-urlencoded", form)
	got := a.object(t)["result"].(map[string]any)["a"].(map[string]any)
	require.Equal(t, "Anna & Co", got["NAME"])
	require.Less(t, strings.Index(a.Body, `"z":`), strings.Index(a.Body, `"a":`), "results come in the order of the commands")
}
