package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"

	"puente/dialog"
	"puente/openlines"
	"puente/settings"
	"puente/store"
	"puente/store/storetest"
)

// statement is something gorm sent to the database.
type statement struct {
	sql  string
	args []any
}

// recorder notes every statement of a store.
type recorder struct {
	mu  sync.Mutex
	all map[string]statement
}

func record(t *testing.T, s *store.Store) *recorder {
	t.Helper()
	r := &recorder{all: map[string]statement{}}
	note := func(db *gorm.DB) {
		r.mu.Lock()
		defer r.mu.Unlock()
		text := db.Statement.SQL.String()
		r.all[text] = statement{text, db.Statement.Vars}
	}
	callbacks := s.DB().Callback()
	require.NoError(t, callbacks.Create().After("gorm:create").Register("note", note))
	require.NoError(t, callbacks.Query().After("gorm:query").Register("note", note))
	require.NoError(t, callbacks.Update().After("gorm:update").Register("note", note))
	require.NoError(t, callbacks.Row().After("gorm:row").Register("note", note))
	require.NoError(t, callbacks.Raw().After("gorm:raw").Register("note", note))
	return r
}

// TestNoStatementReadsAWholeTable sends every kind of statement the store has
// and asks the database for its plan: each must go through an index.
func TestNoStatementReadsAWholeTable(t *testing.T) {
	t.Parallel()
	for name, url := range storetest.Databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.Open(t, url)
			recorded := record(t, s)
			useEverything(t, s)
			require.Greater(t, len(recorded.all), 60)
			explain := explainSQLite
			if strings.HasPrefix(url, "postgres") {
				explain = explainPostgres
			}
			pool := rawPool(t, url)
			for _, statement := range recorded.all {
				for _, scan := range explain(t, pool, statement) {
					t.Errorf("%s\nin %s", scan, statement.sql)
				}
			}
		})
	}
}

// A scan of SQLite without an index, or of an index in which nothing is looked up.
var liteScan = regexp.MustCompile(`^SCAN \w+( USING (COVERING )?INDEX \w+)?$`)

func explainSQLite(t *testing.T, pool *sql.DB, s statement) (scans []string) {
	t.Helper()
	rows, err := pool.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+s.sql, s.args...)
	require.NoError(t, err, s.sql)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var a, b, c int
		var detail string
		require.NoError(t, rows.Scan(&a, &b, &c, &detail))
		if liteScan.MatchString(detail) && !wanted(detail) {
			scans = append(scans, detail)
		}
	}
	require.NoError(t, rows.Err())
	return scans
}

// explainPostgres forbids sequential scans: one that is in the plan all the
// same is there because no index can serve the statement. Whether a key is
// ready must be a condition on the index: a filter would pass by all that wait.
func explainPostgres(t *testing.T, pool *sql.DB, s statement) (scans []string) {
	t.Helper()
	tx, err := pool.BeginTx(t.Context(), nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback()) }()
	_, err = tx.ExecContext(t.Context(), "SET LOCAL enable_seqscan = off")
	require.NoError(t, err)
	rows, err := tx.QueryContext(t.Context(), "EXPLAIN "+s.sql, s.args...)
	require.NoError(t, err, s.sql)
	defer func() { require.NoError(t, rows.Close()) }()
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		if strings.Contains(line, "Seq Scan") || strings.Contains(line, "Filter: (ready_at") {
			scans = append(scans, line)
		}
	}
	require.NoError(t, rows.Err())
	return scans
}

// wanted are the walks along an index from its end that a LIMIT or an
// aggregate ends, those over the open rows only, and over the lines, which are few.
func wanted(detail string) bool {
	for _, index := range []string{"inbox_open_by_key", "submissions_unstarted", "sqlite_autoindex_portals_1", "sqlite_autoindex_lines_1"} {
		if strings.HasSuffix(detail, index) {
			return true
		}
	}
	return detail == "SCAN clock" // one row, the time
}

// useEverything calls every method of the store with every filter.
func useEverything(t *testing.T, s *store.Store) {
	t.Helper()
	ctx := t.Context()
	check := func(err error) {
		t.Helper()
		require.NoError(t, err)
	}
	savePortal(t, s)
	check(s.SavePortal(ctx, fullPortal()))
	_, err := s.PortalByAPIKey(ctx, "demo-key")
	check(err)
	check(s.SetBitrix24Base(ctx, "demo", "https://new.example"))
	_, err = s.LoadToken(ctx, "demo")
	check(err)
	check(s.CheckKey(ctx))
	_, err = s.SaveSettings(ctx, "demo", settings.Settings{}, "a", "b", 0)
	check(err)
	_, _, err = s.Settings(ctx, "demo")
	check(err)
	_, err = s.SettingsVersion(ctx, "demo", 1)
	check(err)
	useInbox(ctx, t, s)
	useLedger(ctx, t, s)
	useLines(ctx, t, s)
	usePages(ctx, t, s)
	check(s.DeletePortal(ctx, "demo"))
}

func useInbox(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	for i := range 6 {
		e := event(fmt.Sprint(i%2), fmt.Sprint(i))
		e.ClientID, e.ChannelID, e.RequestID, e.DialogID = 7, 12, 90, 44
		accept(t, s, e)
	}
	rows := claim(t, s, "me", 10)
	require.NoError(t, s.RetryInbox(ctx, "me", rows[0].ID, "x", time.Now()))
	finish(t, s, rows[1:]...)
	_, err := s.ReplayInbox(ctx, "demo", ids(rows))
	require.NoError(t, err)
	_, _, err = s.InboxBacklog(ctx)
	require.NoError(t, err)
	_, err = s.InboxEvent(ctx, "demo", rows[0].ID)
	require.NoError(t, err)
	_, err = s.InboxEvents(ctx, "demo", ids(rows))
	require.NoError(t, err)
	_, err = s.RequestMessages(ctx, "demo", 90)
	require.NoError(t, err)
	for _, channel := range []int64{0, 12} {
		_, err = s.DialogMessages(ctx, "demo", 7, channel, time.Unix(1, 0), time.Now())
		require.NoError(t, err)
	}
	require.NoError(t, s.LearnDialog(ctx, store.DialogRow{Portal: "demo", ClientID: 7, ChannelID: 12, DialogID: 44}))
	require.NoError(t, s.LearnRequest(ctx, store.RequestRow{Portal: "demo", RequestID: 90, DialogID: 44}))
	_, err = s.DialogByRequest(ctx, "demo", 90)
	require.NoError(t, err)
	_, err = s.Dialog(ctx, "demo", 7, 12)
	require.NoError(t, err)
	_, err = s.DialogsOfClient(ctx, "demo", 7)
	require.NoError(t, err)
	_, err = s.RequestsOfDialog(ctx, "demo", 7, 12, 5)
	require.NoError(t, err)
	_, err = s.PurgeInbox(ctx, "demo", time.Unix(1, 0))
	require.NoError(t, err)
}

func useLedger(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	for i := range 3 {
		row := openSync(t, s, store.Sync{WorkflowID: fmt.Sprint("w", i)})
		require.NoError(t, s.UpdateSync(ctx, "demo", row.ID, func(*store.Sync) {}))
		require.NoError(t, s.SaveStep(ctx, store.Step{SyncID: row.ID, Name: "load"}))
		require.NoError(t, s.SaveSnapshot(ctx, "demo", row.ID, dialog.Snapshot{}))
		_, err := s.Snapshot(ctx, "demo", row.ID)
		require.NoError(t, err)
		_, err = s.Steps(ctx, row.ID)
		require.NoError(t, err)
		_, err = s.Sync(ctx, "demo", row.ID)
		require.NoError(t, err)
	}
	ok, _, err := s.Claim(ctx, "demo", "o", []string{"a", "b"}, time.Minute)
	require.NoError(t, err)
	require.True(t, ok)
	ok, _, err = s.Claim(ctx, "demo", "p", []string{"b"}, time.Minute)
	require.NoError(t, err)
	require.False(t, ok)
	_, err = s.HoldsClaims(ctx, "demo", "o", []string{"a"})
	require.NoError(t, err)
	require.NoError(t, s.Release(ctx, "demo", "o"))
	require.NoError(t, s.SaveLink(ctx, "demo", "k", 1))
	_, _, err = s.Link(ctx, "demo", "k")
	require.NoError(t, err)
	require.NoError(t, s.DropLink(ctx, "demo", "k"))
	permit(t, s, 1, 1)
	permit(t, s, 1, 1)
	require.NoError(t, s.Penalize(ctx, "demo", "", time.Now()))
	require.NoError(t, s.MarkSent(ctx, "demo", "k", "1"))
	_, err = s.WasSent(ctx, "demo", []string{"k"})
	require.NoError(t, err)
	require.NoError(t, s.SaveDirectory(ctx, "demo", "users", []byte("[]")))
	_, _, _, err = s.Directory(ctx, "demo", "users")
	require.NoError(t, err)
	_, err = s.PurgeSnapshots(ctx, "demo", time.Unix(1, 0))
	require.NoError(t, err)
	useContactCenter(ctx, t, s)
	_, err = s.PurgeSent(ctx, "demo", time.Unix(1, 0))
	require.NoError(t, err)
}

func useContactCenter(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	for range 2 {
		acceptMethod(t, s, method("k", "a"))
		acceptRequest(t, s, request("r", "a"), "phone:1")
		acceptRequest(t, s, keyed(request("r", "b"), "k"), "phone:1")
	}
	line, err := s.SyncByWorkflow(ctx, "demo", "request:demo:r")
	require.NoError(t, err)
	sub, err := s.SubmissionBySync(ctx, "demo", line.ID)
	require.NoError(t, err)
	_, err = s.Revisions(ctx, "demo", line.ID)
	require.NoError(t, err)
	_, err = s.Submission(ctx, "demo", sub.ID)
	require.NoError(t, err)
	_, _, err = s.SubmissionBacklog(ctx)
	require.NoError(t, err)
	_, err = s.AnsweredSubmissions(ctx, []string{sub.ID})
	require.NoError(t, err)
	_, _, err = s.Submitted(ctx, method("k", "a"))
	require.NoError(t, err)
	_, err = s.UnstartedSubmissions(ctx, 0, 5)
	require.NoError(t, err)
	require.NoError(t, s.MarkStarted(ctx, sub.ID, "run"))
	require.NoError(t, s.SaveAnswer(ctx, "demo", line.ID, 1, 200, nil))
	_, _, err = s.Turn(ctx, "demo", line.ID, []string{"phone:1"})
	require.NoError(t, err)
	require.NoError(t, s.AddTickets(ctx, "demo", line.ID, []string{"email:x"}))
	_, err = s.QuietTickets(ctx, time.Minute, 5)
	require.NoError(t, err)
	require.NoError(t, s.RenewTickets(ctx, "demo", line.ID))
	_, err = s.DropQuietTickets(ctx, "demo", line.ID, time.Minute)
	require.NoError(t, err)
	_, err = s.PurgeTickets(ctx, "demo")
	require.NoError(t, err)
	require.NoError(t, s.DropTickets(ctx, "demo", line.ID))
	_, err = s.PurgeSubmissions(ctx, "demo", []string{"contact.find"}, time.Unix(1, 0))
	require.NoError(t, err)
	require.NoError(t, s.SaveCall(ctx, store.Call{Portal: "demo", CallID: "c"}))
	_, err = s.Call(ctx, "demo", "c")
	require.NoError(t, err)
	r, err := s.SaveRecording(ctx, store.Recording{Portal: "demo", SyncID: line.ID})
	require.NoError(t, err)
	_, err = s.RecordingOfSync(ctx, "demo", r.SyncID)
	require.NoError(t, err)
	_, err = s.AttachedRecording(ctx, "demo", "c", r.ID, "https://x")
	require.ErrorIs(t, err, store.ErrNotFound)
	_, err = s.RecordingsUsage(ctx, "demo")
	require.NoError(t, err)
	_, err = s.ExpiredRecordings(ctx, "demo", time.Now(), time.Now(), 5)
	require.NoError(t, err)
}

func useLines(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	w := newDesk(t, s, nil)
	for i := range 3 {
		_, err := s.SaveLine(ctx, "demo", "support", lineOf("Support", 1), "a", "b", 0)
		require.NoError(t, err)
		w.step(time.Minute, w.writes(openlines.ChatID(fmt.Sprint(i))))
	}
	w.step(time.Minute, act(openlines.MarkSpam, 1, 301))
	_, err := s.Line(ctx, "demo", "support")
	require.NoError(t, err)
	_, err = s.LineVersion(ctx, "demo", "support", 1)
	require.NoError(t, err)
	_, err = s.Lines(ctx, "demo")
	require.NoError(t, err)
	_, _, _, err = s.LineOfChannel(ctx, "demo", 1)
	require.NoError(t, err)
	_, err = s.SaveOperator(ctx, "demo", 301, store.OperatorChange{})
	require.NoError(t, err)
	_, err = s.Operator(ctx, "demo", 301)
	require.NoError(t, err)
	_, err = s.Operators(ctx, "demo")
	require.NoError(t, err)
	_, err = s.OpenLineMarks(ctx, "demo", 10)
	require.NoError(t, err)
	_, err = s.LinePortals(ctx)
	require.NoError(t, err)
	_, err = s.HasOpenLines(ctx, "demo")
	require.NoError(t, err)
	_, err = s.CountLineSessions(ctx, "demo")
	require.NoError(t, err)
	_, err = s.SessionRecords(ctx, "demo", 1)
	require.NoError(t, err)
	_, _, err = s.ChatPast(ctx, "demo", "0")
	require.NoError(t, err)
	_, err = s.LineNumbers(ctx, "demo")
	require.NoError(t, err)
	_, err = s.PurgeLineRecords(ctx, "demo", deskStart)
	require.NoError(t, err)
}

// usePages reads two pages of every list.
func usePages(ctx context.Context, t *testing.T, s *store.Store) {
	t.Helper()
	for range 3 {
		require.NoError(t, s.Audit(ctx, store.AuditEntry{Portal: "demo", Subject: "s"}))
		_, err := s.SaveSettings(ctx, "demo", settings.Settings{}, "a", "b", 0)
		require.NoError(t, err)
	}
	require.NoError(t, s.SavePortal(ctx, store.Portal{Slug: "zz"}))
	for name, list := range map[string]func(store.Page) (string, error){
		"portals": func(p store.Page) (string, error) { _, next, err := s.Portals(ctx, p); return next, err },
		"settings": func(p store.Page) (string, error) {
			_, next, err := s.SettingsHistory(ctx, "demo", p)
			return next, err
		},
		"audit":   func(p store.Page) (string, error) { _, next, err := s.AuditLog(ctx, "demo", "", p); return next, err },
		"subject": func(p store.Page) (string, error) { _, next, err := s.AuditLog(ctx, "demo", "s", p); return next, err },
		"inbox": func(p store.Page) (string, error) {
			_, next, err := s.InboxList(ctx, "demo", store.InboxFilter{Page: p, Status: "new", HookType: "inbox", ClientID: 7})
			return next, err
		},
		"syncs": func(p store.Page) (string, error) {
			_, next, err := s.Syncs(ctx, "demo", store.SyncFilter{Page: p})
			return next, err
		},
		"filtered syncs": func(p store.Page) (string, error) {
			f := store.SyncFilter{Page: p, Status: []string{"open", "done"}, Since: time.Unix(1, 0), Until: time.Now().Add(time.Hour), Query: "w"}
			_, next, err := s.Syncs(ctx, "demo", f)
			return next, err
		},
		"submissions": func(p store.Page) (string, error) {
			_, next, err := s.SubmissionsList(ctx, "demo", store.SubmissionFilter{Page: p})
			return next, err
		},
		"line history": func(p store.Page) (string, error) {
			_, next, err := s.LineHistory(ctx, "demo", "support", p)
			return next, err
		},
		"line sessions": func(p store.Page) (string, error) {
			_, next, err := s.LineSessions(ctx, "demo", store.LineSessionFilter{Page: p, Open: true})
			return next, err
		},
		"filtered line sessions": func(p store.Page) (string, error) {
			f := store.LineSessionFilter{Page: p, States: []openlines.State{openlines.Offered}, Line: "support"}
			_, next, err := s.LineSessions(ctx, "demo", f)
			return next, err
		},
		"line sessions of an operator": func(p store.Page) (string, error) {
			_, _, err := s.LineSessions(ctx, "demo", store.LineSessionFilter{Page: p, Operator: 302})
			return store.Cursor(1, "1.1"), err
		},
		"facts": func(p store.Page) (string, error) {
			_, next, err := s.SessionFacts(ctx, "demo", time.Unix(1, 0), time.Time{}, "", p)
			return next, err
		},
		"records": func(p store.Page) (string, error) {
			_, next, err := s.RecordsSince(ctx, "demo", time.Unix(1, 0), deskStart.Add(time.Hour), "support", p)
			return next, err
		},
		"counts": func(p store.Page) (string, error) {
			_, err := s.CountSyncs(ctx, "demo", store.SyncFilter{})
			return p.After + "x", err
		},
	} {
		next, err := list(store.Page{Limit: 1})
		require.NoError(t, err, name)
		require.NotEmpty(t, next, name)
		if name != "counts" {
			_, err = list(store.Page{Limit: 1, After: next})
			require.NoError(t, err, name)
		}
	}
}
