package dispatch_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// held makes signals to a dialog wait until the channel is closed.
func (b *testBundle) held(client int64) chan struct{} {
	gate := make(chan struct{})
	b.temporal.mu.Lock()
	defer b.temporal.mu.Unlock()
	if b.temporal.hold == nil {
		b.temporal.hold = map[string]chan struct{}{}
	}
	b.temporal.hold[fmt.Sprintf("dialog:demo:%d-12", client)] = gate
	return gate
}

func (b *testBundle) write(t *testing.T, client int64) {
	t.Helper()
	b.accept(t, fmt.Sprint("inbox:", client), fmt.Sprint("client:", client), "inbox", message(client, client, 12, client))
}

func TestSlowDeliveryHoldsNobodyElseBack(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	gate := b.held(1)
	b.write(t, 1)
	b.start(t)
	for client := int64(2); client < 40; client++ {
		b.write(t, client)
	}
	require.Eventually(t, func() bool {
		n, _, err := b.store.InboxBacklog(t.Context())
		return err == nil && n == 1
	}, 30*time.Second, 10*time.Millisecond, "all but the slow one are delivered")
	close(gate)
	b.drained(t)
}

func TestDispatcherThatStopsLeavesItsRowsToOthersAtOnce(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	gate := b.held(1)
	b.write(t, 1)
	stop := b.start(t)
	require.Eventually(t, func() bool {
		rows := b.rows(t)
		return len(rows) == 1 && rows[0].Owner != ""
	}, 5*time.Second, time.Millisecond, "it is under way")
	began := time.Now()
	stop()
	require.Less(t, time.Since(began), 20*time.Second)
	close(gate)
	b.start(t)
	b.drained(t)
	require.Less(t, time.Since(began), 28*time.Second, "the next one does not wait for the lease to end")
	require.Len(t, b.temporal.of("dialog:demo:1-12"), 1)
}

func TestDeliveryUnderWayIsFinishedAtStop(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	gate := b.held(1)
	b.write(t, 1)
	stop := b.start(t)
	require.Eventually(t, func() bool {
		b.temporal.mu.Lock()
		defer b.temporal.mu.Unlock()
		return b.temporal.waiting == 1
	}, 5*time.Second, time.Millisecond, "it is under way")
	time.AfterFunc(100*time.Millisecond, func() { close(gate) })
	stop()
	n, _, err := b.store.InboxBacklog(t.Context())
	require.NoError(t, err)
	require.Zero(t, n)
}

func TestTagOfAClientWaitsWhileTemporalIsDown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.write(t, 7)
	b.drained(t)
	b.temporal.mu.Lock()
	b.temporal.down = true
	b.temporal.mu.Unlock()
	b.accept(t, "tag:1", "client:7", "add_tag_to_client", `{"hook_type":"add_tag_to_client","id":1,"client_id":7}`)
	require.Eventually(t, func() bool { return b.rows(t)[0].Attempts > 0 }, 60*time.Second, 10*time.Millisecond)
	b.temporal.mu.Lock()
	b.temporal.down = false
	b.temporal.mu.Unlock()
	b.drained(t)
	require.Len(t, b.temporal.of("dialog:demo:7-12"), 2)
}

func TestTwoDispatchersDeliverEachRowOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := prepare(t)
	fill(t, b.store, 50, 20)
	b.start(t)
	b.start(t)
	b.drained(t)
	for client := int64(1); client <= 50; client++ {
		got := b.temporal.of(fmt.Sprintf("dialog:demo:%d-12", client))
		require.Len(t, got, 20)
		for i, e := range got {
			require.Equal(t, (client-1)*100+int64(i)+1, e.MessageID)
		}
	}
}
