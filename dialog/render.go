package dialog

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"puente/texts"
)

// DefaultLimit is the length of a timeline comment, in characters, up to which
// a transcript is not attached as a file. Bitrix24 states no limit (bitrix24
// reference §4.1); this is well below what its database column holds.
const DefaultLimit = 20000

// RenderOptions says how a transcript is written.
type RenderOptions struct {
	Texts    texts.Bundle
	Zone     *time.Location   // nil = UTC
	Limit    int              // longest comment in characters; 0 = DefaultLimit
	Marker   string           // stable mark by which the comment is found again; always in the comment, as it is
	TagNames map[int64]string // names of tags; a tag without one is shown by its id
}

// Rendered is a transcript for the timeline: one comment in BB code and, if it
// does not hold everything, the complete transcript as a UTF-8 text file.
type Rendered struct {
	Comment  string `json:"comment"`
	FileName string `json:"file_name,omitempty"`
	File     []byte `json:"file,omitempty"`
}

// Render writes one closed cycle as a timeline comment (A2, A11): a header,
// then each message in order with time, author, text and links to its files.
// Lines of the service itself are left out; internal notes and bots are marked.
//
// Nothing is lost: if the comment would be longer than the limit, it holds the
// header, as many of the first messages as fit, and a sentence naming the
// attached file, which holds everything. The header, that sentence and the
// marker are always written, also if the limit is too small for them.
//
// Texts of clients are escaped (see EscapeBB): no BB code of theirs works.
func Render(s Snapshot, o RenderOptions) Rendered {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	r := renderer{snapshot: s, options: o, names: newNames(s, o.Texts), layout: o.Texts.T("format.line_time", nil)}
	return r.render()
}

type renderer struct {
	snapshot Snapshot
	options  RenderOptions
	names    names
	layout   string // of the time of a line
}

func (r *renderer) render() Rendered {
	head, shortened := r.header(bbStyle)
	end := ending(r.options.Marker)
	room := r.options.Limit - utf8.RuneCountInString(head) - utf8.RuneCountInString(end)
	lines, complete := r.lines(room)
	if complete && !shortened {
		return Rendered{Comment: head + strings.Join(lines, "") + end}
	}
	return r.withFile(head, end, lines, room)
}

// lines writes messages until room characters are used up; complete says that
// all of them fit.
func (r *renderer) lines(room int) (lines []string, complete bool) {
	for _, m := range r.snapshot.Messages {
		if m.Author == AuthorSystem {
			continue
		}
		line := r.line(bbStyle, m)
		if room -= utf8.RuneCountInString(line); room < 0 {
			return lines, false
		}
		lines = append(lines, line)
	}
	if len(lines) == 0 {
		lines = append(lines, r.t("transcript.empty")+"\n")
	}
	return lines, true
}

// withFile drops lines until the sentence about the file fits as well.
func (r *renderer) withFile(head, end string, lines []string, room int) Rendered {
	used := 0
	for _, line := range lines {
		used += utf8.RuneCountInString(line)
	}
	name := r.fileName()
	note := r.note(name, len(lines))
	for len(lines) > 0 && used+utf8.RuneCountInString(note) > room {
		used -= utf8.RuneCountInString(lines[len(lines)-1])
		lines = lines[:len(lines)-1]
		note = r.note(name, len(lines))
	}
	return Rendered{
		Comment:  head + strings.Join(lines, "") + note + end,
		FileName: name,
		File:     r.file(),
	}
}

func (r *renderer) note(file string, shown int) string {
	data := map[string]any{"file": file, "shown": shown, "total": r.count()}
	return "\n" + r.options.Texts.T("transcript.attached", data) + "\n"
}

// file is the complete transcript as plain text.
func (r *renderer) file() []byte {
	var out strings.Builder
	head, _ := r.header(plainStyle)
	out.WriteString(head)
	for _, m := range r.snapshot.Messages {
		if m.Author != AuthorSystem {
			out.WriteString(r.line(plainStyle, m))
		}
	}
	return []byte(out.String())
}

func (r *renderer) fileName() string {
	return fmt.Sprintf("dialog-%d-%d.txt", r.snapshot.DialogID, r.snapshot.RequestID)
}

// count is the number of messages that are shown.
func (r *renderer) count() int {
	n := 0
	for _, m := range r.snapshot.Messages {
		if m.Author != AuthorSystem {
			n++
		}
	}
	return n
}

func (r *renderer) t(id string) string { return r.options.Texts.T(id, nil) }

// HasMarker says whether a comment read back from the timeline was written
// with this marker. Only the last line counts: a client can write a marker into
// a message, but not to the end of a comment.
func HasMarker(comment, marker string) bool {
	lines := strings.Split(strings.TrimSpace(comment), "\n")
	return marker != "" && strings.TrimSpace(lines[len(lines)-1]) == marker
}

// ending puts the marker on a line of its own, the last one.
func ending(marker string) string {
	if marker == "" {
		return ""
	}
	return "\n" + marker
}
