package demo

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// print writes the table, the decisions in the words of the desk, and the verdict.
func (r LineReport) print(out io.Writer) {
	_, _ = fmt.Fprintln(out)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "\tSESSION\tCLIENT\tLINE\tSTATE\tOFFERED TO\tOWNER\tFIRST REPLY\tCLOSED\tVOTE\tUNREAD\tCRM\tWORKFLOW\tCARD\t")
	for _, row := range r.Rows {
		_, _ = fmt.Fprintln(table, row.line())
	}
	_ = table.Flush()
	_, _ = fmt.Fprintln(out, "\nWho was asked, and why:")
	for _, row := range r.Rows {
		for _, o := range row.Session.offers() {
			_, _ = fmt.Fprintf(table, "\t%d\t%s\tto user %d: %s\t\n", row.Session.ID, row.Chat.Name, o.User, o.Why)
		}
	}
	_ = table.Flush()
	_, _ = fmt.Fprintf(out, "\n%s\n", r.summary())
	for _, problem := range r.Problems {
		_, _ = fmt.Fprintln(out, "  ✗", problem)
	}
}

func (r LineRow) line() string {
	var asked []string
	for _, o := range r.Session.offers() {
		asked = append(asked, fmt.Sprintf("%d %s", o.User, cmp.Or(o.End, "open")))
	}
	shown := Entity{}
	if r.Session.Item != nil {
		shown = *r.Session.Item
	}
	owner, item := "-", "-"
	if r.Session.Owner != 0 {
		owner = strconv.FormatInt(r.Session.Owner, 10)
	}
	if shown.ID != 0 {
		item = fmt.Sprintf("%s %d", shown.Kind, shown.ID)
	}
	return strings.Join([]string{
		mark(r.Mismatches), strconv.FormatInt(r.Session.ID, 10), r.Chat.Name, r.Chat.Line, cmp.Or(r.Session.State, "(none)"),
		cmp.Or(strings.Join(asked, ", "), "-"), owner, cmp.Or(r.Session.told(firstReply), "-"), cmp.Or(r.Session.Reason, "-"),
		cmp.Or(r.Session.told(voteGiven), "-"), strconv.Itoa(r.Session.Unread), item, r.Session.RunURL, cmp.Or(shown.URL, "-"), "",
	}, "\t")
}

func (r LineReport) summary() string {
	text := fmt.Sprintf("%d sessions, %d of them closed; first reply after %s (median of %d); votes: %d good, %d bad.\n",
		r.Kept.Started, r.Kept.Closed, time.Duration(r.Kept.FirstReply.Calendar.Median*float64(time.Second)).Round(100*time.Millisecond),
		r.Kept.FirstReply.Calendar.Count, r.Kept.Votes.Good, r.Kept.Votes.Bad)
	if queue := r.queueURL(); queue != "" {
		text += "The desk that decides for all lines: " + queue + "\n"
	}
	if r.OK {
		return text + "Every outcome is the expected one."
	}
	return text + fmt.Sprintf("%d outcomes are not the expected ones:", len(r.Problems))
}

func (r LineReport) queueURL() string {
	for _, row := range r.Rows {
		if row.Session.QueueURL != "" {
			return row.Session.QueueURL
		}
	}
	return ""
}
