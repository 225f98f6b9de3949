package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"gorm.io/gorm"

	"puente/internal/wait"
)

// Options says how to open a store.
type Options struct {
	// SecretKey encrypts the secrets of portals: 32 random bytes or a long
	// passphrase. Empty: the store works, but portals cannot be read or saved.
	SecretKey []byte
	// Logger gets slow queries and migrations; nil = slog.Default().
	Logger *slog.Logger
	// MaxOpen bounds the connections; 0 = 20 on PostgreSQL, 8 on SQLite.
	MaxOpen int
}

// Store is an open database. It may be used by any number of goroutines.
type Store struct {
	db   *gorm.DB
	pool *sql.DB
	d    dialect
	log  *slog.Logger
	seal sealer
	// writer lets the writers of this process queue up in order on SQLite,
	// whose own waiting is a lottery; nil on PostgreSQL.
	writer chan struct{}
	// refreshing holds a turn (chan struct{} of size 1) per portal: see RefreshToken.
	refreshing sync.Map
}

// Open opens postgres://… or sqlite://path and checks that the database
// answers. A missing SQLite file is made, with mode 0600. The schema is not
// touched: see Migrate and CheckSchema.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	d, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	pool, err := sql.Open(d.driver, d.dsn)
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	s, err := newStore(ctx, pool, d, o)
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	return s, nil
}

func newStore(ctx context.Context, pool *sql.DB, d dialect, o Options) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.MaxOpen > 0 {
		d.maxOpen = o.MaxOpen
	}
	pool.SetMaxOpenConns(d.maxOpen)
	pool.SetMaxIdleConns(d.maxOpen)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		return nil, fmt.Errorf("store: the database does not answer: %w", err)
	}
	seal, err := newSealer(o.SecretKey)
	if err != nil {
		return nil, err
	}
	db, err := gorm.Open(d.gormDialector(pool), &gorm.Config{
		SkipDefaultTransaction: true, // write does it
		DisableAutomaticPing:   true,
		Logger:                 slowLog{o.Logger},
		NowFunc:                now,
	})
	if err != nil {
		return nil, fmt.Errorf("store: open: %w", err)
	}
	s := &Store{db: db, pool: pool, d: d, log: o.Logger, seal: seal}
	if d.lite {
		s.writer = make(chan struct{}, 1)
	}
	return s, nil
}

// Close ends all connections. Leases and claims that are held stay until they expire.
func (s *Store) Close() error { return s.pool.Close() }

// Ping asks the database for a sign of life.
func (s *Store) Ping(ctx context.Context) error {
	return fail(s.pool.PingContext(ctx), "ping")
}

// read is a session for reading.
func (s *Store) read(ctx context.Context) *gorm.DB { return s.db.WithContext(ctx) }

// writeTries bounds how often a transaction that others pushed aside is run.
const writeTries = 5

// write runs fn in a transaction, again from the start if others pushed it
// aside: fn must not leave anything behind when it fails.
func (s *Store) write(ctx context.Context, fn func(tx *gorm.DB) error) error {
	for try := 1; ; try++ {
		err := s.writeOnce(ctx, fn)
		if err == nil || !isTransient(err) || try == writeTries {
			return err
		}
		if err := pause(ctx, time.Duration(try)*20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Store) writeOnce(ctx context.Context, fn func(tx *gorm.DB) error) error {
	if s.writer != nil {
		select {
		case s.writer <- struct{}{}:
			defer func() { <-s.writer }()
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.db.WithContext(ctx).Transaction(fn, s.d.isolation)
}

// pause waits about d, spread by half of it, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	spread := time.Duration(rand.Int64N(int64(d))) //nolint:gosec // not a secret
	return wait.For(ctx, d/2+spread)
}
