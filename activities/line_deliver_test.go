package activities_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/openlines"
	"puente/store"
	"puente/workflows"
)

var tenOClock = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC) // 10:00 in Madrid

// delivery is a first step of session 1: it began, was offered, and a text goes out.
func delivery() workflows.LineDelivery {
	why := &openlines.Decision{To: []openlines.UserID{7}, Kind: openlines.QueueOffer, Why: "never had an offer on this line", Left: []openlines.LeftOut{
		{User: 8, Reason: openlines.LeftOffDuty, Presence: openlines.Offline, Since: tenOClock.Add(-18 * time.Minute)},
	}}
	return workflows.LineDelivery{
		Portal: "demo",
		Records: []openlines.Record{
			{No: 1, At: tenOClock, Kind: openlines.LineRecorded, Line: "sales"},
			{No: 2, At: tenOClock, Kind: openlines.SessionStarted, Session: 1, Line: "sales", Channel: 12, Chat: "7-12"},
			{No: 3, At: tenOClock, Kind: openlines.MessageIn, Session: 1, Line: "sales", Channel: 12, Message: "5", On: true},
			{No: 4, At: tenOClock, Kind: openlines.OfferMade, Session: 1, Line: "sales", Channel: 12, User: 7, Offer: 1, Offered: openlines.QueueOffer, Why: why},
		},
		Commands: []workflows.LineCommand{
			{Seq: 1, Command: openlines.Command{Kind: openlines.DoOffer, Session: 1, Chat: "7-12", Line: "sales", User: 7, Offer: 1, Why: why}},
			{Seq: 2, Command: openlines.Command{Kind: openlines.DoResponsible, Item: openlines.Item{Kind: "lead", ID: 3}, User: 7}},
			{Seq: 3, Command: openlines.Command{Kind: openlines.DoSendText, Session: 1, Chat: "7-12", Line: "sales", Text: openlines.TextWelcome, Key: "1-welcome-5"}},
		},
	}
}

func TestDeliveryIsStoredAndHandedToItsSessions(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	ok, err := run[bool](b.bundle, workflows.DeliverLineStep, delivery())
	require.NoError(t, err)
	require.True(t, ok)
	records, err := b.store.SessionRecords(t.Context(), "demo", 1)
	require.NoError(t, err)
	require.Len(t, records, 3)
	first := b.sessions.of(1)
	require.Len(t, first, 1)
	require.Equal(t, []workflows.LineCommand{delivery().Commands[0], delivery().Commands[2]}, first[0].Commands, "in order")
	require.Equal(t, "offered", first[0].State)
	require.False(t, first[0].Ended)
	require.Equal(t, []string{
		"10:00:00 began in chat 7-12 on channel 12",
		"10:00:00 offer 1: offered to operator 7: never had an offer on this line; operator 8 left out: offline since 09:42",
	}, first[0].Story, "times of day of the line")
	nobody := b.sessions.of(0)
	require.Len(t, nobody, 1, "what belongs to no session")
	require.Equal(t, int64(2), nobody[0].Commands[0].Seq)
	require.True(t, nobody[0].Ended, "it lives only as long as it has work")
}

func TestDeliveryTwiceIsOneDelivery(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.sessions.err = errors.New("temporal is away")
	_, err := run[bool](b.bundle, workflows.DeliverLineStep, delivery())
	_, app := failure(t, err)
	require.False(t, app.NonRetryable())
	b.sessions.err = nil
	for range 2 {
		_, err = run[bool](b.bundle, workflows.DeliverLineStep, delivery())
		require.NoError(t, err)
	}
	records, err := b.store.SessionRecords(t.Context(), "demo", 1)
	require.NoError(t, err)
	require.Len(t, records, 3)
	require.Equal(t, b.sessions.of(1)[0].Commands, b.sessions.of(1)[1].Commands, "with the same numbers")
}

func TestSessionIsToldThatItHasEnded(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	_, err := run[bool](b.bundle, workflows.DeliverLineStep, delivery())
	require.NoError(t, err)
	end := workflows.LineDelivery{Portal: "demo", Records: []openlines.Record{
		{No: 5, At: tenOClock, Kind: openlines.SessionFinished, Session: 1, Line: "sales", Reason: "operator"},
		{No: 6, At: tenOClock, Kind: openlines.SessionEnded, Session: 1, Line: "sales", Reason: "operator"},
	}}
	_, err = run[bool](b.bundle, workflows.DeliverLineStep, end)
	require.NoError(t, err)
	got := b.sessions.of(1)[1]
	require.True(t, got.Ended)
	require.Equal(t, "closed", got.State)
	require.Empty(t, got.Commands)
	vote := workflows.LineDelivery{Portal: "demo", Records: []openlines.Record{
		{No: 7, At: tenOClock, Kind: openlines.VoteGiven, Session: 1, Line: "sales", User: 7, Vote: openlines.VoteGood},
	}}
	_, err = run[bool](b.bundle, workflows.DeliverLineStep, vote)
	require.NoError(t, err)
	require.True(t, b.sessions.of(1)[2].Ended, "also when its workflow has to be started anew")
}

func TestQuietStepsDisturbNoSession(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	quiet := workflows.LineDelivery{Portal: "demo", Records: []openlines.Record{
		{No: 1, At: tenOClock, Kind: openlines.MessageIn, Session: 9, Line: "sales", Message: "5"},
		{No: 2, At: tenOClock, Kind: openlines.OperatorRecorded, User: 7, Reason: "online"},
	}}
	_, err := run[bool](b.bundle, workflows.DeliverLineStep, quiet)
	require.NoError(t, err)
	require.Empty(t, b.sessions.told)
}

func TestSessionOfNoLogIsCarriedOutAndEnds(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	_, err := run[bool](b.bundle, workflows.DeliverLineStep, workflows.LineDelivery{Portal: "demo", Commands: []workflows.LineCommand{
		{Seq: 1, Command: openlines.Command{Kind: openlines.DoCloseDialog, Session: 99, Chat: "7-12", Line: "sales"}},
	}})
	require.NoError(t, err)
	require.True(t, b.sessions.of(99)[0].Ended)
}

func TestNewDeskLearnsLinesAndOperators(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	online := openlines.Online
	_, err := b.store.SaveOperator(t.Context(), "demo", 7, store.OperatorChange{Presence: &online})
	require.NoError(t, err)
	b.line.Active, b.line.Channels = false, nil
	_, err = b.store.SaveLine(t.Context(), "demo", "closed", b.line, "test", "", 0)
	require.NoError(t, err)
	loaded, err := run[workflows.LoadedLines](b.bundle, workflows.LoadLinesStep, workflows.LoadLinesInput{Portal: "demo"})
	require.NoError(t, err)
	require.Len(t, loaded.Events, 3)
	require.Equal(t, openlines.LineID("closed"), loaded.Events[0].Line, "sessions may still be open there")
	require.Equal(t, openlines.LineID("sales"), loaded.Events[1].Line)
	require.Equal(t, []openlines.UserID{7, 8}, loaded.Events[1].Members)
	require.Equal(t, openlines.Online, loaded.Events[2].Operator.Presence)
	desk := openlines.NewDesk()
	for _, answer := range desk.Step(tenOClock, loaded.Events...).Answers {
		require.Equal(t, openlines.OK, answer.Code)
	}
}

func TestDepartmentsStandForTheirActiveEmployees(t *testing.T) {
	t.Parallel()
	b := openLine(t, nil)
	b.line.Members = []openlines.Member{{User: 9}, {Department: 1}, {User: 7}}
	b.saveLine(t)
	load := func() []openlines.UserID {
		loaded, err := run[workflows.LoadedLines](b.bundle, workflows.LoadLinesStep, workflows.LoadLinesInput{Portal: "demo"})
		require.NoError(t, err)
		return loaded.Events[0].Members
	}
	members := load()
	require.Equal(t, openlines.UserID(9), members[0], "each once, at the first place")
	require.Greater(t, len(members), 2)
	b.portals.Close() // the portal cannot be asked any more
	require.Equal(t, members, load(), "those that it gave last serve")
}
