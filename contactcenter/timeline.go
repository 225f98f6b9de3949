package contactcenter

import (
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"puente/dialog"
	"puente/internal/strictdoc"
	"puente/texts"
)

// TimelineOptions says how a request is written down.
type TimelineOptions struct {
	Texts     texts.Bundle
	Zone      *time.Location // nil = UTC
	Limit     int            // longest comment in characters; 0 = dialog.DefaultLimit
	Marker    string         // stable mark by which the comment is found again, on the last line
	Revision  int            // from 1; later ones are shown as corrections
	Received  time.Time      // shown if the request does not say when it occurred
	Decisions []Decision
	Stays     bool // the deal, in another pipeline than that of the product
	Links     dialog.Links
}

// maxShown is how many characters of one value a comment shows; the file has all.
const maxShown = 300

// TimelineText writes a request as a timeline comment in BB code (product D4):
// channel, number, product, time in the portal's zone, contact, company, deal,
// call, what became of them in the CRM, the client's words and all fields of
// the form. Foreign text is shown as it is: neither BB code nor HTML of a client
// works.
//
// Nothing is lost: what does not fit (long values, more fields than the limit
// takes) stands in the attached text file, and the comment says so.
func TimelineText(r Request, o TimelineOptions) dialog.Rendered {
	if o.Limit <= 0 {
		o.Limit = dialog.DefaultLimit
	}
	t := timeline{request: r, options: o, style: bbStyle}
	return t.render()
}

// style is how foreign text gets into the comment or into the file.
type style struct {
	line, text func(string) string
	bold       func(string) string
	link       func(url, name string) string
	most       int // characters of a value; 0 = any
}

var (
	bbStyle = style{
		line: dialog.BBLine, text: dialog.BB, link: dialog.BBLink, most: maxShown,
		bold: func(s string) string { return "[b]" + s + "[/b]" },
	}
	plainStyle = style{
		line: oneLine, text: dialog.Plain, link: func(_, name string) string { return name },
		bold: func(s string) string { return s },
	}
)

type timeline struct {
	request Request
	options TimelineOptions
	style   style
	cut     bool // a value was too long for the comment
}

func (t *timeline) render() dialog.Rendered {
	head := t.head()
	end := ""
	if t.options.Marker != "" {
		end = "\n" + t.options.Marker
	}
	fields := t.fields()
	room := t.options.Limit - size(head) - size(end)
	message := t.message(room - size(t.note(len(fields))))
	shown := t.fitting(fields, room-size(message))
	if !t.cut && shown == len(fields) {
		return dialog.Rendered{Comment: head + message + joined(t.fieldsHead(), fields) + end}
	}
	shown = t.fitting(fields, room-size(message)-size(t.note(len(fields))))
	return dialog.Rendered{
		Comment:  head + message + joined(t.fieldsHead(), fields[:shown]) + t.note(shown) + end,
		FileName: t.fileName(), File: t.file(),
	}
}

func size(text string) int { return utf8.RuneCountInString(text) }

// joined puts a heading over lines; nothing if there are none.
func joined(head string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return head + strings.Join(lines, "")
}

// fitting is how many of the lines fit into room under their heading.
func (t *timeline) fitting(lines []string, room int) int {
	room -= size(t.fieldsHead())
	for i, line := range lines {
		if room -= size(line); room < 0 {
			return i
		}
	}
	return len(lines)
}

func (t *timeline) fieldsHead() string { return "\n" + t.style.bold(t.t("cc.fields")) + "\n" }

// fields are the fields of the form, one line each, by name.
func (t *timeline) fields() []string {
	var lines []string
	for _, name := range strictdoc.SortedKeys(t.request.Fields) {
		lines = append(lines, t.style.line(t.bounded(name))+": "+t.style.line(t.bounded(t.request.Fields[name]))+"\n")
	}
	return lines
}

// message is what the client wrote or said, as much of it as room takes: at
// least its beginning.
func (t *timeline) message(room int) string {
	text := strings.TrimSpace(t.request.Comment)
	if text == "" {
		return ""
	}
	head := "\n" + t.style.bold(t.t("cc.message")) + "\n"
	body := t.style.text(text) + "\n"
	if t.style.most == 0 {
		return head + body
	}
	for limit := room - size(head); size(head+body) > room && limit > maxShown; limit = limit * 3 / 4 {
		t.cut = true
		body = t.style.text(dialog.Shorten(text, limit)) + "\n"
	}
	return head + body
}

// bounded is a value as long as the style shows it.
func (t *timeline) bounded(value string) string {
	value = oneLine(value)
	if t.style.most > 0 && size(value) > t.style.most {
		t.cut = true
		return dialog.Shorten(value, t.style.most)
	}
	return value
}

func (t *timeline) note(shown int) string {
	return "\n" + t.options.Texts.T("cc.attached", map[string]any{
		"file": t.fileName(), "shown": shown, "total": len(t.request.Fields),
	}) + "\n"
}

// file is the complete request as plain text.
func (t *timeline) file() []byte {
	whole := timeline{request: t.request, options: t.options, style: plainStyle}
	return []byte(whole.head() + whole.message(0) + joined(whole.fieldsHead(), whole.fields()))
}

var notInFileNames = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func (t *timeline) fileName() string {
	const most = 60
	name := notInFileNames.ReplaceAllString(t.request.ExternalID, "-")
	return "request-" + name[:min(len(name), most)] + ".txt"
}

func (t *timeline) t(id string) string { return t.options.Texts.T(id, nil) }
