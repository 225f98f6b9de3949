package bitrix24

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPagesShowEntitiesAndEscapeThem(t *testing.T) {
	t.Parallel()
	h := open(t, Options{})
	h.ok("crm.item.update", `{"entityTypeId":2,"id":1,"fields":{"title":"<script>alert(1)</script>"}}`)
	h.id("crm.timeline.comment.add", `{"fields":{"ENTITY_TYPE":"deal","ENTITY_ID":1,"COMMENT":"[b]bold[/b] <i>x</i> [url=javascript:alert(1)]a[/url]","FILES":[["a.txt","aGk="]]}}`)
	h.id("im.notify.personal.add", `{"USER_ID":7,"MESSAGE":"See [url=/crm/deal/details/1/]deal[/url]"}`)
	for path, want := range map[string]string{
		"/":                                 "&lt;script&gt;alert(1)&lt;/script&gt;",
		"/crm/deal/list/":                   `href="/crm/deal/details/1/"`,
		"/crm/deal/list/?q=tour":            "Tour to Granada",
		"/crm/contact/list/?q=9161234567":   "Ivan Petrov",
		"/crm/deal/details/1/":              "<b>bold</b> &lt;i&gt;x&lt;/i&gt; [url=javascript:alert(1)]a[/url]",
		"/crm/contact/details/1/":           "+79161234567",
		"/crm/company/details/1/":           "Alfa Trade",
		"/crm/lead/details/1/":              "Request from the site 1",
		"/notifications/":                   `<a rel="noopener noreferrer" href="/crm/deal/details/1/">deal</a>`,
		"/crm/company/list/?q=no+such+name": "Nothing here for “no such name”",
	} {
		a := h.get(path)
		require.Equal(t, http.StatusOK, a.Status, path)
		require.Contains(t, a.Body, want, path)
		require.NotContains(t, a.Body, "<script", path)
	}
	require.Contains(t, h.get("/crm/deal/details/1").Body, `href="/disk/downloadFile/1/"`)
	require.Equal(t, http.StatusNotFound, h.get("/crm/deal/details/999/").Status)
}

func TestListsArePaged(t *testing.T) {
	t.Parallel()
	h := fresh(t)
	for range 60 {
		h.id("crm.company.add", `{"fields":{"TITLE":"x"}}`)
	}
	require.Contains(t, h.get("/crm/company/list/").Body, `href="?page=2&amp;q="`)
	require.Contains(t, h.get("/crm/company/list/?page=2").Body, `href="/crm/company/details/1/"`)
}

func TestBBCode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[b]a[/b][i]b[/i][u]c[/u][s]d[/s]":   "<b>a</b><i>b</i><u>c</u><s>d</s>",
		"a\nb[br]c":                          "a<br>\nb<br>\nc",
		"[url=https://x.y/?a=1&b=2]t[/url]":  `<a rel="noopener noreferrer" href="https://x.y/?a=1&amp;b=2">t</a>`,
		"[url]https://x.y[/url]":             `<a rel="noopener noreferrer" href="https://x.y">https://x.y</a>`,
		"[url=//evil.example]t[/url]":        "[url=//evil.example]t[/url]",
		`[url=https://x" onclick="a]t[/url]`: `[url=https://x&#34; onclick=&#34;a]t[/url]`,
		"[code][b]x[/b] <y>[/code]":          "<code>[b]x[/b] &lt;y&gt;</code>",
		"[quote]q[/quote]":                   "<blockquote>q</blockquote>",
		"[b]open":                            "<b>open</b>",
		"shut[/b]":                           "shut[/b]",
		"[b][i]x[/b]y[/i]":                   "<b><i>x</i></b>y[/i]",
		"[unknown]x[/unknown] [0]":           "[unknown]x[/unknown] [0]",
		"<img src=x onerror=alert(1)>":       "&lt;img src=x onerror=alert(1)&gt;",
	} {
		require.Equal(t, want, string(renderBB(text)), text)
	}
}

func FuzzBBCodeIsBalancedAndSafe(f *testing.F) {
	for _, seed := range []string{"[b][i]x[/b]", "[url=x]y", "[code][/b][/code]", "[url]a[/url]", "<b>[quote]", "[*][list]"} {
		f.Add(seed)
	}
	allowed := regexp.MustCompile(`</?(b|i|u|s|p|code|blockquote|ul|li|span|br)>|</a>|<a rel="noopener noreferrer" href="[^"<>]*">`)
	f.Fuzz(func(t *testing.T, text string) {
		html := string(renderBB(text))
		require.NotContains(t, allowed.ReplaceAllString(html, ""), "<")
		for _, el := range []string{"b", "i", "u", "s", "p", "code", "blockquote", "ul", "span"} {
			require.Equal(t, strings.Count(html, "<"+el+">"), strings.Count(html, "</"+el+">"), el)
		}
	})
}
