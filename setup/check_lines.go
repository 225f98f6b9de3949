package setup

import (
	"cmp"
	"fmt"
	"strings"

	"puente/bitrix24"
	"puente/portals"
	"puente/store"
)

// openLines tells what the open lines of a portal can do there, and what has to
// be set elsewhere. Without an application they work, but show less.
func (r *Report) openLines(p store.Portal, lines []store.Line, app answers) {
	r.add("Open lines", OK, nameLines(lines), "")
	r.Rows = append(r.Rows, chatsInCRM(p.Slug, app), eventsOfCRM(p, app), distribution(lines))
}

func nameLines(lines []store.Line) string {
	var names []string
	for _, l := range lines {
		names = append(names, string(l.ID))
	}
	return strings.Join(names, ", ")
}

// chatsInCRM tells how a chat shows in the CRM (bitrix24 reference §4.3).
func chatsInCRM(slug string, app answers) Row {
	row := Row{Feature: "Open lines: chats in the CRM", State: Warning, Lacks: LackApplication, Help: installHelp(slug)}
	if app.lost != nil {
		row.Detail = "chats show as incoming calls: how many messages are unread stands in the title only, and there is no badge on the kanban"
		return row
	}
	i := featureAt(featureActivities)
	if judged := features[i].judge(slug, app); judged.State != OK {
		row.Detail, row.Help, row.Lacks = "the chats cannot be shown: "+judged.Detail, judged.Help, judged.Lacks
		row.State = judged.State
		return row
	}
	var who struct {
		Admin bitrix24.Bool `json:"ADMIN"`
	}
	if err := app.about["profile"].Into(&who); err != nil || !bool(who.Admin) {
		row.Detail = "chats show with the green counter and the number of unread messages, but without the badge on the kanban"
		row.Lacks = LackRights
		row.Help = "only an administrator's application may make the badge: let an administrator install it"
		return row
	}
	return Row{Feature: row.Feature, State: OK, Detail: "green counter, number of unread messages, badge on the kanban"}
}

func featureAt(name string) int {
	for i, f := range features {
		if f.name == name {
			return i
		}
	}
	return 0 // the names are ours
}

// lateNote is what happens without events; see dispatch.DefaultCRMLook.
const lateNote = "completing a chat activity by hand closes its session only when Puente looks, every five minutes"

// PublicHost stands where the address of this API is not known.
const PublicHost = "https://YOUR-PUBLIC-HOST"

// eventsOfCRM tells whether the portal says what people do with chats.
func eventsOfCRM(p store.Portal, app answers) Row {
	row := Row{Feature: "Open lines: events of the CRM", State: Warning}
	address := cmp.Or(p.Bitrix24.EventsURL, portals.EventsURL(PublicHost, p.Slug))
	if app.lost != nil {
		return byWebhook(row, p, address)
	}
	h, err := portals.ReadHandlers(app.probes[featureEvents], p.Slug, p.Bitrix24.EventsURL)
	switch {
	case err != nil:
		row.Detail = err.Error()
		row.Lacks, row.Help = lack(err, p.Slug)
	case h.Wanted == "":
		row.Detail = "it is not known where the portal reaches this API, so that it sends no events; " + lateNote
		row.Help = eventsHelp(p.Slug)
	case len(h.Missing) > 0:
		row.Detail = "not subscribed yet: " + strings.Join(h.Missing, ", ") + "; a worker does so within a minute"
		row.Help = "look at the log of the worker, or subscribe at once: " + eventsHelp(p.Slug)
	case len(h.Elsewhere) > 0:
		row.Detail = fmt.Sprintf("%d events go to %s, and still to %s", len(h.Bound), h.Wanted, strings.Join(h.Elsewhere, ", "))
		row.Help = eventsHelp(p.Slug)
	default:
		row.State, row.Detail = OK, fmt.Sprintf("%d events go to %s", len(h.Bound), h.Wanted)
	}
	return row
}

func eventsHelp(slug string) string {
	return "puente portal events " + slug + " --host https://your-host"
}

// byWebhook: without an application a person must make an outgoing webhook, which
// cannot be asked for (bitrix24 reference §8.1).
func byWebhook(row Row, p store.Portal, address string) Row {
	row.Lacks = LackApplication
	row.Help = OutgoingWebhook(p.Slug, address) + "; or " + installHelp(p.Slug)
	row.Detail = "the portal sends none: " + lateNote
	if p.Bitrix24.ApplicationToken != "" {
		row.State = Note
		row.Detail = "events with the application token that is stored are taken; which ones the outgoing webhook sends cannot be asked"
	}
	return row
}

// OutgoingWebhook says how a person makes the portal send the events of open
// lines to an address, where there is no application.
func OutgoingWebhook(slug, address string) string {
	return "create an outgoing webhook in Bitrix24 (Developer resources → Other → Outgoing webhook): handler " + address +
		", events " + strings.Join(portals.LineEvents(), ", ") + "; then put its application token into bitrix24.application_token " +
		"(puente portal add " + slug + " --file portal.yaml)"
}

// distribution: what Chat2Desk does with a new chat is set there, and its API
// does not tell (chat2desk reference §2).
func distribution(lines []store.Line) Row {
	var channels []string
	for _, l := range lines {
		for _, c := range l.Settings.Channels {
			channels = append(channels, fmt.Sprint(c))
		}
	}
	return Row{
		Feature: "Open lines: distribution in Chat2Desk", State: Note,
		Detail: "must be off on the channels " + strings.Join(channels, ", ") + ", which cannot be asked: else Chat2Desk gives clients to " +
			"operators whom the line did not choose",
		Help: "switch the automatic distribution of requests off in Chat2Desk for these channels",
	}
}
