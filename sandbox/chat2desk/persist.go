package chat2desk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

const (
	stateFile = "chat2desk.json"
	// saveEvery is how long changes gather before they are written; a killed
	// process loses at most that much.
	saveEvery = 200 * time.Millisecond
)

// restore loads the saved state, or starts a new one, and returns the webhooks
// that were still to be sent.
func (c *Company) restore() ([]*delivery, error) {
	c.s = newState(c.options.Seeds(), c.options.settings())
	if c.options.Persistence == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(filepath.Join(c.options.Persistence, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of the Chat2Desk sandbox: %w", err)
	}
	if err := json.Unmarshal(raw, c.s); err != nil {
		return nil, fmt.Errorf("read the state of the Chat2Desk sandbox: %w", err)
	}
	c.s.adoptChannels(c.options.Seeds().Channels)
	c.s.index()
	pending := c.s.Pending
	c.s.Pending = nil
	return pending, nil
}

// adoptChannels adds the channels that a state saved earlier does not have yet.
func (s *state) adoptChannels(seeds []Channel) {
	for _, seed := range seeds {
		if !slices.ContainsFunc(s.Channels, func(ch Channel) bool { return ch.ID == seed.ID }) {
			s.Channels = append(s.Channels, seed)
		}
	}
}

// save writes the state to a new file and puts it in the place of the old one.
func (c *Company) save() error {
	c.mu.Lock()
	c.s.Pending = c.out.snapshot()
	raw, err := json.Marshal(c.s)
	c.s.Pending = nil
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("save the state of the Chat2Desk sandbox: %w", err)
	}
	if err := replaceFile(c.options.Persistence, raw); err != nil {
		return fmt.Errorf("save the state of the Chat2Desk sandbox: %w", err)
	}
	return nil
}

func replaceFile(dir string, raw []byte) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	temp, err := os.CreateTemp(dir, stateFile+".*")
	if err != nil {
		return err
	}
	_, err = temp.Write(raw)
	err = errors.Join(err, temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), filepath.Join(dir, stateFile))
	}
	if err != nil {
		_ = os.Remove(temp.Name())
	}
	return err
}

// saver writes the state behind the calls that change it. A nil saver, that of
// a company in memory, does nothing.
type saver struct {
	company *Company
	dirty   chan struct{}
	quit    chan struct{}
	done    sync.WaitGroup
	once    sync.Once
	err     error
}

func startSaver(c *Company) *saver {
	if c.options.Persistence == "" {
		return nil
	}
	s := &saver{company: c, dirty: make(chan struct{}, 1), quit: make(chan struct{})}
	s.touch()
	s.done.Go(s.run)
	return s
}

// touch says that the state changed.
func (s *saver) touch() {
	if s == nil {
		return
	}
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

func (s *saver) run() {
	for {
		select {
		case <-s.dirty:
		case <-s.quit:
			return
		}
		began := time.Now()
		if err := s.company.save(); err != nil {
			s.company.log.Error("the state was not saved", "error", err)
		}
		// A large state is saved more rarely, so that saving never takes most of the time.
		select {
		case <-time.After(max(saveEvery, 10*time.Since(began))):
		case <-s.quit:
			return
		}
	}
}

// stop saves a last time.
func (s *saver) stop() error {
	if s == nil {
		return nil
	}
	s.once.Do(func() {
		close(s.quit)
		s.done.Wait()
		s.err = s.company.save()
	})
	return s.err
}
