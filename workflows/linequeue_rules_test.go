package workflows_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	ol "puente/openlines"
)

// blockedWhileOffered plays a client who is blocked before anybody has replied,
// and tells what became of the text of the unanswered rule.
func blockedWhileOffered(t *testing.T, change func(*queueBundle)) (texts []string, rules int) {
	t.Helper()
	b := setupQueue(t)
	change(b)
	b.signal(time.Minute, wrote("x", "1"))
	b.signal(2*time.Minute, ol.Event{ID: "block", Kind: ol.ClientBlocked, Chat: "x", On: true})
	b.suggest(20 * time.Minute)
	in := b.run()
	for _, r := range b.records() {
		if r.Text == ol.TextUnanswered {
			texts = append(texts, string(r.Kind)+" "+r.Reason)
		}
	}
	return texts, unpacked(t, in.State).Desk.Rules
}

func TestARunThatBeganUnderOlderRulesKeepsToThem(t *testing.T) {
	t.Parallel()
	texts, rules := blockedWhileOffered(t, func(b *queueBundle) {
		b.env.OnGetVersion("desk-rules", workflow.DefaultVersion, workflow.Version(ol.RulesNow)).Return(workflow.DefaultVersion)
	})
	require.Equal(t, []string{"text "}, texts)
	require.Zero(t, rules)
}

func TestTheNextRunOfAnOlderDeskFollowsTheNewRules(t *testing.T) {
	t.Parallel()
	texts, rules := blockedWhileOffered(t, func(b *queueBundle) {
		old := setupQueue(t)
		old.env.OnGetVersion("desk-rules", workflow.DefaultVersion, workflow.Version(ol.RulesNow)).Return(workflow.DefaultVersion)
		old.suggest(time.Minute)
		b.in = old.run()
	})
	require.Equal(t, []string{"text_skipped blocked"}, texts)
	require.Equal(t, ol.RulesNow, rules)
}
