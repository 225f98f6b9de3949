package contactcenter

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// codeKeys are the keys whose values are codes: spaces inside do not count.
var codeKeys = []string{"inn", "kpp", "ogrn"}

// tidy cleans all texts of a JSON document, keys too: invalid UTF-8 becomes the
// replacement character, line breaks become \n, other control characters
// (NUL, which no database takes) vanish, spaces around the text go.
func tidy(tree any) any {
	switch value := tree.(type) {
	case string:
		return tidyText(value)
	case []any:
		for i := range value {
			value[i] = tidy(value[i])
		}
		return value
	case map[string]any:
		return tidyObject(value)
	}
	return tree
}

func tidyObject(object map[string]any) map[string]any {
	out := make(map[string]any, len(object))
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value := tidy(object[key])
		if text, ok := value.(string); ok && slices.Contains(codeKeys, key) {
			value = withoutSpaces(text)
		}
		out[tidyText(key)] = value
	}
	return out
}

func tidyText(text string) string {
	text = strings.ToValidUTF8(text, string(utf8.RuneError))
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\r':
			return '\n'
		case unicode.IsControl(r):
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// withoutSpaces is a code as it is stored.
func withoutSpaces(text string) string { return strings.Join(strings.Fields(text), "") }

// oneLine is text on a single line, for names, titles and comparisons.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
