package bitrix24

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// What people do in the portal by hand, and REST cannot do for them: complete or
// reopen any activity, also one that an application made, delete it, and give an
// entity to a colleague. The portal tells of it like of any change.

func (p *Portal) peopleRoutes(mux *http.ServeMux) {
	mux.HandleFunc("PUT /sandbox/activities/{id}", p.controlActivity)
	mux.HandleFunc("DELETE /sandbox/activities/{id}", p.controlDeleteActivity)
	mux.HandleFunc("PUT /sandbox/entities/{kind}/{id}", p.controlEntity)
	mux.HandleFunc("POST /crm/activity/{id}/completed", p.pageComplete)
	mux.HandleFunc("POST /crm/{kind}/{id}/responsible", p.pageResponsible)
}

// person is a call by an employee in the portal's own pages.
func (p *Portal) person(r *http.Request, user int) *call {
	c := p.systemCall()
	c.who.user, c.base = max(user, 1), p.base(r)
	return c
}

// byHand runs what a person does, and tells of it.
func (p *Portal) byHand(c *call, do func() error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.publish(c.who.user, c.base) }()
	return do()
}

// complete makes an activity completed or open.
func (c *call) complete(id int, completed bool) error {
	old, ok := c.p.state.activities.get(id)
	if !ok {
		return fmt.Errorf("there is no activity %d", id)
	}
	a := old.clone()
	a.V["COMPLETED"], a.V["STATUS"] = yn(completed), pick(completed, "2", "1")
	c.saveChanged(a)
	return nil
}

// entrust makes a user responsible for an entity.
func (c *call) entrust(kindName string, id, user int) error {
	k, known := kindNamed(kindName)
	if !known {
		return fmt.Errorf("there is no kind %q", kindName)
	}
	t := c.p.state.entities[k.id]
	old, ok := t.get(id)
	if !ok {
		return fmt.Errorf("there is no %s %d", kindName, id)
	}
	if !c.isUser(strconv.Itoa(user)) {
		return fmt.Errorf("there is no user %d", user)
	}
	_, err := c.update(t, old, newDict("ASSIGNED_BY_ID", user), classicView)
	return err
}

func (p *Portal) controlActivity(w http.ResponseWriter, r *http.Request) {
	var body struct {
		UserID    int  `json:"user_id"` // who does it; default 1
		Completed bool `json:"completed"`
	}
	if !control(w, r, &body) {
		return
	}
	c := p.person(r, body.UserID)
	done(w, p.byHand(c, func() error { return c.complete(toID(r.PathValue("id")), body.Completed) }))
}

func (p *Portal) controlDeleteActivity(w http.ResponseWriter, r *http.Request) {
	c := p.person(r, toID(r.URL.Query().Get("user_id")))
	done(w, p.byHand(c, func() error {
		id := toID(r.PathValue("id"))
		if _, ok := p.state.activities.get(id); !ok {
			return fmt.Errorf("there is no activity %d", id)
		}
		p.state.activities.del(id)
		return nil
	}))
}

func (p *Portal) controlEntity(w http.ResponseWriter, r *http.Request) {
	var body struct {
		UserID      int `json:"user_id"` // who does it; default 1
		Responsible int `json:"responsible_id"`
	}
	if !control(w, r, &body) {
		return
	}
	c := p.person(r, body.UserID)
	done(w, p.byHand(c, func() error { return c.entrust(r.PathValue("kind"), toID(r.PathValue("id")), body.Responsible) }))
}

func done(w http.ResponseWriter, err error) {
	if err != nil {
		refuseControl(w, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// pageComplete is the check mark of an activity on a card.
func (p *Portal) pageComplete(w http.ResponseWriter, r *http.Request) {
	c := p.person(r, 0)
	err := p.byHand(c, func() error { return c.complete(toID(r.PathValue("id")), r.PostFormValue("completed") == "Y") })
	back(w, r, err)
}

// pageResponsible is the choice of the responsible employee on a card.
func (p *Portal) pageResponsible(w http.ResponseWriter, r *http.Request) {
	c := p.person(r, 0)
	err := p.byHand(c, func() error {
		return c.entrust(r.PathValue("kind"), toID(r.PathValue("id")), toID(r.PostFormValue("user")))
	})
	back(w, r, err)
}

// back shows the page again that the form was on.
func back(w http.ResponseWriter, r *http.Request, err error) {
	if err != nil {
		refuseControl(w, err)
		return
	}
	from, parseErr := url.Parse(r.Referer())
	if parseErr != nil || from.Path == "" {
		from = &url.URL{Path: "/"}
	}
	http.Redirect(w, r, (&url.URL{Path: from.Path}).String(), http.StatusSeeOther)
}

// pageUser is an employee in a choice.
type pageUser struct {
	ID      int
	Name    string
	Current bool
}

// pageUsers are the active employees; current is chosen.
func (p *Portal) pageUsers(current int) []pageUser {
	var out []pageUser
	for _, u := range p.state.users.all() {
		if u.Active {
			out = append(out, pageUser{u.ID, p.state.userName(u.ID), u.ID == current})
		}
	}
	return out
}

// pageActivity is what a person may do with an activity on a card.
type pageActivity struct {
	ID        int
	Completed bool
	Badge     string // what it puts on cards of the kanban
}

func (p *Portal) pageActivity(a *activity) *pageActivity {
	out := &pageActivity{ID: a.ID, Completed: a.V["COMPLETED"] == "Y"}
	if b := p.state.badge(a.Badge); b != nil {
		out.Badge = b.Title + ": " + b.Value
	}
	return out
}
