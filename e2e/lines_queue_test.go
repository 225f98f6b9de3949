package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// S01: four clients go round three members.
func TestLinesOfferChatsInTurns(t *testing.T) {
	t.Parallel()
	d := startLines(t, 2*time.Second, options{})
	d.lines(map[string]object{"s01": nil})
	for i, next := range []int64{userA, userB, userC, userA} {
		c := d.client("s01", object{"name": fmt.Sprint("Turn ", i)}, "Hello")
		s := c.waits("offered in turn", func(s lineSession) bool { return s.offeredTo(next) })
		c.isWith(next)
		c.gets(welcome)
		require.Equal(t, 1, c.isTold(next, "A chat is waiting for your answer"))
		require.Equal(t, []int64{next}, d.offers(s.ID))
	}
}
