package bitrix24

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCallsAreFoundInTheStatistics(t *testing.T) {
	t.Parallel()
	h := openPhones(t)
	first, _ := h.finish("a")
	h.clock.Advance(45 * time.Minute)
	second, activity := h.finish("b")
	h.done("telephony.externalCall.attachRecord", fmt.Sprintf(`{"CALL_ID":%q,"FILENAME":"a.wav","FILE_CONTENT":"UklGRg=="}`, second))
	h.done("telephony.call.attachTranscription", fmt.Sprintf(`{"CALL_ID":%q,"MESSAGES":[{"SIDE":"User","START_TIME":0,"STOP_TIME":2,"MESSAGE":"Hello"}]}`, second))
	row := h.ok("voximplant.statistic.get", `{"FILTER":{"EXTERNAL_CALL_ID":"b"}}`).list(t)[0].(map[string]any)
	for name, want := range map[string]any{
		"ID": "2", "CALL_ID": second, "CALL_TYPE": "2", "CALL_DURATION": "41", "CALL_START_DATE": "2026-01-05T10:45:00+03:00",
		"CRM_ACTIVITY_ID": fmt.Sprint(activity), "RECORD_FILE_ID": 1.0, "TRANSCRIPT_ID": "1", "COST": "0.0000", "CALL_VOTE": nil,
	} {
		require.Equal(t, want, row[name], name)
	}
	for filter, want := range map[string][]string{
		`{"><CALL_START_DATE":["2026-01-05T07:00:00Z","2026-01-05T07:30:00Z"]}`: {first},
		`{">CALL_START_DATE":"2026-01-05T07:30:00Z"}`:                           {second},
		`{"?CALL_ID":"` + first[13:30] + `"}`:                                   {first},
		`{"CALL_ID":"` + first + `","CALL_FAILED_CODE":"200"}`:                  {first},
		`{"!CALL_ID":"` + first + `"}`:                                          {second},
		`{"CRM_ENTITY_TYPE":"COMPANY"}`:                                         {},
	} {
		got := []string{}
		for _, r := range h.ok("voximplant.statistic.get", `{"FILTER":`+filter+`}`).list(t) {
			got = append(got, r.(map[string]any)["CALL_ID"].(string))
		}
		require.Equal(t, want, got, filter)
	}
	newest := h.ok("voximplant.statistic.get", `{"SORT":"CALL_START_DATE","ORDER":"DESC"}`)
	require.Equal(t, second, newest.list(t)[0].(map[string]any)["CALL_ID"])
	require.Equal(t, 2, *newest.Total)
	require.Equal(t, 1, h.calls()[1].Transcripts)
}
