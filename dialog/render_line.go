package dialog

import (
	"path"
	"strings"
	"time"
)

// style is how foreign text gets into the comment or into the file.
type style struct {
	text func(string) string           // of several lines
	line func(string) string           // on one line
	bold func(string) string           // of text that is ready
	link func(url, name string) string // a named file
	most int                           // characters of a header value; 0 = any
}

var (
	bbStyle = style{
		text: bb, line: bbLine, link: bbLink, most: maxHeaderValue,
		bold: func(s string) string { return "[b]" + s + "[/b]" },
	}
	plainStyle = style{
		text: clean, line: oneLine, link: plainLink,
		bold: func(s string) string { return s },
	}
)

func plainLink(url, name string) string {
	return strings.TrimSpace(oneLine(name) + " " + oneLine(url))
}

// line writes one message: time, author and text, then its place and each of
// its files on a line of its own under it. The author is bold, which a client
// cannot imitate.
func (r *renderer) line(st style, m Message) string {
	var out strings.Builder
	out.WriteString("[" + r.time(m.Time) + "] " + st.bold(r.author(st, m)+":"))
	parts := r.parts(st, m)
	if len(parts) == 0 {
		parts = []string{r.t("line.empty")}
	}
	out.WriteString(" " + strings.Join(parts, "\n") + "\n")
	return out.String()
}

func (r *renderer) parts(st style, m Message) []string {
	var parts []string
	if strings.TrimSpace(m.Text) != "" {
		parts = append(parts, st.text(m.Text))
	}
	if m.Location != "" {
		parts = append(parts, r.t("line.location")+": "+st.line(m.Location))
	}
	for _, f := range m.Files {
		parts = append(parts, r.t("line.file")+": "+st.link(f.URL, fileName(f)))
	}
	return parts
}

// fileName is a name to show: its own, else the last part of the address.
func fileName(f File) string {
	if name := strings.TrimSpace(f.Name); name != "" {
		return name
	}
	address, _, _ := strings.Cut(f.URL, "?")
	if base := path.Base(address); base != "." && base != "/" {
		return base
	}
	return f.URL
}

func (r *renderer) time(t time.Time) string {
	if t.IsZero() {
		return "—"
	}
	return t.In(r.options.Zone).Format(r.layout)
}

func (r *renderer) author(st style, m Message) string {
	switch m.Author {
	case AuthorClient:
		return st.line(r.names.client)
	case AuthorOperator:
		return st.line(r.names.operator(m.OperatorID, m.Name))
	case AuthorComment:
		name := st.line(r.names.operator(m.OperatorID, m.Name))
		return r.options.Texts.T("author.note", map[string]any{"name": name})
	default:
		return r.t("author.bot")
	}
}
