package demo

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// print writes the table and the verdict. Addresses stand there in full, so
// that a terminal makes them clickable.
func (r Report) print(out io.Writer) {
	_, _ = fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\tDIALOG\tSCENE\tRESULT\tENTITY\tREQUESTS\tWORKFLOW\tCARD\t")
	for _, row := range r.Rows {
		_, _ = fmt.Fprintln(table, row.line())
	}
	_ = table.Flush()
	_, _ = fmt.Fprintf(out, "\n%s\n", r.summary())
	for _, problem := range r.Problems {
		_, _ = fmt.Fprintln(out, "  ✗", problem)
	}
}

func (r Row) line() string {
	result := r.Status
	if result == "" {
		result = "(none)"
	}
	if r.Parked != "" {
		result += " after re-run"
	}
	shown, _ := r.entity(r.Scene.Expect.Kind)
	entity, card := "-", "-"
	if shown.ID != 0 {
		entity, card = fmt.Sprintf("%s %d", shown.Kind, shown.ID), shown.URL
	}
	cells := []string{
		mark(r.Mismatches), fmt.Sprintf("%d/%d", r.DialogID, r.RequestID), r.Scene.Title, result, entity, strconv.Itoa(r.Requests),
		r.RunURL, card, "",
	}
	return strings.Join(cells, "\t")
}

func (r Report) summary() string {
	counts := map[string]int{}
	requests := 0
	for _, row := range r.Rows {
		counts[row.Status]++
		requests += row.Requests
	}
	text := fmt.Sprintf("%d cycles:", len(r.Rows))
	for _, status := range sortedKeys(counts) {
		text += fmt.Sprintf(" %d %s,", counts[status], status)
	}
	text += fmt.Sprintf(" %d requests of syncs.\n", requests)
	text += r.Portal.String()
	if r.OK {
		return text + "Every outcome is the expected one."
	}
	return text + fmt.Sprintf("%d outcomes are not the expected ones:", len(r.Problems))
}

// String tells what the portal counted, in a line.
func (s PortalStats) String() string {
	return fmt.Sprintf("The portal counted since its start: %d requests with %d commands, %d refused, at most %d in a second.\n",
		s.Requests, s.Commands, s.Refused, s.PeakPerSecond)
}
