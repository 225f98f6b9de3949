package chat2desk

import (
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strconv"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pageTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"clock": func(t time.Time) string { return t.Format("2006-01-02 15:04:05") },
}).ParseFS(pageFiles, "pages/*.html"))

// pages are for people: the list of dialogs and the messages of one, where the
// links of notifications lead. The forms play the client and the operator.
func (c *Company) pages(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", c.pageDialogs)
	mux.HandleFunc("GET /chat/dialogs/{id}", c.pageDialog)
	mux.HandleFunc("POST /chat/dialogs/{id}", c.pageAct)
	mux.HandleFunc("GET /storage/", c.pageFile)
}

type dialogLine struct {
	ID, RequestID                        int64
	Client, Identity, Channel, Transport string
	State, Operator                      string
	Messages                             int
	Last                                 time.Time
}

const shownDialogs = 200

func (c *Company) pageDialogs(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	lines := []dialogLine{}
	for i := len(c.s.Dialogs.rows) - 1; i >= 0 && len(lines) < shownDialogs; i-- {
		lines = append(lines, c.dialogLine(c.s.Dialogs.rows[i]))
	}
	total := len(c.s.Dialogs.rows)
	c.mu.Unlock()
	render(w, "dialogs.html", object{"Dialogs": lines, "Total": total, "Shown": len(lines)})
}

func (c *Company) dialogLine(d *dialog) dialogLine {
	line := dialogLine{
		ID: d.ID, RequestID: d.LastRequestID, Transport: d.Transport, State: d.State, Operator: c.operatorName(d.OperatorID),
		Messages: len(c.s.byDialog[d.ID]), Last: d.Begin,
	}
	if cl, ok := c.s.Clients.get(d.ClientID); ok {
		line.Client, line.Identity = cl.shownName(), cl.Identity
	}
	if ch := c.channel(d.ChannelID); ch != nil {
		line.Channel = ch.Name
	}
	if lines := c.s.byDialog[d.ID]; len(lines) > 0 {
		line.Last = lines[len(lines)-1].Created
	}
	return line
}

type messageLine struct {
	message
	Who  string
	Mine bool
}

const shownMessages = 500

func (c *Company) pageDialog(w http.ResponseWriter, r *http.Request) {
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	c.mu.Lock()
	d, ok := c.s.Dialogs.get(id)
	if !ok {
		c.mu.Unlock()
		http.Error(w, "There is no such dialog.", http.StatusNotFound)
		return
	}
	line, all := c.dialogLine(d), c.s.byDialog[id]
	shown := []messageLine{}
	for _, m := range all[max(0, len(all)-shownMessages):] {
		shown = append(shown, messageLine{*m, c.author(m, line.Client), m.Type == typeClient})
	}
	c.mu.Unlock()
	render(w, "dialog.html", object{"Dialog": line, "Messages": shown, "Hidden": len(all) - len(shown)})
}

func (c *Company) author(m *message, client string) string {
	switch m.Type {
	case typeClient:
		return client
	case typeSystem:
		return "system"
	case typeAutoreply, typeNone:
		return "bot"
	}
	name := c.operatorName(m.OperatorID)
	if m.Type == typeComment {
		return name + " (comment)"
	}
	return name
}

// pageAct plays what a button says: client, operator, close.
func (c *Company) pageAct(w http.ResponseWriter, r *http.Request) {
	defer c.saver.touch()
	id, _ := strconv.ParseInt(r.PathValue("id"), 10, 64)
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	text := r.FormValue("text")
	c.mu.Lock()
	if d, ok := c.s.Dialogs.get(id); ok {
		c.act(d, r.FormValue("do"), text)
		c.send(c.takeEvents(), c.s.Settings.Deliver, false)
	}
	c.mu.Unlock()
	http.Redirect(w, r, fmt.Sprintf("/chat/dialogs/%d", id), http.StatusSeeOther)
}

func (c *Company) act(d *dialog, what, text string) {
	switch {
	case what == "close" && d.State == stateOpen:
		c.closeDialog(d)
	case what == "client" && text != "":
		c.hear(d, &message{Text: text, Status: "sent"})
	case what == "operator" && text != "":
		c.openRequest(d, false)
		if d.OperatorID == 0 && len(c.s.Operators) > 0 {
			c.assign(d, c.s.Operators[0].ID)
		}
		c.say(d, &message{Type: typeOperator, Text: text, OperatorID: d.OperatorID, Status: "sent"})
	}
}

// pageFile serves every path below /storage, so that links to files work.
func (c *Company) pageFile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = fmt.Fprintf(w, "A file of the Chat2Desk sandbox: %q\n", r.URL.Path) //nolint:gosec // plain text, not sniffed
}

func render(w http.ResponseWriter, name string, data any) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := pageTemplates.ExecuteTemplate(w, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}
