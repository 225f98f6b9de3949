package bitrix24

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{"bb": renderBB, "tab": newTab}).ParseFS(templateFiles, "templates/*.html"))

// pageRoutes are the pages for people: lists, and a card per entity at the
// addresses that the real portal uses.
func (p *Portal) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", p.pageHome)
	for _, k := range kinds {
		mux.HandleFunc("GET /crm/"+k.name+"/list/{$}", func(w http.ResponseWriter, r *http.Request) { p.pageList(w, r, k) })
		mux.HandleFunc("GET /crm/"+k.name+"/details/{id}/{$}", func(w http.ResponseWriter, r *http.Request) { p.pageCard(w, r, k) })
		mux.HandleFunc("GET /crm/"+k.name+"/details/{id}", func(w http.ResponseWriter, r *http.Request) { p.pageCard(w, r, k) })
	}
	mux.HandleFunc("GET /notifications/{$}", p.pageNotifications)
	mux.HandleFunc("GET /calls/{$}", p.pageCalls)
}

// pageSizeShown is how many rows a page of a list has.
const pageSizeShown = 50

// tab is one entry of the navigation.
type tab struct {
	Kind, Label string
	Current     bool
}

func newTab(active, kindName, label string) tab { return tab{kindName, label, active == kindName} }

// listPage is what list.html shows.
type listPage struct {
	Title, Active, Query string
	Columns              []string
	Rows                 []listRow
	Total                int
	Prev, Next           string // query strings; "" for none
}

type listRow struct {
	Link  string
	Cells []string
}

// cardPage is what card.html shows.
type cardPage struct {
	Title, Active, Name, Kind string
	ID                        int
	Fields, Links             []pageField
	Timeline                  []pageEntry
	Code                      string // of the kind, in addresses
	Users                     []pageUser
}

type pageField struct{ Name, Value, Link string }

type pageEntry struct {
	What, By, At, Title, Text string
	Files                     []pageField
	Call                      *pageCall // of a call's activity
	Activity                  *pageActivity
	Face                      pageFace // of an application's activity
}

func render(w http.ResponseWriter, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'; form-action 'self'")
	_, _ = w.Write(b.Bytes()) // the caller may be gone
}

// window cuts a page out of n rows and gives the query strings of its neighbours.
func window(r *http.Request, n int) (from, to int, prev, next string) {
	page := max(toID(r.URL.Query().Get("page")), 1)
	at := func(n int) string {
		return "?" + url.Values{"q": {r.URL.Query().Get("q")}, "page": {strconv.Itoa(n)}}.Encode()
	}
	from = min((page-1)*pageSizeShown, n)
	to = min(from+pageSizeShown, n)
	if page > 1 {
		prev = at(page - 1)
	}
	if to < n {
		next = at(page + 1)
	}
	return from, to, prev, next
}

// homeRows is how many of each kind the first page shows.
const homeRows = 8

// pageHome shows the newest of every kind.
func (p *Portal) pageHome(w http.ResponseWriter, _ *http.Request) {
	p.convertDue()
	p.mu.RLock()
	defer p.mu.RUnlock()
	page := struct {
		Title, Active string
		Lists         []listPage
		Calls         []pageCall
	}{Title: "Overview", Calls: p.newestCalls(homeRows)}
	for _, k := range []kind{kinds[1], kinds[0], kinds[2], kinds[3]} {
		t := p.state.entities[k.id]
		part := listPage{Title: k.title, Active: k.name, Columns: listColumns, Total: len(t.order)}
		for _, id := range t.order[max(0, len(t.order)-homeRows):] {
			part.Rows = append([]listRow{p.listRow(k, t.rows[id])}, part.Rows...)
		}
		page.Lists = append(page.Lists, part)
	}
	render(w, "home.html", page)
}

var listColumns = []string{"ID", "Name", "Stage", "Phone, e-mail", "Responsible", "Created"}

func (p *Portal) listRow(k kind, e *entity) listRow {
	return listRow{cardPath(k, e.ID), []string{
		strconv.Itoa(e.ID), entityName(k, e), p.stageName(k, e), commLine(e), p.state.userName(e.int("ASSIGNED_BY_ID")),
		p.when(e.str("DATE_CREATE")),
	}}
}

// pageList shows the entities of a kind, newest first; q searches names, phones, ids and origins.
func (p *Portal) pageList(w http.ResponseWriter, r *http.Request, k kind) {
	p.convertDue()
	p.mu.RLock()
	defer p.mu.RUnlock()
	t, query := p.state.entities[k.id], r.URL.Query().Get("q")
	var found []*entity
	for _, id := range slices.Backward(t.order) {
		if e := t.rows[id]; matchesText(t, e, query) {
			found = append(found, e)
		}
	}
	from, to, prev, next := window(r, len(found))
	page := listPage{Title: k.title + "s", Active: k.name, Query: query, Total: len(found), Prev: prev, Next: next}
	page.Columns = listColumns
	for _, e := range found[from:to] {
		page.Rows = append(page.Rows, p.listRow(k, e))
	}
	render(w, "list.html", page)
}

func matchesText(t *entities, e *entity, query string) bool {
	query = strings.ToLower(strings.TrimSpace(query))
	if query == "" || query == strconv.Itoa(e.ID) {
		return true
	}
	text := strings.ToLower(entityName(t.kind, e) + " " + e.str("TITLE") + " " + e.str("ORIGIN_ID") + " " + commLine(e))
	if strings.Contains(text, query) {
		return true
	}
	digits := commKey("PHONE", query)
	return len(digits) > 3 && slices.ContainsFunc(e.FM, func(m multifield) bool { return strings.Contains(commKey("PHONE", m.Value), digits) })
}

func cardPath(k kind, id int) string { return "/crm/" + k.name + "/details/" + strconv.Itoa(id) + "/" }

func entityName(k kind, e *entity) string {
	if k.id == kindContact {
		return strings.TrimSpace(e.str("NAME") + " " + e.str("LAST_NAME"))
	}
	return e.str("TITLE")
}

func commLine(e *entity) string {
	var out []string
	for _, m := range e.FM {
		out = append(out, m.Value)
	}
	return strings.Join(out, ", ")
}

func (p *Portal) stageName(k kind, e *entity) string {
	if k.stage == "" {
		return ""
	}
	category := e.int("CATEGORY_ID")
	name := e.str(k.stage)
	if st := p.state.statusAt[statusKey(k.stages(category), name)]; st != nil {
		name = st.Name
	}
	if cat := p.state.dealCategory(category); cat != nil && k.id == kindDeal {
		name = cat.Name + ": " + name
	}
	return name
}

// when shows a stored moment for people.
func (p *Portal) when(stored string) string {
	if len(stored) == len(storedDate) {
		return stored
	}
	return strings.Replace(p.shown(stored)[:min(19, len(p.shown(stored)))], "T", " ", 1)
}

// pageCard shows one entity with its fields, links and timeline.
func (p *Portal) pageCard(w http.ResponseWriter, r *http.Request, k kind) {
	p.convertDue()
	p.mu.RLock()
	defer p.mu.RUnlock()
	t := p.state.entities[k.id]
	e, ok := t.get(toID(r.PathValue("id")))
	if !ok {
		w.WriteHeader(http.StatusNotFound)
		render(w, "missing.html", listPage{Title: k.title + " not found", Active: k.name})
		return
	}
	c := p.systemCall()
	page := cardPage{Title: entityName(k, e), Active: k.name, Name: entityName(k, e), Kind: k.title, ID: e.ID}
	page.Fields = c.cardFields(t, e)
	page.Links = p.cardLinks(t, e)
	page.Timeline = p.cardTimeline(t, e)
	page.Code, page.Users = k.name, p.pageUsers(e.int("ASSIGNED_BY_ID"))
	render(w, "card.html", page)
}

// cardFields are the filled fields under their titles.
func (c *call) cardFields(t *entities, e *entity) []pageField {
	out := []pageField{}
	if t.kind.stage != "" {
		out = append(out, pageField{Name: "Stage", Value: c.p.stageName(t.kind, e)})
	}
	for _, m := range e.FM {
		out = append(out, pageField{Name: m.Type + " " + m.ValueType, Value: m.Value})
	}
	for _, f := range c.p.state.schema[t.kind.id].fields {
		if f.flat || f.kind == "crm_multifield" || strings.HasSuffix(f.classic, "_IDS") || f.classic == t.kind.stage {
			continue
		}
		value := c.cardValue(f, c.p.state.value(t, e, f))
		if value != "" {
			out = append(out, pageField{Name: f.title + " (" + f.classic + ")", Value: value})
		}
	}
	return out
}

func (c *call) cardValue(f *field, v any) string {
	if list, ok := v.([]any); ok {
		var parts []string
		for _, one := range list {
			parts = append(parts, c.cardValue(f, one))
		}
		return strings.Join(parts, ", ")
	}
	switch {
	case f.kind == "user" && toID(v) > 0:
		return c.p.state.userName(toID(v))
	case f.kind == "date" || f.kind == "datetime":
		return c.p.when(toStr(v))
	case f.kind == "enumeration":
		for _, o := range f.uf.List {
			if strconv.Itoa(o.ID) == toStr(v) {
				return o.Value
			}
		}
	}
	return toStr(v)
}

// cardLinks are the entities that belong together with this one.
func (p *Portal) cardLinks(t *entities, e *entity) []pageField {
	s := p.state
	var out []pageField
	add := func(kindID int, ids ...int) {
		for _, id := range ids {
			if other, ok := s.entities[kindID].get(id); ok {
				k := s.entities[kindID].kind
				out = append(out, pageField{Name: k.title, Value: "#" + strconv.Itoa(id) + " " + entityName(k, other), Link: cardPath(k, id)})
			}
		}
	}
	add(kindContact, s.contactIDs(t, e)...)
	add(kindCompany, e.int("COMPANY_ID"))
	add(kindCompany, linkIDs(e.Companies)...)
	add(kindLead, e.int("LEAD_ID"))
	id := strconv.Itoa(e.ID)
	switch t.kind.id {
	case kindContact:
		add(kindDeal, s.entities[kindDeal].under("CONTACT_IDS", id)...)
		add(kindLead, s.entities[kindLead].under("CONTACT_IDS", id)...)
	case kindCompany:
		add(kindDeal, s.entities[kindDeal].under("COMPANY_ID", id)...)
	case kindLead:
		add(kindDeal, s.entities[kindDeal].under("LEAD_ID", id)...)
	}
	return out
}

// cardTimeline is everything on the timeline, newest first.
func (p *Portal) cardTimeline(t *entities, e *entity) []pageEntry {
	on := binding{t.kind.name, e.ID}
	out := []pageEntry{}
	for _, c := range slices.Backward(p.state.commentsOf(on)) {
		entry := pageEntry{What: "Comment #" + strconv.Itoa(c.ID), By: p.state.userName(c.Author), At: p.when(c.Created), Text: c.Text}
		for _, id := range c.Files {
			if f, ok := p.state.files.get(id); ok {
				entry.Files = append(entry.Files, pageField{f.Name, strconv.FormatInt(f.size(), 10), "/disk/downloadFile/" + strconv.Itoa(id) + "/"})
			}
		}
		out = append(out, entry)
	}
	for _, l := range p.state.logs.all() {
		if l.On == on {
			out = append(out, pageEntry{What: "Log entry", By: p.state.userName(l.Author), At: p.when(l.Created), Title: l.Title, Text: l.Text})
		}
	}
	for _, a := range p.state.activities.all() {
		if slices.Contains(a.Bindings, activityBinding{t.kind.id, e.ID}) {
			out = append(out, pageEntry{
				What: "Activity #" + strconv.Itoa(a.ID), By: p.state.userName(toID(a.V["RESPONSIBLE_ID"])), At: p.when(a.V["CREATED"]),
				Title: a.V["SUBJECT"], Text: a.V["DESCRIPTION"], Call: p.callOfActivity(a.ID), Face: faceOf(a), Activity: p.pageActivity(a),
			})
		}
	}
	slices.SortStableFunc(out, func(a, b pageEntry) int { return strings.Compare(b.At, a.At) })
	return out
}

// pageNotifications shows what the employees were told, newest first.
func (p *Portal) pageNotifications(w http.ResponseWriter, r *http.Request) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	query := strings.ToLower(r.URL.Query().Get("q"))
	found := slices.DeleteFunc(p.state.notes.all(), func(n *notification) bool {
		return !strings.Contains(strings.ToLower(n.Text+" "+n.Tag+" "+p.state.userName(n.User)), query)
	})
	slices.Reverse(found)
	from, to, prev, next := window(r, len(found))
	page := listPage{Title: "Notifications", Active: "notifications", Query: r.URL.Query().Get("q"), Total: len(found), Prev: prev, Next: next}
	page.Columns = []string{"ID", "To", "From", "Message", "Tag", "At"}
	for _, n := range found[from:to] {
		page.Rows = append(page.Rows, listRow{Cells: []string{
			strconv.Itoa(n.ID), p.state.userName(n.User), pick(n.System, "system", p.state.userName(n.From)), n.Text, n.Tag, p.when(n.Created),
		}})
	}
	render(w, "list.html", page)
}
