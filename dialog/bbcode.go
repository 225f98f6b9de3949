package dialog

import (
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// Timeline comments and notifications are BB code (bitrix24 reference §9.10),
// and a client may write anything. Brackets that could begin a tag get a
// zero-width space behind them: the text looks the same, nothing is lost, no
// tag is left, and UnescapeBB gives back the original to the letter.

// zeroWidth is what stands between a bracket and what would be a tag name.
const zeroWidth = '\u200b'

// batchReference begins a reference to an earlier command of a batch
// (bitrix24 reference §2.4): the portal would replace it by what it finds.
// Zero-width spaces that stand there already are kept apart from ours.
var (
	batchReference  = regexp.MustCompile(`\$result(\x{200b}*)\[`)
	brokenReference = regexp.MustCompile(`\$result\x{200b}(\x{200b}*)\[`)
)

// literal keeps the portal from taking foreign text for a batch reference: a
// zero-width space stands between $result and its bracket.
func literal(text string) string {
	if !strings.Contains(text, "$result") {
		return text
	}
	return batchReference.ReplaceAllString(text, "$$result"+string(zeroWidth)+"${1}[")
}

// EscapeBB makes text safe to stand in BB code. Only brackets that could begin
// a tag are touched: "[b]", "[/url]", "[*]", also unfinished ones like "[ok";
// "[1]" cannot. A batch reference like "$result[1]" is broken as well.
func EscapeBB(text string) string {
	if !strings.Contains(text, "[") {
		return text
	}
	text = literal(text)
	var out strings.Builder
	out.Grow(len(text) + 16)
	for i := range len(text) {
		out.WriteByte(text[i])
		if text[i] == '[' && startsTag(text[i+1:]) {
			out.WriteRune(zeroWidth)
		}
	}
	return out.String()
}

// UnescapeBB undoes EscapeBB.
func UnescapeBB(text string) string {
	text = strings.ReplaceAll(text, "["+string(zeroWidth), "[")
	return brokenReference.ReplaceAllString(text, "$$result${1}[")
}

// startsTag says whether a bracket followed by rest could be read as a tag. A
// zero-width space counts too, or unescaping would take one of the client's.
func startsTag(rest string) bool {
	if strings.HasPrefix(rest, string(zeroWidth)) {
		return true
	}
	rest = strings.TrimLeft(rest, " \t")
	if rest == "" {
		return true // what we write next must not complete a tag
	}
	c := rest[0]
	return c == '/' || c == '*' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// clean brings line breaks to \n, makes control characters visible (␀) instead
// of dropping them, and repairs invalid UTF-8. HTML stays what it is: text.
func clean(text string) string {
	text = strings.ToValidUTF8(text, string(unicode.ReplacementChar))
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return '\n'
		case r == '\n' || r == '\t':
			return r
		case r < 0x20:
			return 0x2400 + r // control pictures
		case r == 0x7f:
			return '\u2421'
		case 0x80 <= r && r < 0xa0:
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// oneLine is clean text on a single line, for names and values.
func oneLine(text string) string {
	return strings.Join(strings.Fields(clean(text)), " ")
}

// The Unicode marks around a text whose direction is its own.
const (
	isolate    = "\u2068" // FSI
	popIsolate = "\u2069" // PDI
)

// isolated keeps right-to-left text, and direction marks in it, from reordering
// the time and the name beside it. Directions end with their line, so each line
// is isolated by itself; ordinary lines stay untouched.
func isolated(text string) string {
	if strings.IndexFunc(text, isDirected) < 0 {
		return text
	}
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.IndexFunc(line, isDirected) >= 0 {
			lines[i] = isolate + balanced(line) + popIsolate
		}
	}
	return strings.Join(lines, "\n")
}

// balanced drops closing isolate marks that nothing opened, which would end
// our isolate, and closes those that were left open.
func balanced(line string) string {
	depth := 0
	line = strings.Map(func(r rune) rune {
		switch {
		case '\u2066' <= r && r <= '\u2068':
			depth++
		case r == '\u2069' && depth == 0:
			return -1
		case r == '\u2069':
			depth--
		}
		return r
	}, line)
	return line + strings.Repeat(popIsolate, depth)
}

func isDirected(r rune) bool {
	switch {
	case r < 0x590:
		return false
	case '\u202a' <= r && r <= '\u202e', '\u2066' <= r && r <= '\u2069', r == '\u200f':
		return true
	}
	return unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko,
		unicode.Samaritan, unicode.Mandaic, unicode.Adlam, unicode.Hanifi_Rohingya, unicode.Yezidi)
}

// bb is foreign text, ready to stand in BB code. Escaping comes last: balancing
// directions can drop a mark that stood between a bracket and a tag name.
func bb(text string) string { return EscapeBB(isolated(clean(text))) }

// bbLine is bb on a single line.
func bbLine(text string) string { return EscapeBB(isolated(oneLine(text))) }

// bbLink is a link with a name. An address that is not http or https is no
// link: it is shown as text, so that a client cannot place javascript: links.
func bbLink(address, name string) string {
	safe, ok := safeURL(address)
	if !ok {
		return strings.TrimSpace(bbLine(name) + " " + parenthesised(bbLine(address)))
	}
	if strings.TrimSpace(name) == "" {
		name = safe
	}
	return "[url=" + safe + "]" + bbLine(name) + "[/url]"
}

func parenthesised(text string) string {
	if text == "" {
		return ""
	}
	return "(" + text + ")"
}

// safeURL is the address with everything percent-encoded that could end a
// [url=…] tag or the HTML attribute made of it; false if it is not an absolute
// http or https address.
func safeURL(address string) (string, bool) {
	address = strings.TrimSpace(address)
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" {
		return "", false
	}
	if scheme := strings.ToLower(parsed.Scheme); scheme != "http" && scheme != "https" {
		return "", false
	}
	return urlEncoder.Replace(strings.ToValidUTF8(address, "%EF%BF%BD")), true
}

var urlEncoder = strings.NewReplacer(
	"[", "%5B", "]", "%5D", `"`, "%22", "'", "%27", "<", "%3C", ">", "%3E",
	" ", "%20", "`", "%60", "{", "%7B", "}", "%7D", "|", "%7C", `\`, "%5C",
	"\u200e", "%E2%80%8E", "\u200f", "%E2%80%8F", "\u202e", "%E2%80%AE", "\u202d", "%E2%80%AD",
)

// shorten cuts text to at most limit runes, the last of them an ellipsis.
func shorten(text string, limit int) string {
	count := 0
	cut := 0 // byte length of the first limit-1 runes
	for i := range text {
		if count == limit-1 {
			cut = i
		}
		if count == limit {
			return strings.TrimRight(text[:cut], " \n") + "…"
		}
		count++
	}
	return text
}
