package dialog

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxHeaderValue is how many characters of one value the header of a comment
// shows; a longer one stands complete in the file.
const maxHeaderValue = 300

// header writes what is known of the cycle, one fact per line. shortened says
// that a value was too long for a comment.
func (r *renderer) header(st style) (text string, shortened bool) {
	var out strings.Builder
	out.WriteString(st.bold(r.t("header.title")) + "\n")
	for _, fact := range r.facts() {
		if fact.value == "" {
			continue
		}
		value := oneLine(fact.value)
		if st.most > 0 && utf8.RuneCountInString(value) > st.most {
			value, shortened = shorten(value, st.most), true
		}
		out.WriteString(r.t("header."+fact.id) + ": " + st.line(value) + "\n")
	}
	if r.snapshot.Source == SourceWebhooks {
		out.WriteString(r.t("transcript.webhooks") + "\n")
	}
	out.WriteString("\n")
	return out.String(), shortened
}

type fact struct{ id, value string }

func (r *renderer) facts() []fact {
	s := r.snapshot
	return []fact{
		{"client", r.clientFact()},
		{"channel", named(s.ChannelName, s.ChannelID)},
		{"transport", s.Transport},
		{"operator", r.operatorFact()},
		{"dialog", id(s.DialogID)},
		{"request", id(s.RequestID)},
		{"opened", r.dateTime(s.OpenedAt)},
		{"closed", r.dateTime(s.ClosedAt)},
		{"analytics", analyticsFact(s.Analytics)},
		{"tags", r.tagsFact()},
		{"messages", strconv.Itoa(r.count())},
	}
}

// clientFact is the name and what identifies the client: phone, e-mail,
// messenger identity, each once.
func (r *renderer) clientFact() string {
	c := r.snapshot.Client
	var marks []string
	for _, mark := range []string{c.Phone, c.Email, c.Identity} {
		same := func(other string) bool { return strings.TrimLeft(other, "+") == strings.TrimLeft(mark, "+") }
		if mark != "" && !slices.ContainsFunc(marks, same) {
			marks = append(marks, mark)
		}
	}
	return strings.TrimSpace(r.names.client + " " + parenthesised(strings.Join(marks, ", ")))
}

func (r *renderer) operatorFact() string {
	if r.snapshot.OperatorID == 0 && r.snapshot.OperatorName == "" {
		return ""
	}
	return r.names.operator(r.snapshot.OperatorID, r.snapshot.OperatorName)
}

// dateTime writes a time with the zone it is in.
func (r *renderer) dateTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	in := t.In(r.options.Zone)
	zone := r.options.Zone.String()
	if offset := "UTC" + in.Format("-07:00"); zone != "UTC" {
		zone += ", " + offset
	}
	return in.Format(r.t("format.date_time")) + " (" + zone + ")"
}

func analyticsFact(analytics map[string]string) string {
	var pairs []string
	for _, key := range slices.Sorted(maps.Keys(analytics)) {
		if value := strings.TrimSpace(analytics[key]); value != "" {
			pairs = append(pairs, key+"="+value)
		}
	}
	return strings.Join(pairs, "; ")
}

// tagsFact names the tags of the request and of the client, each once.
func (r *renderer) tagsFact() string {
	ids := slices.Concat(r.snapshot.RequestTags, r.snapshot.Client.TagIDs)
	slices.Sort(ids)
	var words []string
	for _, tag := range slices.Compact(ids) {
		words = append(words, named(r.options.TagNames[tag], tag))
	}
	return strings.Join(words, ", ")
}

// named is a name with its id, or the id alone.
func named(name string, number int64) string {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return id(number)
	case number == 0:
		return name
	}
	return name + " (" + id(number) + ")"
}

// id writes an id, nothing for 0.
func id(number int64) string {
	if number == 0 {
		return ""
	}
	return strconv.FormatInt(number, 10)
}
