package setup_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puente/openlines"
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
