package demo

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
)

// print writes the tables and the verdict, as the day of dialogs does.
func (r CenterReport) print(out io.Writer) {
	_, _ = fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\tFROM\tSENT\tREQUEST\tRESULT\tCONTACT\tCOMPANY\tDEAL\tCALL\tREQUESTS\tWORKFLOW\tCARD\t")
	for _, row := range r.Rows {
		_, _ = fmt.Fprintln(table, row.line())
	}
	_ = table.Flush()
	_, _ = fmt.Fprintln(out)
	_, _ = fmt.Fprintln(table, "\tMETHOD\tHTTP\tANSWER\t")
	for _, m := range r.Methods {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%d\t%s\t\n", mark(m.Mismatches), m.Method, m.HTTP, m.Shown)
	}
	_ = table.Flush()
	_, _ = fmt.Fprintf(out, "\n%s\n", r.summary())
	for _, problem := range r.Problems {
		_, _ = fmt.Fprintln(out, "  ✗", problem)
	}
}

func mark(mismatches []string) string {
	if len(mismatches) > 0 {
		return "✗"
	}
	return "✓"
}

func (r CenterRow) line() string {
	channel, _ := r.Inquiry.Body["channel"].(string)
	way := "API key"
	if r.Inquiry.Signed {
		way = "signed"
	}
	result := r.Status
	switch {
	case result == "":
		result = "(none)"
	case r.Waited:
		result += " after a choice"
	case r.Inquiry.revision() > 1:
		result += " (correction)"
	}
	cells := []string{
		mark(r.Mismatches), channel, way, r.Inquiry.Title, result, r.outcome("contact"), r.outcome("company"), r.outcome("deal"), r.callShown(),
		strconv.Itoa(r.Requests), r.RunURL, r.card(), "",
	}
	return strings.Join(cells, "\t")
}

// outcome is such as "12 created".
func (r CenterRow) outcome(kind string) string {
	d := r.Answer.decision(kind)
	if d.ID == 0 {
		return "-"
	}
	return fmt.Sprintf("%d %s", d.ID, d.Outcome)
}

func (r CenterRow) callShown() string {
	switch {
	case r.Inquiry.Wants.Call == nil || len(r.Seen.Calls) == 0:
		return "-"
	case r.Inquiry.Wants.Call.Open:
		return "rings"
	case r.Seen.Calls[0].Record != nil:
		return "with recording"
	case r.Seen.Calls[0].Code == codeMissed:
		return "missed"
	}
	return "without recording"
}

// card is the address of the deal, else of the contact.
func (r CenterRow) card() string {
	for _, kind := range []string{"deal", "contact"} {
		for _, e := range r.Entities {
			if e.Kind == kind {
				return e.URL
			}
		}
	}
	return "-"
}

func (r CenterReport) summary() string {
	ofRun, requests := map[string]int{}, 0
	for _, row := range r.Rows {
		if row.Run != "" {
			ofRun[row.Run] = row.Requests // a correction counts on from the revision before
		}
	}
	for _, n := range ofRun {
		requests += n
	}
	text := fmt.Sprintf("%d requests in %d runs, and %d methods; %d requests of these runs to the portal.\n",
		len(r.Rows), len(ofRun), len(r.Methods), requests)
	text += r.Portal.String()
	if r.OK {
		return text + "Every outcome is the expected one."
	}
	return text + fmt.Sprintf("%d outcomes are not the expected ones:", len(r.Problems))
}
