package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puente/dialog"
	"puente/rerun"
	"puente/service"
	"puente/store"
)

func (a *app) syncsCommand() *cobra.Command {
	root := &cobra.Command{Use: "syncs", Short: "See the ledger, run failed syncs again"}
	var portal string
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.PersistentFlags().StringVarP(&portal, "portal", "p", "", "the portal; may be left out if there is only one")
	with := func(do func(context.Context, *service.Service, string) error) func(*cobra.Command, []string) error {
		return func(c *cobra.Command, _ []string) error {
			return a.withService(c.Context(), func(s *service.Service) error {
				slug, err := onlyPortal(c.Context(), s.Store, portal)
				if err != nil {
					return err
				}
				return do(c.Context(), s, slug)
			})
		}
	}
	root.AddCommand(a.syncsList(with), a.syncsShow(with), a.syncsRerun(with), a.syncsAbandon(with))
	return root
}

// onPortal wraps a command that works on one portal.
type onPortal func(do func(context.Context, *service.Service, string) error) func(*cobra.Command, []string) error

// onlyPortal is the named portal, or the one there is.
func onlyPortal(ctx context.Context, s *store.Store, named string) (string, error) {
	if named != "" {
		_, err := s.Portal(ctx, named)
		return named, noPortal(named, err)
	}
	all, _, err := s.Portals(ctx, store.Page{Limit: 2})
	switch {
	case err != nil:
		return "", err
	case len(all) == 1:
		return all[0].Slug, nil
	case len(all) == 0:
		return "", errors.New("no portal is connected: see `puente portal add`")
	default:
		return "", errors.New("several portals are connected: say which by --portal")
	}
}

func (a *app) syncsList(with onPortal) *cobra.Command {
	var f store.SyncFilter
	var since time.Duration
	c := &cobra.Command{Use: "list", Short: "List runs, newest first", Args: cobra.NoArgs}
	c.RunE = with(func(ctx context.Context, s *service.Service, portal string) error {
		if err := knownStatuses(f.Status); err != nil {
			return err
		}
		if since > 0 {
			f.Since = time.Now().Add(-since)
		}
		rows, next, err := s.Store.Syncs(ctx, portal, f)
		if err != nil {
			return err
		}
		return a.printSyncs(rows, next)
	})
	c.Flags().StringSliceVarP(&f.Status, "status", "s", nil, "open, syncing, failed, done, skipped, abandoned")
	c.Flags().DurationVar(&since, "since", 0, "not older than this, for example 24h")
	c.Flags().StringVarP(&f.Query, "query", "q", "", "id of a dialog, request, client or entity, or words of the error")
	c.Flags().IntVarP(&f.Page.Limit, "limit", "n", store.DefaultPage, "rows")
	c.Flags().StringVar(&f.Page.After, "cursor", "", "the cursor a page ended with")
	return c
}

func (a *app) printSyncs(rows []store.Sync, next string) error {
	if a.json {
		if rows == nil {
			rows = []store.Sync{}
		}
		return printJSON(a.out, map[string]any{"items": rows, "next_cursor": next})
	}
	if len(rows) == 0 {
		_, err := fmt.Fprintln(a.out, "There is no such run.")
		return err
	}
	lines := make([][]string, len(rows))
	for i, r := range rows {
		lines[i] = []string{r.ID, r.Status, number(r.DialogID), number(r.RequestID), number(r.ClientID), entity(r), moment(r.UpdatedAt), why(r)}
	}
	err := table(a.out, []string{"ID", "STATUS", "DIALOG", "REQUEST", "CLIENT", "ENTITY", "UPDATED (UTC)", "WHY"}, lines)
	if err != nil || next == "" {
		return err
	}
	_, err = fmt.Fprintf(a.out, "more: --cursor %s\n", next)
	return err
}

func entity(r store.Sync) string {
	switch {
	case r.DealID != 0:
		return fmt.Sprintf("deal %d", r.DealID)
	case r.LeadID != 0:
		return fmt.Sprintf("lead %d", r.LeadID)
	default:
		return "-"
	}
}

// listHint says where ids of runs come from.
const listHint = "`puente syncs list` shows the ids"

// knownStatuses refuses a misspelled state: it would match nothing, silently.
func knownStatuses(given []string) error {
	known := []string{store.SyncOpen, store.SyncSyncing, store.SyncFailed, store.SyncDone, store.SyncSkipped, store.SyncAbandoned}
	for _, status := range given {
		if !slices.Contains(known, status) {
			return fmt.Errorf("there is no status %q; there are: %s", status, strings.Join(known, ", "))
		}
	}
	return nil
}

// why is the error of a failed run, the reason of a skipped or abandoned one,
// the rule of a finished one.
func why(r store.Sync) string {
	if r.Status == store.SyncFailed {
		text := r.ErrorText
		if !strings.Contains(text, r.ErrorCode) { // most systems repeat their code in their words
			text = r.ErrorCode + " " + text
		}
		return r.ErrorStep + ": " + text
	}
	if r.Reason != "" {
		return r.Reason
	}
	return r.Rule
}

func (a *app) syncsShow(with onPortal) *cobra.Command {
	c := &cobra.Command{Use: "show <id>", Short: "Show one run with its steps", Args: named("run", listHint)}
	c.RunE = func(c *cobra.Command, args []string) error {
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			row, err := s.Store.Sync(ctx, portal, args[0])
			if err != nil {
				return noSync(args[0], err)
			}
			steps, err := s.Store.Steps(ctx, row.ID)
			if err != nil {
				return err
			}
			return a.printSync(row, steps)
		})(c, args)
	}
	return c
}

func (a *app) printSync(r store.Sync, steps []store.Step) error {
	if a.json {
		return printJSON(a.out, map[string]any{"sync": r, "steps": steps})
	}
	facts := [][]string{
		{"workflow", r.WorkflowID},
		{"run", r.RunID},
		{"why", why(r)},
		{"client", number(r.ClientID)},
		{"channel", number(r.ChannelID)},
		{"contact", number(r.ContactID)},
		{"entity", entity(r)},
		{"settings", fmt.Sprintf("version %d", r.SettingsVersion)},
		{"attempts", fmt.Sprintf("%d, re-run %d times", r.Attempts, r.Reruns)},
		{"requests", fmt.Sprint(r.Requests)},
		{"created", moment(r.CreatedAt)},
		{"finished", moment(r.FinishedAt)},
	}
	if len(r.Correction) > 0 {
		facts = append(facts, []string{"correction", string(r.Correction)})
	}
	title := []string{r.Status, fmt.Sprintf("dialog %d, request %d, close %d", r.DialogID, r.RequestID, max(r.Cycle, 1))}
	if err := table(a.out, title, facts); err != nil {
		return err
	}
	lines := make([][]string, len(steps))
	for i, s := range steps {
		target := ""
		if s.EntityID != 0 {
			target = fmt.Sprintf("%s %d", s.EntityKind, s.EntityID)
		}
		lines[i] = []string{s.Name, s.Status, target, strings.TrimSpace(s.Detail + " " + s.Error)}
	}
	if _, err := fmt.Fprintln(a.out); err != nil {
		return err
	}
	return table(a.out, []string{"STEP", "STATUS", "ENTITY", "DETAIL"}, lines)
}

func noSync(id string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("the portal has no sync %s", id)
	}
	return err
}

func (a *app) syncsRerun(with onPortal) *cobra.Command {
	var r rerun.Request
	var correction string
	c := &cobra.Command{
		Use: "rerun <id>", Short: "Run a failed sync again, corrected if need be", Args: named("run", listHint),
		Example: `  puente syncs rerun 0192… --reason "the field was added"
  puente syncs rerun 0192… --reason "wrong client" --correction '{"contact_id": 42}'`,
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		return with(func(ctx context.Context, s *service.Service, portal string) (err error) {
			if r.Correction, err = readCorrection(correction); err != nil {
				return err
			}
			out, err := s.Rerun.One(ctx, portal, args[0], r)
			return a.printOutcome(out, err)
		})(c, args)
	}
	c.Flags().StringVar(&correction, "correction", "", "what is to be different: JSON, or @file")
	requestFlags(c, &r)
	return c
}

func (a *app) syncsAbandon(with onPortal) *cobra.Command {
	var r rerun.Request
	c := &cobra.Command{Use: "abandon <id>", Short: "Give a failed sync up for good", Args: named("run", listHint)}
	c.RunE = func(c *cobra.Command, args []string) error {
		if strings.TrimSpace(r.Reason) == "" {
			return errors.New("say by --reason why the sync is given up; the ledger keeps it")
		}
		return with(func(ctx context.Context, s *service.Service, portal string) error {
			out, err := s.Rerun.Abandon(ctx, portal, args[0], r)
			return a.printOutcome(out, err)
		})(c, args)
	}
	requestFlags(c, &r)
	return c
}

func requestFlags(c *cobra.Command, r *rerun.Request) {
	c.Flags().StringVarP(&r.Reason, "reason", "r", "", "why; kept in the audit log")
	c.Flags().StringVar(&r.Actor, "actor", currentUser(), "who asks; kept in the audit log")
	c.Flags().StringVar(&r.RequestID, "idempotency-key", "", "repeating the command with the same key does nothing new")
}

// readCorrection is strict: a misspelled key would correct nothing, silently.
func readCorrection(text string) (*dialog.Correction, error) {
	if name, isFile := strings.CutPrefix(text, "@"); isFile {
		data, err := os.ReadFile(name) //nolint:gosec // the person at the terminal names the file
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	if text == "" {
		return nil, nil
	}
	var c dialog.Correction
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return nil, fmt.Errorf("the correction cannot be read: %w", err)
	}
	return &c, nil
}

func (a *app) printOutcome(out rerun.Outcome, err error) error {
	var refused *rerun.Error
	switch {
	case errors.As(err, &refused) && refused.Kind == rerun.Unreachable:
		return fmt.Errorf("%w: Temporal is looked for at %s (TEMPORAL_ADDRESS), and a worker must run", err, a.temporalAddress())
	case err != nil:
		return err
	case a.json:
		return printJSON(a.out, map[string]string{
			"sync_id": out.Sync.ID, "workflow_id": out.WorkflowID, "run_id": out.RunID, "request_id": out.RequestID, "how": string(out.How),
		})
	case out.How == "":
		_, err = fmt.Fprintf(a.out, "abandoned: %s\n", out.WorkflowID)
	default:
		_, err = fmt.Fprintf(a.out, "accepted, %s: %s\nSee how it ends: puente syncs show %s --portal %s\n",
			out.How, out.WorkflowID, out.Sync.ID, out.Sync.Portal)
	}
	return err
}
