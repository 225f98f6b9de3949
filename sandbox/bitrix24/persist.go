package bitrix24

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// flushEvery is how often changes go to disk; a crash loses at most this much.
const flushEvery = 150 * time.Millisecond

// disk writes changed rows to an SQLite file behind the portal's back, so that
// no call waits for it. All rows changed since the last round go into one
// transaction: the file is always a state that the portal really had.
type disk struct {
	p       *Portal
	db      *sql.DB
	wiped   bool // guarded by Portal.mu: the next round starts from an empty file
	quit    chan struct{}
	stopped chan error
}

// openDisk reads the state from path, or seeds a new file.
func (p *Portal) openDisk(path string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)")
	if err != nil {
		return fmt.Errorf("open the sandbox portal: %w", err)
	}
	db.SetMaxOpenConns(1)
	p.disk = &disk{p: p, db: db, quit: make(chan struct{}), stopped: make(chan error, 1)}
	if err := p.disk.load(); err != nil {
		return errors.Join(err, db.Close())
	}
	go p.disk.run()
	return nil
}

func (d *disk) load() error {
	const schema = `CREATE TABLE IF NOT EXISTS rows (kind TEXT NOT NULL, id INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (kind, id));
		CREATE TABLE IF NOT EXISTS sequences (kind TEXT PRIMARY KEY, next INTEGER NOT NULL)`
	if _, err := d.db.Exec(schema); err != nil {
		return fmt.Errorf("prepare the sandbox portal: %w", err)
	}
	n, err := d.loadRows()
	if err != nil {
		return err
	}
	if n == 0 {
		d.p.seed()
		return nil
	}
	if err := d.loadSequences(); err != nil {
		return err
	}
	d.p.state.reindex()
	clear(d.p.state.dirty)
	return nil
}

func (d *disk) loadRows() (n int, err error) {
	rows, err := d.db.Query(`SELECT kind, id, body FROM rows ORDER BY kind, id`)
	if err != nil {
		return 0, fmt.Errorf("read the sandbox portal: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for ; rows.Next(); n++ {
		var kind string
		var id int
		var body []byte
		if err := rows.Scan(&kind, &id, &body); err != nil {
			return n, fmt.Errorf("read the sandbox portal: %w", err)
		}
		if err := d.p.state.restore(kind, id, body); err != nil {
			return n, err
		}
	}
	return n, rows.Err()
}

func (s *state) restore(kind string, id int, body []byte) error {
	if kind == accountTable {
		return json.Unmarshal(body, s.account)
	}
	t, ok := s.tables[kind]
	if !ok {
		return fmt.Errorf("the sandbox portal's file holds an unknown table %q", kind)
	}
	return t.decode(id, body)
}

func (d *disk) loadSequences() (err error) {
	rows, err := d.db.Query(`SELECT kind, next FROM sequences`)
	if err != nil {
		return fmt.Errorf("read the sandbox portal: %w", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var kind string
		var next int
		if err := rows.Scan(&kind, &next); err != nil {
			return fmt.Errorf("read the sandbox portal: %w", err)
		}
		if t, ok := d.p.state.tables[kind]; ok {
			t.resume(next)
		}
	}
	return rows.Err()
}

// run flushes until stop; the last round happens after the stop.
func (d *disk) run() {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := d.flush(); err != nil {
				d.p.log.Error("the sandbox portal could not be saved", "error", err)
			}
		case <-d.quit:
			d.stopped <- d.flush()
			return
		}
	}
}

func (d *disk) stop() error {
	close(d.quit)
	return <-d.stopped
}

// wipe makes the next round replace the whole file; Portal.mu is held.
func (d *disk) wipe() { d.wiped = true }

// change is one row to write; a nil body deletes it.
type change struct {
	key  rowKey
	body []byte
}

// collect takes the changes since the last round.
func (d *disk) collect() (changes []change, next map[string]int, wiped bool, err error) {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	s := d.p.state
	for key := range s.dirty {
		body, err := s.encode(key)
		if err != nil {
			return nil, nil, false, err
		}
		changes = append(changes, change{key, body})
	}
	next = map[string]int{}
	for name, t := range s.tables {
		next[name] = t.sequence()
	}
	wiped = d.wiped
	d.wiped = false
	s.dirty = map[rowKey]struct{}{}
	return changes, next, wiped, nil
}

func (s *state) encode(key rowKey) ([]byte, error) {
	if key.table == accountTable {
		return json.Marshal(s.account)
	}
	return s.tables[key.table].encode(key.id)
}

func (d *disk) flush() error {
	changes, next, wiped, err := d.collect()
	if err != nil || len(changes) == 0 && !wiped {
		return err
	}
	if err := d.write(changes, next, wiped); err != nil {
		d.retry(changes, wiped)
		return err
	}
	return nil
}

// retry puts changes back that could not be written.
func (d *disk) retry(changes []change, wiped bool) {
	d.p.mu.Lock()
	defer d.p.mu.Unlock()
	d.wiped = d.wiped || wiped
	again := map[rowKey]struct{}{}
	for _, c := range changes {
		again[c.key] = struct{}{}
	}
	maps.Copy(d.p.state.dirty, again)
}

func (d *disk) write(changes []change, next map[string]int, wiped bool) error {
	tx, err := d.db.Begin()
	if err != nil {
		return fmt.Errorf("save the sandbox portal: %w", err)
	}
	err = writeChanges(tx, changes, next, wiped)
	if err != nil {
		return errors.Join(fmt.Errorf("save the sandbox portal: %w", err), tx.Rollback())
	}
	return tx.Commit()
}

func writeChanges(tx *sql.Tx, changes []change, next map[string]int, wiped bool) error {
	if wiped {
		if _, err := tx.Exec(`DELETE FROM rows`); err != nil {
			return err
		}
	}
	for _, c := range changes {
		query, args := `INSERT OR REPLACE INTO rows (kind, id, body) VALUES (?, ?, ?)`, []any{c.key.table, c.key.id, c.body}
		if c.body == nil {
			query, args = `DELETE FROM rows WHERE kind = ? AND id = ?`, args[:2]
		}
		if _, err := tx.Exec(query, args...); err != nil {
			return err
		}
	}
	for kind, n := range next {
		if _, err := tx.Exec(`INSERT OR REPLACE INTO sequences (kind, next) VALUES (?, ?)`, kind, n); err != nil {
			return err
		}
	}
	return nil
}
