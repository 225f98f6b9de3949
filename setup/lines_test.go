package setup_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/settings"
	"puente/setup"
)

func TestLineIsComparedWithTheAccounts(t *testing.T) {
	t.Parallel()
	p := both()
	p.general.answers["user.get"] = `[{"ID":"301","ACTIVE":true},{"ID":"302","ACTIVE":false}]`
	line := openlines.Default()
	line.Channels = []int64{12}
	line.Members = []openlines.Member{{User: 301}, {Department: 5}, {User: 302}}
	line.SLANotify = []int64{301, 310}
	problems, err := setup.Checker{Accounts: p}.ValidateLine(t.Context(), "demo", line)
	require.Error(t, err, "there is no Chat2Desk account: its channels cannot be checked")
	require.Equal(t, []openlines.Problem{
		{Field: "members[2].user", Message: "there is no such active user in the portal: 302"},
		{Field: "sla_notify[1]", Message: "there is no such active user in the portal: 310"},
	}, problems)
	require.Equal(t, 1, p.general.batches)
}

// The list of channels may end early (chat2desk reference §2.6): what it leaves
// out is there all the same.
func TestChannelThatTheListLeavesOutIsFound(t *testing.T) {
	t.Parallel()
	w := connect(t, nil, demoSettings)
	var last int64
	for range 12 {
		opened, err := w.company.Connect("One of many", "telegram")
		require.NoError(t, err)
		last = opened.ID
	}
	line := openlines.Default()
	line.Name, line.Channels = "Many", []int64{12, last, last + 1}
	problems, err := w.checker.ValidateLine(t.Context(), "demo", line)
	require.NoError(t, err)
	require.Equal(t, []openlines.Problem{
		{Field: "channels[2]", Message: fmt.Sprint("there is no such channel in Chat2Desk: ", last+1)},
	}, problems)
	doc := w.doc
	doc.CRM.Channels = []settings.Channel{{ID: last, Entity: "lead"}}
	wrong, err := w.checker.ValidateSettings(t.Context(), "demo", doc)
	require.NoError(t, err)
	require.Empty(t, wrong)
}
