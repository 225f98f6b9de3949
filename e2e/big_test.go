package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// warnHistory is the length of a history from which Temporal warns.
const warnHistory = 10_240

func TestHugeDialogIsCompleteOnTheTimeline(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	idle := s.memory(s.workers[0])
	d := chatDialog{Client: chatClient{Name: "Много [b]Пишет[/b] 😀", Phone: "+79998000001"}, ChannelID: whatsapp, OperatorID: 301, Close: true}
	for i := range 5000 {
		from := []string{"client", "operator"}[i%2]
		m := chatMessage{From: from, Text: fmt.Sprintf("message number %d [i]not italic[/i] שלום 👍", i)}
		if i%20 == 0 && i < 6000 {
			m.Attachments = []chatFile{{Name: fmt.Sprintf("file %d.pdf", i), Link: fmt.Sprintf("https://files.example/%d.pdf", i)}}
		}
		d.Messages = append(d.Messages, m)
	}
	long := strings.Repeat("длинно ", 20_000/7) + "the end"
	d.Messages = append(d.Messages, chatMessage{From: "client", Text: long})
	for i := range 50 {
		d.Messages = append(d.Messages, chatMessage{From: "client", Attachments: []chatFile{{Name: fmt.Sprintf("more %d.jpg", i), Link: fmt.Sprintf("https://files.example/more%d.jpg", i)}}})
	}
	ids := s.play(d)
	row := s.syncOf(ids.Request, 5*time.Minute)
	require.Equal(t, "done", row.Status, row.Error.Text)
	comments := s.comments("deal", row.entity("deal"))
	require.Len(t, comments, 1)
	text := s.transcript(comments[0])
	position := -1
	for i, m := range d.Messages {
		at := strings.Index(text[max(position, 0):], m.Text)
		require.GreaterOrEqual(t, at, 0, "message %d is not there, or not in order: %.80s", i, m.Text)
		position = max(position, 0) + at
		for _, f := range m.Attachments {
			require.Contains(t, text, f.Link)
		}
	}
	require.Less(t, s.historyLength(row.WorkflowID), int64(200))
	require.Less(t, s.historyLength(fmt.Sprintf("dialog:demo:%d-%d", ids.Client, whatsapp)), int64(warnHistory))
	t.Logf("worker: %d MiB idle, %d MiB after", idle>>20, s.memory(s.workers[0])>>20)
}

// transcript is the comment with its attached file, as a reader sees both.
func (s *stack) transcript(c comment) string {
	s.t.Helper()
	text := c.Comment
	var files map[string]struct {
		URL string `json:"urlDownload"`
	}
	if json.Unmarshal(c.Files, &files) != nil {
		return text
	}
	for _, f := range files {
		address := f.URL
		if strings.HasPrefix(address, "/") {
			address = "http://" + s.bitrix + address
		}
		resp, err := http.Get(address)
		require.NoError(s.t, err)
		raw, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		require.NoError(s.t, err)
		text = string(raw)
	}
	return text
}

// memory is the resident size of a process in bytes.
func (s *stack) memory(p *process) int64 {
	s.t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	require.NoError(s.t, err)
	pages, err := strconv.ParseInt(strings.Fields(string(raw))[1], 10, 64)
	require.NoError(s.t, err)
	return pages * int64(os.Getpagesize())
}
