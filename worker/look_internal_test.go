package worker

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestShortMinutesOfATrialShortenTheLookIntoTheCRM(t *testing.T) {
	t.Parallel()
	for minute, want := range map[time.Duration]time.Duration{
		0: 5 * time.Minute, time.Minute: 5 * time.Minute, 12 * time.Second: time.Minute, time.Second: 20 * time.Second,
	} {
		require.Equal(t, want, crmLook(minute), minute)
	}
}
