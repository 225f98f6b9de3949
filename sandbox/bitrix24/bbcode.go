package bitrix24

import (
	"html/template"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// bbTag finds the BB codes that CRM comments and notifications use.
var bbTag = regexp.MustCompile(`(?i)\[(/?)(b|i|u|s|p|code|quote|url|user|size|color|list|\*|br)(?:=([^\[\]]*))?\]`)

// bbHTML are the codes that are plain elements.
var bbHTML = map[string]string{"b": "b", "i": "i", "u": "u", "s": "s", "code": "code", "quote": "blockquote", "p": "p", "list": "ul"}

// bbWriter turns BB code into HTML. All text is escaped; only codes it knows
// become elements, and every element it opens it closes.
type bbWriter struct {
	out  strings.Builder
	open []string // codes that are open, innermost last
}

// renderBB renders text with BB codes safely.
func renderBB(text string) template.HTML {
	w := &bbWriter{}
	for text != "" {
		at := bbTag.FindStringSubmatchIndex(text)
		if at == nil {
			break
		}
		w.text(text[:at[0]])
		tag := text[at[0]:at[1]]
		m := bbTag.FindStringSubmatch(tag)
		rest := text[at[1]:]
		rest = w.tag(m[1] == "/", strings.ToLower(m[2]), m[3], tag, rest)
		text = rest
	}
	w.text(text)
	w.closeTo(0)
	return template.HTML(w.out.String()) //nolint:gosec // text was escaped piece by piece
}

func (w *bbWriter) text(s string) {
	s = template.HTMLEscapeString(strings.ReplaceAll(s, "\r\n", "\n"))
	w.out.WriteString(strings.ReplaceAll(s, "\n", "<br>\n"))
}

// tag writes one code and gives the text that is still to be rendered.
func (w *bbWriter) tag(closing bool, name, value, raw, rest string) string {
	switch {
	case closing:
		w.close(name, raw)
	case w.inCode():
		w.text(raw)
	case name == "br":
		w.out.WriteString("<br>\n")
	case name == "*":
		w.out.WriteString("<li>")
	case name == "url" && value == "":
		return w.bareURL(rest, raw)
	case name == "url":
		w.link(value, raw)
	case name == "user", name == "size", name == "color":
		w.start(name, "<span>")
	default:
		w.start(name, "<"+bbHTML[name]+">")
	}
	return rest
}

func (w *bbWriter) inCode() bool { return len(w.open) > 0 && w.open[len(w.open)-1] == "code" }

func (w *bbWriter) start(name, html string) {
	w.open = append(w.open, name)
	w.out.WriteString(html)
}

// close ends the innermost element of a name and all within it; without one the code is text.
func (w *bbWriter) close(name, raw string) {
	for i, open := range slices.Backward(w.open) {
		if open == name && (name == "code" || !w.inCode()) {
			w.closeTo(i)
			return
		}
	}
	w.text(raw)
}

func (w *bbWriter) closeTo(n int) {
	for i := len(w.open) - 1; i >= n; i-- {
		element := bbHTML[w.open[i]]
		switch w.open[i] {
		case "url":
			element = "a"
		case "user", "size", "color":
			element = "span"
		}
		w.out.WriteString("</" + element + ">")
	}
	w.open = w.open[:n]
}

// link opens a link if its address is harmless, else shows the code as text.
func (w *bbWriter) link(address, raw string) {
	if !harmless(address) {
		w.text(raw)
		return
	}
	w.start("url", `<a rel="noopener noreferrer" href="`+template.HTMLEscapeString(address)+`">`)
}

// bareURL renders [url]address[/url].
func (w *bbWriter) bareURL(rest, raw string) string {
	end := strings.Index(strings.ToLower(rest), "[/url]")
	if end < 0 || !harmless(rest[:end]) {
		w.text(raw)
		return rest
	}
	w.link(rest[:end], raw)
	w.text(rest[:end])
	w.close("url", "")
	return rest[end+len("[/url]"):]
}

func harmless(address string) bool {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return false
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https", "mailto", "tel":
		return true
	default:
		return u.Scheme == "" && strings.HasPrefix(address, "/") && !strings.HasPrefix(address, "//")
	}
}
