package api

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puente/recordings"
)

func TestPreferenceOfTheCallerIsReadLeniently(t *testing.T) {
	t.Parallel()
	for prefer, want := range map[string]struct {
		wait    time.Duration
		applied string
	}{
		"":                           {10 * time.Second, ""},
		"wait=5":                     {5 * time.Second, "wait=5"},
		"wait=0":                     {0, "wait=0"},
		"WAIT = \"7\"; x=y":          {7 * time.Second, "wait=7"},
		"return=minimal, wait=3":     {3 * time.Second, "wait=3"},
		"wait=3600":                  {60 * time.Second, "wait=60"},
		"wait=99999999999999999999":  {10 * time.Second, ""},
		"wait=-1":                    {10 * time.Second, ""},
		"wait":                       {10 * time.Second, ""},
		"wait=soon, respond-async":   {0, "respond-async"},
		"respond-async, wait=9":      {0, "respond-async"},
		"handling=strict; wait=9, ,": {10 * time.Second, ""},
	} {
		wait, applied := CallerInput{Prefer: prefer}.wait()
		require.Equal(t, want.wait, wait, prefer)
		require.Equal(t, want.applied, applied, prefer)
	}
}

func TestFileNamesKeepTheirEnd(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"a.wav": "a.wav", "../../a.MP3": "a.mp3", `C:\x\a.wav`: "a.wav", "/": "/", "": ".", "a.exe": "a.exe",
	} {
		require.Equal(t, want, fileName(given), given)
	}
	long := fileName(string(make([]byte, 500)) + ".wav")
	require.LessOrEqual(t, len(long), maxFileName)
	require.Regexp(t, `\.wav$`, long)
}

// slowAnswers is a store that has an answer for those who are named.
type slowAnswers struct {
	Store
	mu    sync.Mutex
	ready map[string]bool
	asked int
}

func (s *slowAnswers) AnsweredSubmissions(_ context.Context, ids []string) (out []string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, id := range ids {
		if s.ready[id] {
			out = append(out, id)
		}
	}
	return out, nil
}

func (s *slowAnswers) answer(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready[id] = true
}

func TestManyWhoWaitCostOneQuestionAtATime(t *testing.T) {
	t.Parallel()
	answers := &slowAnswers{ready: map[string]bool{}}
	w := newWatch(answers, slog.New(slog.DiscardHandler))
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() { w.wait(t.Context(), "a") })
		group.Go(func() { w.wait(t.Context(), "b") })
	}
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.count == 200
	}, 5*time.Second, time.Millisecond)
	answers.answer("a")
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.count == 100
	}, 5*time.Second, time.Millisecond, "only those of a are told")
	answers.answer("b")
	group.Wait()
	require.Less(t, answers.asked, 200)
	require.Empty(t, w.waiting)

	w.wait(t.Context(), "a") // the asking begins anew
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	w.wait(ended, "never")
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.count == 0 && len(w.waiting) == 0
	}, 5*time.Second, time.Millisecond)
}

func TestOneTooManyDoesNotWait(t *testing.T) {
	t.Parallel()
	w := newWatch(&slowAnswers{ready: map[string]bool{}}, slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	for range maxWaiting {
		group.Go(func() { w.wait(ctx, "a") })
	}
	require.Eventually(t, func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.count == maxWaiting
	}, 5*time.Second, time.Millisecond)
	w.wait(t.Context(), "a") // or this would never end
	cancel()
	group.Wait()
}

func FuzzPreferenceOfTheCaller(f *testing.F) {
	for _, seed := range []string{"wait=5", "respond-async, wait=\"7\"; x", "=,;", "wait=-0"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, prefer string) {
		wait, applied := CallerInput{Prefer: prefer}.wait()
		require.GreaterOrEqual(t, wait, time.Duration(0))
		require.LessOrEqual(t, wait, maxWait)
		require.Regexp(t, `^(|respond-async|wait=[0-9]{1,2})$`, applied)
	})
}

func FuzzFileNameOfAnUpload(f *testing.F) {
	for _, seed := range []string{"a.wav", `..\a.mp3`, "a/b/.wav", "\x00.WAV"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		name := fileName(given)
		require.NotContains(t, name, "\\")
		if name != "/" {
			require.NotContains(t, name, "/")
		}
		require.Equal(t, recordings.KnownName(given), recordings.KnownName(name))
	})
}
