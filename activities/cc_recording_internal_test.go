package activities

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
)

func TestTheLastPieceOfABodyIsAnnouncedBeforeItLeaves(t *testing.T) {
	t.Parallel()
	left, announced := 0, 0
	body := &lastPiece{from: iotest.OneByteReader(strings.NewReader("abc")), left: 3, before: func() error {
		require.Equal(t, 2, left)
		announced++
		return nil
	}}
	for range 3 {
		n, err := body.Read(make([]byte, 10))
		require.NoError(t, err)
		left += n
	}
	_, err := body.Read(make([]byte, 10))
	require.ErrorIs(t, err, io.EOF)
	require.Equal(t, 1, announced)
}

func TestTheLastPieceDoesNotLeaveUnannounced(t *testing.T) {
	t.Parallel()
	failed := errors.New("the database is away")
	body := &lastPiece{from: strings.NewReader("abc"), left: 3, before: func() error { return failed }}
	n, err := body.Read(make([]byte, 10))
	require.ErrorIs(t, err, failed)
	require.Zero(t, n)
}
