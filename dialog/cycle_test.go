package dialog_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
)

var start = time.Date(2026, 2, 3, 10, 0, 0, 0, time.UTC)

const settle = 5 * time.Second

// at is an event n seconds after the start; its key is unique per kind and second.
func at(n int, kind dialog.EventKind, with func(*dialog.Event)) dialog.Event {
	e := dialog.Event{Kind: kind, Time: start.Add(time.Duration(n) * time.Second), ClientID: 7001, ChannelID: 12, RequestID: 9901}
	if with != nil {
		with(&e)
	}
	e.Key = fmt.Sprintf("%s:%d:%d", kind, e.RequestID, n)
	return e
}

func apply(s *dialog.State, now time.Time, events ...dialog.Event) (effects []dialog.Effect) {
	for _, e := range events {
		effects = append(effects, s.Apply(e, now, settle))
	}
	return effects
}

// plainChat is the usual sequence of one request (chat2desk reference §9).
func plainChat() []dialog.Event {
	return []dialog.Event{
		at(0, dialog.KindNewRequest, func(e *dialog.Event) { e.Type = "common" }),
		at(1, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client"; e.DialogID = 4401 }),
		at(2, dialog.KindTransferred, func(e *dialog.Event) { e.OperatorID = 301 }),
		at(3, dialog.KindOutbox, func(e *dialog.Event) { e.Type = "to_client"; e.OperatorID = 301 }),
		at(4, dialog.KindTag, func(e *dialog.Event) { e.TagID = 1 }),
		at(5, dialog.KindTransferred, func(e *dialog.Event) { e.OperatorID = 302 }),
		at(6, dialog.KindTag, func(e *dialog.Event) { e.TagID = 2 }),
		at(7, dialog.KindUntag, func(e *dialog.Event) { e.TagID = 2 }),
		at(8, dialog.KindClosed, nil),
		at(9, dialog.KindDialogClose, func(e *dialog.Event) { e.RequestID = 0; e.DialogID = 4401 }),
	}
}

func TestCycleIsTheSameWhateverTheOrderOfItsEvents(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		events := plainChat()
		events = append(events, rapid.SliceOfN(rapid.SampledFrom(events), 0, 10).Draw(t, "repeated")...)
		events = rapid.Permutation(events).Draw(t, "order")
		var s dialog.State
		apply(&s, start, events...)
		c, settled := s.TakeSettled(start.Add(time.Minute))
		require.True(t, settled)
		require.Equal(t, int64(9901), c.RequestID)
		require.Equal(t, 1, c.Number)
		require.Equal(t, int64(302), c.Operator.ID)
		require.Equal(t, []int64{1}, dialog.On(c.Tags))
		require.Equal(t, "common", c.Type)
		_, more := s.TakeSettled(start.Add(time.Hour))
		require.False(t, more, "one request gives one cycle")
		require.Empty(t, s.Cycles)
	})
}

func TestLateAndRepeatedEventsOfAClosedCycleOpenNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := dialog.State{Closed: []dialog.Closed{{RequestID: 9901, Number: 1, ClosedAt: start.Add(8 * time.Second)}}}
		apply(&s, start.Add(2*time.Hour), rapid.Permutation(plainChat()).Draw(t, "order")...)
		require.Empty(t, s.Cycles)
	})
}

func TestRatingIsNoWork(t *testing.T) {
	t.Parallel()
	var s dialog.State
	apply(&s, start, plainChat()...)
	rating := func(e *dialog.Event) { e.RequestID = 9902; e.Type = dialog.TypeRating }
	apply(&s, start, at(10, dialog.KindNewRequest, rating), at(20, dialog.KindClosed, func(e *dialog.Event) { e.RequestID = 9902 }))
	var types []string
	for {
		c, settled := s.TakeSettled(start.Add(time.Hour))
		if !settled {
			break
		}
		types = append(types, c.Type)
	}
	require.Equal(t, []string{"common", dialog.TypeRating}, types)
}

func TestCloseOfAPollNamesNoOpenConversation(t *testing.T) {
	t.Parallel()
	var s dialog.State
	withoutID := func(e *dialog.Event) { e.Type = "from_client"; e.RequestID = 0 }
	poll := at(2, dialog.KindClosed, func(e *dialog.Event) { e.RequestID = 9900 }) // of the dialog before; tells no type
	apply(&s, start, at(1, dialog.KindInbox, withoutID), poll, at(3, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client" }))
	require.Equal(t, int64(9901), s.Cycles[0].RequestID, "the conversation is named by what is written in it")
	require.True(t, s.Cycles[0].ClosedAt.IsZero())
}

func TestHeldCycleLetsTheDialogGoOn(t *testing.T) {
	t.Parallel()
	alone := func(e *dialog.Event) { e.RequestID = 0; e.DialogID = 4401 }
	hold := func() *dialog.State {
		var s dialog.State
		apply(&s, start, at(9, dialog.KindDialogClose, alone))
		c, settled := s.TakeSettled(start.Add(time.Minute))
		require.True(t, settled)
		s.Hold(c)
		return &s
	}
	later := start.Add(time.Hour)
	for name, c := range map[string]struct {
		event dialog.Event
		check func(t *testing.T, s *dialog.State)
	}{
		"a late message tells its request": {
			at(1, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client" }),
			func(t *testing.T, s *dialog.State) {
				t.Helper()
				c, settled := s.TakeSettled(later.Add(settle))
				require.True(t, settled)
				require.Equal(t, int64(9901), c.RequestID)
				require.False(t, s.Holds())
			},
		},
		"a new message without a request is the next conversation": {
			at(300, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client"; e.RequestID = 0 }),
			func(t *testing.T, s *dialog.State) {
				t.Helper()
				require.Len(t, s.Cycles, 2)
				require.True(t, s.Holds())
			},
		},
		"the same close again": {
			at(10, dialog.KindDialogClose, alone),
			func(t *testing.T, s *dialog.State) {
				t.Helper()
				require.Len(t, s.Cycles, 1)
			},
		},
		"the close of another conversation": {
			at(500, dialog.KindDialogClose, alone),
			func(t *testing.T, s *dialog.State) {
				t.Helper()
				require.Len(t, s.Cycles, 2)
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := hold()
			_, due := s.Due()
			require.False(t, due, "what waits for an answer waits for no timer")
			apply(s, later, c.event)
			c.check(t, s)
		})
	}
}

func TestCycleThatWasPutBackIsSettledAgain(t *testing.T) {
	t.Parallel()
	var s dialog.State
	apply(&s, start, plainChat()...)
	c, settled := s.TakeSettled(start.Add(time.Minute))
	require.True(t, settled)
	s.PutBack(c, start.Add(2*time.Minute))
	_, settled = s.TakeSettled(start.Add(time.Minute))
	require.False(t, settled)
	again, settled := s.TakeSettled(start.Add(2 * time.Minute))
	require.True(t, settled)
	require.Equal(t, c.RequestID, again.RequestID)
	require.Len(t, s.Closed, 1)
}

func TestReopenedRequestIsTheNextCycle(t *testing.T) {
	t.Parallel()
	var s dialog.State
	apply(&s, start, plainChat()...)
	first, settled := s.TakeSettled(start.Add(time.Minute))
	require.True(t, settled)
	again := at(100, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client" })
	apply(&s, start, again, at(110, dialog.KindClosed, nil))
	second, settled := s.TakeSettled(start.Add(time.Minute))
	require.True(t, settled)
	require.Equal(t, 2, second.Number)
	require.Equal(t, first.ClosedAt, second.Since)
	require.Equal(t, start.Add(110*time.Second), second.ClosedAt)
}

func TestCloseAloneIsACycleWithoutRequest(t *testing.T) {
	t.Parallel()
	var s dialog.State
	apply(&s, start, at(9, dialog.KindDialogClose, func(e *dialog.Event) { e.RequestID = 0; e.DialogID = 4401 }))
	c, settled := s.TakeSettled(start.Add(time.Minute))
	require.True(t, settled)
	require.Zero(t, c.RequestID)
	require.Equal(t, int64(4401), s.DialogID)
}

func TestCloseWaitsForEventsStillUnderWay(t *testing.T) {
	t.Parallel()
	var s dialog.State
	apply(&s, start, at(8, dialog.KindClosed, nil))
	_, settled := s.TakeSettled(start.Add(settle - time.Second))
	require.False(t, settled)
	apply(&s, start.Add(settle-time.Second), at(1, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client" }))
	_, settled = s.TakeSettled(start.Add(settle))
	require.False(t, settled, "a late event moves the end of the waiting")
	_, settled = s.TakeSettled(start.Add(2 * settle))
	require.True(t, settled)
}

func TestEffectsOfMessagesAndAssignments(t *testing.T) {
	t.Parallel()
	client := func(e *dialog.Event) { e.Type = "from_client" }
	operator := func(id int64) func(*dialog.Event) { return func(e *dialog.Event) { e.OperatorID = id } }
	var s dialog.State
	got := apply(&s, start,
		at(1, dialog.KindInbox, client), at(2, dialog.KindInbox, client), at(1, dialog.KindInbox, client),
		at(3, dialog.KindTransferred, operator(301)), at(4, dialog.KindInbox, client), at(5, dialog.KindTransferred, operator(301)),
		at(6, dialog.KindTransferred, operator(302)), at(4, dialog.KindTransferred, operator(303)))
	want := []dialog.Effect{
		{Incoming: true, Appoint: true}, // nobody leads yet
		{Incoming: true},                // asked already
		{},                              // the same event again
		{Assigned: true},
		{Incoming: true},
		{},               // the same operator
		{Assigned: true}, // handed over
		{},               // older than what is known
	}
	require.Equal(t, want, got)
}

func TestOperatorOfAnEarlierRequestIsToldOfTheNextOne(t *testing.T) {
	t.Parallel()
	s := dialog.State{Operator: dialog.Operator{ID: 301}} // as recalled from the store
	got := apply(&s, start,
		at(1, dialog.KindInbox, func(e *dialog.Event) { e.Type = "from_client" }),
		at(2, dialog.KindTransferred, func(e *dialog.Event) { e.OperatorID = 301 }))
	require.Equal(t, []dialog.Effect{{Incoming: true}, {Assigned: true}}, got)
}

func TestStateStaysBounded(t *testing.T) {
	t.Parallel()
	var s dialog.State
	for i := range 1000 {
		request := int64(i + 1)
		apply(&s, start, at(i, dialog.KindClosed, func(e *dialog.Event) { e.RequestID = request }))
		_, settled := s.TakeSettled(start.Add(time.Hour))
		require.True(t, settled)
	}
	require.LessOrEqual(t, len(s.Seen), 256)
	require.LessOrEqual(t, len(s.Closed), 64)
	require.True(t, slices.IsSortedFunc(s.Closed, func(a, b dialog.Closed) int { return int(a.RequestID - b.RequestID) }))
}
