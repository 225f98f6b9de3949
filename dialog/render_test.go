package dialog_test

import (
	"flag"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"puente/dialog"
	"puente/texts"
)

var update = flag.Bool("update", false, "write the golden files anew")

const marker = "#puente:demo:4401:9901:1"

// busyDay is a cycle with everything a transcript can hold.
func busyDay() dialog.Snapshot {
	at := func(minute, second int) time.Time { return time.Date(2026, 1, 5, 9, minute, second, 0, time.UTC) }
	return dialog.Snapshot{
		DialogID: 4401, RequestID: 9901, ChannelID: 12, ChannelName: "WhatsApp sales", Transport: "whatsapp",
		OperatorID: 301, OperatorName: "Olga", RequestTags: []int64{3, 1}, OpenedAt: at(0, 0), ClosedAt: at(30, 0),
		Client: dialog.Client{ID: 7001, Name: "Ana [VIP]", Phone: "+34600111222", Identity: "34600111222", TagIDs: []int64{1}},
		Analytics: map[string]string{
			"utm_source": "google", "utm_campaign": "spring [b]sale[/b]", "utm_term": "",
		},
		Messages: []dialog.Message{
			{ID: 1, Time: at(0, 1), Author: dialog.AuthorClient, Text: "Hola, ¿tienen [b]esto[/b]?\r\nGracias 🙂"},
			{ID: 2, Time: at(0, 2), Author: dialog.AuthorBot, Text: "Un operador le contestará."},
			{ID: 3, Time: at(1, 0), Author: dialog.AuthorSystem, Text: "Assigned to Olga"},
			{ID: 4, Time: at(2, 0), Author: dialog.AuthorComment, OperatorID: 301, Name: "Olga", Text: "asks every week"},
			{ID: 5, Time: at(3, 0), Author: dialog.AuthorOperator, OperatorID: 301, Name: "Olga", Text: "Sí: [url=https://evil.example]click[/url] <b>html</b>"},
			{ID: 6, Time: at(4, 0), Author: dialog.AuthorClient, Text: "Mire:", Files: []dialog.File{
				{Name: "a [1].jpg", URL: "https://storage.example/a[1].jpg"},
				{Name: "", URL: "https://storage.example/b.pdf?x=1"},
				{Name: "bad", URL: "javascript:alert(1)"},
				{URL: "https://storage.example/"},
				{URL: "http://[broken"},
				{URL: "?"},
			}},
			{ID: 7, Time: at(5, 0), Author: dialog.AuthorClient, Text: "שלום [1] אהלן\nsecond line"},
			{ID: 8, Time: at(6, 0), Author: dialog.AuthorClient, Location: "40.4168, -3.7038"},
			{ID: 9, Time: at(7, 0), Author: dialog.AuthorOperator, OperatorID: 303},
		},
	}
}

func madrid(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Madrid")
	require.NoError(t, err)
	return zone
}

func TestTranscriptInEveryLanguage(t *testing.T) {
	t.Parallel()
	for _, lang := range texts.Languages() {
		options := dialog.RenderOptions{
			Texts: texts.For(lang, nil), Zone: madrid(t), Marker: marker, TagNames: map[int64]string{1: "vip"},
		}
		whole := dialog.Render(busyDay(), options)
		require.Empty(t, whole.File)
		requireGolden(t, "transcript."+lang+".txt", whole.Comment)

		options.Limit = 900
		cut := dialog.Render(busyDay(), options)
		require.LessOrEqual(t, utf8.RuneCountInString(cut.Comment), 900)
		require.Equal(t, "dialog-4401-9901.txt", cut.FileName)
		requireGolden(t, "transcript-cut."+lang+".txt", cut.Comment)
		requireGolden(t, "transcript-file."+lang+".txt", string(cut.File))
	}
}

func requireGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(got), 0o600))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func TestTranscriptSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	empty := dialog.Render(dialog.Snapshot{Source: dialog.SourceWebhooks}, dialog.RenderOptions{Marker: marker})
	require.Contains(t, empty.Comment, "There are no messages.")
	require.Contains(t, empty.Comment, "comes from webhooks only")
	require.Contains(t, empty.Comment, "Client: Client\n")
	require.NotContains(t, empty.Comment, "Operator:")
	require.True(t, dialog.HasMarker(empty.Comment, marker))

	api := dialog.Render(dialog.Snapshot{Source: dialog.SourceAPI}, dialog.RenderOptions{})
	require.NotContains(t, api.Comment, "webhooks")
	require.NotContains(t, api.Comment, "\n\n\n")
}

func TestTimesAreInThePortalsZone(t *testing.T) {
	t.Parallel()
	s := dialog.Snapshot{
		OpenedAt: time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC),
		Messages: []dialog.Message{
			{Author: dialog.AuthorClient, Text: "hi", Time: time.Date(2026, 7, 1, 22, 30, 0, 0, time.UTC)},
			{Author: dialog.AuthorClient, Text: "no time"},
		},
	}
	got := dialog.Render(s, dialog.RenderOptions{Texts: texts.For("ru", nil), Zone: madrid(t)}).Comment
	require.Contains(t, got, "Открыт: 02.07.2026 00:30 (Europe/Madrid, UTC+02:00)")
	require.Contains(t, got, "[02.07 00:30] [b]Клиент:[/b] hi")
	require.Contains(t, got, "[—] [b]Клиент:[/b] no time")
	utc := dialog.Render(s, dialog.RenderOptions{}).Comment
	require.Contains(t, utc, "Opened: Jul 1, 2026 22:30 (UTC)")
}

func TestMarkerCountsOnlyAtTheEnd(t *testing.T) {
	t.Parallel()
	s := dialog.Snapshot{Messages: []dialog.Message{{Author: dialog.AuthorClient, Text: "x\n" + marker}}}
	forged := dialog.Render(s, dialog.RenderOptions{Marker: "#puente:other"})
	require.Contains(t, forged.Comment, marker)
	require.False(t, dialog.HasMarker(forged.Comment, marker))
	require.True(t, dialog.HasMarker(forged.Comment, "#puente:other"))
	require.True(t, dialog.HasMarker(strings.ReplaceAll(forged.Comment, "\n", "\r\n")+"\r\n", "#puente:other"))
	require.False(t, dialog.HasMarker("", ""))
}

func TestFilesOfOneMessageStayTogether(t *testing.T) {
	t.Parallel()
	var files []dialog.File
	for i := range 300 {
		n := strconv.Itoa(i)
		files = append(files, dialog.File{Name: "photo " + n, URL: "https://storage.example/" + n})
	}
	s := dialog.Snapshot{Messages: []dialog.Message{{ID: 1, Author: dialog.AuthorClient, Files: files}, {ID: 2, Author: dialog.AuthorClient, Text: "after"}}}
	got := dialog.Render(s, dialog.RenderOptions{Limit: 60000}).Comment
	require.Equal(t, 300, strings.Count(got, "[url=https://storage.example/"))
	require.Less(t, strings.LastIndex(got, "[url="), strings.Index(got, "after"))
	require.Equal(t, 2, strings.Count(got, "[b]Client:[/b]"))
}

func TestLongHeaderValueStandsCompleteInTheFile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("имя ", 500)
	s := dialog.Snapshot{Client: dialog.Client{Name: long}, Messages: []dialog.Message{{Author: dialog.AuthorOperator, Text: "hi"}}}
	got := dialog.Render(s, dialog.RenderOptions{})
	require.NotContains(t, got.Comment, strings.TrimSpace(long))
	require.Contains(t, string(got.File), strings.TrimSpace(long))
	require.Contains(t, got.Comment, "hi")
}

// A dialog of 5,000 messages, one of them of 20,000 characters, is complete,
// and rendering it takes memory in proportion to its text.
func TestHugeDialogIsComplete(t *testing.T) {
	t.Parallel()
	s := hugeDialog(5000)
	got := dialog.Render(s, dialog.RenderOptions{Marker: marker})
	require.LessOrEqual(t, utf8.RuneCountInString(got.Comment), dialog.DefaultLimit)
	require.True(t, dialog.HasMarker(got.Comment, marker))
	file := string(got.File)
	require.Contains(t, file, strings.Repeat("ы", 20000))
	at := 0
	for i := range 5000 {
		next := strings.Index(file[at:], "message number "+strconv.Itoa(i)+"\n")
		require.GreaterOrEqual(t, next, 0, "message %d, in order", i)
		at += next
	}
}

func hugeDialog(n int) dialog.Snapshot {
	var s dialog.Snapshot
	for i := range n {
		s.Messages = append(s.Messages, dialog.Message{ID: int64(i), Author: dialog.AuthorClient, Text: "message number " + strconv.Itoa(i)})
	}
	s.Messages[n/2].Text = strings.Repeat("ы", 20000) + " message number " + strconv.Itoa(n/2)
	return s
}

// Not parallel: it measures what the whole process allocates.
func TestMemoryOfRenderingIsLinear(t *testing.T) {
	small := bytesToRender(1000)
	large := bytesToRender(8000)
	require.Less(t, large, 14*small, "8 times the messages must not take much more than 8 times the memory")
}

func bytesToRender(n int) uint64 {
	s := hugeDialog(n)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	dialog.Render(s, dialog.RenderOptions{})
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// anyText is text as clients write it: brackets, tags, emoji, directions,
// control characters, several scripts.
func anyText() *rapid.Generator[string] {
	piece := rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{
			"[b]", "[/b]", "[", "]", "[[", "[url=javascript:x]", "[/url]", "[*]", "[\u200bb]", "\u200b", "[ b]", "[Привет]", "[1]",
			"🙂", "שלום", "مرحبا", "\u202e", "\u2066", "\u2067", "\u2069", "\r\n", "\r", "\n", "\t", "\x00", "\x1b[31m",
			"<script>", "$result[a]", "$result[1]", "#puente:", "\xff\xfe",
		}),
	)
	return rapid.Map(rapid.SliceOfN(piece, 0, 8), func(pieces []string) string { return strings.Join(pieces, "") })
}

func anySnapshot(t *rapid.T) dialog.Snapshot {
	authors := []dialog.Author{dialog.AuthorClient, dialog.AuthorOperator, dialog.AuthorBot, dialog.AuthorComment, "future"}
	message := rapid.Custom(func(t *rapid.T) dialog.Message {
		return dialog.Message{
			ID: rapid.Int64().Draw(t, "id"), Author: rapid.SampledFrom(authors).Draw(t, "author"),
			Name: anyText().Draw(t, "name"), Text: anyText().Draw(t, "text"), Location: anyText().Draw(t, "location"),
			Files: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) dialog.File {
				return dialog.File{Name: anyText().Draw(t, "file"), URL: "https://x.example/" + anyText().Draw(t, "url")}
			}), 0, 3).Draw(t, "files"),
		}
	})
	return dialog.Snapshot{
		DialogID: 1, RequestID: 2, Client: dialog.Client{Name: anyText().Draw(t, "client"), Identity: anyText().Draw(t, "identity")},
		Analytics: map[string]string{"utm_source": anyText().Draw(t, "utm")}, ChannelName: anyText().Draw(t, "channel"),
		Messages: rapid.SliceOfN(message, 0, 12).Draw(t, "messages"),
	}
}

// readable is text without what may lawfully change: invisible marks, line
// ends, control characters and outer spaces.
func readable(text string) string {
	text = strings.ToValidUTF8(dialog.UnescapeBB(text), "\ufffd")
	text = strings.NewReplacer("\u2066", "", "\u2067", "", "\u2068", "", "\u2069", "", "\u200b", "").Replace(text)
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || r <= 0x20 || 0x7f <= r && r < 0xa1 || 0x2400 <= r && r <= 0x2421 || r == '\ufffd'
	}), "")
}

func TestNothingIsLostAndNoTagOfAClientWorks(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := anySnapshot(t)
		limit := rapid.IntRange(1, 3000).Draw(t, "limit")
		got := dialog.Render(s, dialog.RenderOptions{Limit: limit, Marker: marker})
		again := dialog.Render(s, dialog.RenderOptions{Limit: limit, Marker: marker})
		require.Equal(t, got, again)
		requireOnlyOurTags(t, got.Comment)
		require.True(t, dialog.HasMarker(got.Comment, marker))
		complete := readable(got.Comment)
		if got.File != nil {
			complete = readable(string(got.File))
			require.Contains(t, got.Comment, got.FileName)
		} else if len(s.Messages) > 0 {
			require.LessOrEqual(t, utf8.RuneCountInString(got.Comment), limit)
		}
		for _, m := range s.Messages {
			require.Contains(t, complete, readable(m.Text))
			require.Contains(t, complete, readable(m.Location))
		}
	})
}

// requireOnlyOurTags finds BB code that is not ours: whatever looks like a tag
// once [b], [/b], [url=…] and [/url] of ours are taken away.
func requireOnlyOurTags(t require.TestingT, comment string) {
	depth := 0
	for rest := comment; ; {
		_, after, found := strings.Cut(rest, "[")
		if !found {
			break
		}
		rest = after
		switch {
		case strings.HasPrefix(after, "b]"), strings.HasPrefix(after, "url=https://"):
			depth++
			require.Equal(t, 1, depth, "ours do not nest: %q", after)
		case strings.HasPrefix(after, "/b]"), strings.HasPrefix(after, "/url]"):
			depth--
			require.Zero(t, depth, "ours are closed: %q", after)
		default:
			r, _ := utf8.DecodeRuneInString(after)
			require.NotContains(t, "/*abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", string(r), "%q", after)
		}
	}
	require.Zero(t, depth)
	require.NotContains(t, comment, "$result[")
}

func TestEscapingIsReversible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ToValidUTF8(anyText().Draw(t, "text"), "")
		require.Equal(t, text, dialog.UnescapeBB(dialog.EscapeBB(text)))
	})
	require.Equal(t, "a[1] b", dialog.EscapeBB("a[1] b"), "what cannot be a tag stays")
	require.Equal(t, "[\u200bb]x[\u200b/b]", dialog.EscapeBB("[b]x[/b]"))
}

func FuzzRender(f *testing.F) {
	f.Add("[b]hi", "Ana", "https://x.example/[1]", 100)
	f.Add("\u2067\u2069\u2069", "[url=", "javascript:x", 0)
	f.Add("a\r\nb\x00", "\xff", "", -5)
	f.Fuzz(func(t *testing.T, text, name, url string, limit int) {
		s := dialog.Snapshot{
			Client:   dialog.Client{Name: name},
			Messages: []dialog.Message{{Author: dialog.AuthorClient, Text: text, Files: []dialog.File{{Name: name, URL: url}}}},
		}
		got := dialog.Render(s, dialog.RenderOptions{Limit: limit, Marker: marker})
		require.True(t, utf8.ValidString(got.Comment))
		require.True(t, dialog.HasMarker(got.Comment, marker))
		complete := got.Comment
		if got.File != nil {
			complete = string(got.File)
		}
		require.Contains(t, readable(complete), readable(text))
	})
}

func BenchmarkRender(b *testing.B) {
	s := hugeDialog(5000)
	b.ReportAllocs()
	for b.Loop() {
		dialog.Render(s, dialog.RenderOptions{})
	}
}
