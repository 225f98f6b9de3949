package phone

import "regexp"

// Extensions behind a number: by a word or a sign ("доб. 12", "ext 5",
// ";ext=5", "#12", "x5"), or as what is dialled after a pause (",,12"), which
// must be the end, since a comma also separates two numbers. Group 1 is the
// extension as written, group 2 its digits. The word must not be the end of a
// longer one.
var (
	extensionWords = regexp.MustCompile(`(?i)(?:^|[^\pL])((?:;\s*ext\s*=|(?:доб|добавочный|вн|внутр|внутренний|` +
		`ext|extn|extension|ramal|interno|int|anexo|durchwahl|dw|poste|x)\.?\s*[:№#]?|#)\s*([0-9]{1,7}))(?:[^0-9]|$)`)
	extensionPause = regexp.MustCompile(`(?:^|[^,])(,+\s*([0-9]{1,7}))\s*$`)
)

// cutExtension separates the extension from the number before it. What follows
// the extension is dropped.
func cutExtension(text string) (rest, extension string) {
	for _, form := range []*regexp.Regexp{extensionWords, extensionPause} {
		for _, at := range form.FindAllStringSubmatchIndex(text, -1) {
			if countDigits(text[:at[2]]) >= minDigits {
				return text[:at[2]], text[at[4]:at[5]]
			}
		}
	}
	return text, ""
}
