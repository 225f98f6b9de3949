package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// LineRow is a client on a line, and what became of him.
type LineRow struct {
	Chat LineChat
	ids

	Session    LineSession
	Texts      []string // automatic ones that the client got, in order
	Stuck      string   // what did not happen in time
	Activities []chatActivity
	DealFields map[string]text
	Contacts   int  // that the CRM has under the phone
	Transcript bool // the closed dialog went to the same deal
	Mismatches []string
}

// LineSession is what the demo reads of a session.
type LineSession struct {
	ID        int64   `json:"id"`
	State     string  `json:"state"`
	Attention string  `json:"attention"`
	Chat      string  `json:"chat"`
	Owner     int64   `json:"owner"`
	Unread    int     `json:"unread"`
	Item      *Entity `json:"item"`
	Reason    string  `json:"reason"`
	RunURL    string  `json:"run_url"`
	QueueURL  string  `json:"queue_url"`
	Log       []struct {
		Kind string `json:"kind"`
		Text string `json:"text"`
	} `json:"log"`
}

// lineOffer is an offer as the log tells it.
type lineOffer struct {
	ID, User int64
	Why      string // of the decision, with who was left out
	End      string // "" while it is open
}

// The sentences of the log that the demo understands.
var (
	offerMade  = regexp.MustCompile(`^offer (\d+): offered to operator (\d+): (.*)$`)
	offerEnded = regexp.MustCompile(`^offer (\d+) to operator \d+ ended: (.*)$`)
	firstReply = regexp.MustCompile(`^first reply by operator \d+ after ([^,]+)`)
	voteGiven  = regexp.MustCompile(`^vote (\w+) for operator \d+`)
)

// offers are all offers that were made, in order.
func (s LineSession) offers() (out []lineOffer) {
	for _, r := range s.Log {
		if m := offerMade.FindStringSubmatch(r.Text); m != nil {
			out = append(out, lineOffer{ID: number(m[1]), User: number(m[2]), Why: m[3]})
		}
		if m := offerEnded.FindStringSubmatch(r.Text); m != nil {
			for i := range out {
				if out[i].ID == number(m[1]) {
					out[i].End = m[2]
				}
			}
		}
	}
	return out
}

func number(digits string) int64 {
	n, _ := strconv.ParseInt(digits, 10, 64) // the expressions let digits through only
	return n
}

// told is what a sentence of the log names, "" if there is none.
func (s LineSession) told(sentence *regexp.Regexp) string {
	for _, r := range s.Log {
		if m := sentence.FindStringSubmatch(r.Text); m != nil {
			return m[1]
		}
	}
	return ""
}

// lastOffer is the newest one; of none, an empty one.
func (r *LineRow) lastOffer() (last lineOffer) {
	for _, o := range r.Session.offers() {
		last = o
	}
	return last
}

// firstOffer is the oldest one; of none, an empty one.
func (s LineSession) firstOffer() lineOffer {
	for _, o := range s.offers() {
		return o
	}
	return lineOffer{}
}

// chatActivity is the activity of the CRM that shows a chat.
type chatActivity struct {
	Origin      string `json:"ORIGIN_ID"`
	Completed   text   `json:"COMPLETED"`
	Responsible text   `json:"RESPONSIBLE_ID"`
}

// look reads how everything stands: sessions, texts, the ledger, the CRM, the figures.
func (l *lineDay) look(ctx context.Context) error {
	for i := range l.report.Rows {
		row := &l.report.Rows[i]
		if err := l.readSession(ctx, row); err != nil {
			return err
		}
		if err := l.readTexts(ctx, row); err != nil {
			return err
		}
	}
	for _, read := range []func(context.Context) error{l.readLedger, l.readCRM, l.readFigures, l.readAttention} {
		if err := read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// readLedger notes whether the closed dialogs went to the deals that show the chats.
func (l *lineDay) readLedger(ctx context.Context) error {
	syncs, err := l.ledger.since(ctx, l.began)
	if err != nil {
		return err
	}
	for i := range l.report.Rows {
		row := &l.report.Rows[i]
		for _, s := range syncs {
			if s.DialogID == row.DialogID && s.RequestID == row.RequestID && s.Status == statusDone && row.Session.Item != nil {
				done := Row{Entities: s.Entities}
				e, _ := done.entity(row.Session.Item.Kind)
				row.Transcript = e.ID == row.Session.Item.ID
			}
		}
	}
	return nil
}

// readCRM reads deals and chat activities in one request, and who has the phones.
func (l *lineDay) readCRM(ctx context.Context) error {
	commands, answers := map[string]string{}, map[string]json.RawMessage{}
	for i := range l.report.Rows {
		l.report.Rows[i].ask(strconv.Itoa(i), commands)
	}
	if err := l.crm.batches(ctx, commands, answers); err != nil {
		return err
	}
	for i := range l.report.Rows {
		l.report.Rows[i].hear(strconv.Itoa(i), answers)
	}
	return nil
}

// ask adds the commands that show a row's chat in the CRM.
func (r *LineRow) ask(key string, commands map[string]string) {
	phones := url.Values{"type": {"PHONE"}, "entity_type": {"CONTACT"}, "values[]": {r.Chat.Phone}}
	commands["contacts"+key] = "crm.duplicate.findbycomm?" + phones.Encode()
	if r.Session.Item == nil {
		return
	}
	id := strconv.FormatInt(r.Session.Item.ID, 10)
	list := url.Values{
		"filter[OWNER_TYPE_ID]": {strconv.Itoa(kindNumbers[r.Session.Item.Kind])}, "filter[OWNER_ID]": {id},
		"filter[ORIGINATOR_ID]": {"puente"}, "select[]": {"ORIGIN_ID", "COMPLETED", "RESPONSIBLE_ID"},
	}
	commands["activities"+key] = "crm.activity.list?" + list.Encode()
	commands["item"+key] = "crm." + r.Session.Item.Kind + ".get?id=" + id
}

// hear notes what the CRM answered; what is missing stays empty, and is judged so.
func (r *LineRow) hear(key string, answers map[string]json.RawMessage) {
	var activities []chatActivity
	_ = json.Unmarshal(answers["activities"+key], &activities) // as said
	r.Activities = nil
	for _, a := range activities {
		if strings.HasPrefix(a.Origin, fmt.Sprintf("line:%d:", r.Session.ID)) {
			r.Activities = append(r.Activities, a)
		}
	}
	r.DealFields = map[string]text{}
	_ = json.Unmarshal(answers["item"+key], &r.DealFields) // as said
	var found struct {
		Contacts []int64 `json:"CONTACT"`
	}
	_ = json.Unmarshal(answers["contacts"+key], &found) // nobody is an empty list
	r.Contacts = len(found.Contacts)
}

// LineFigures are the statistics that the demo compares.
type LineFigures struct {
	Started  int `json:"started"`
	Closed   int `json:"closed"`
	Answered int `json:"answered"`
	Missed   int `json:"missed"`
	Votes    struct {
		Good int `json:"good"`
		Bad  int `json:"bad"`
	} `json:"votes"`
	FirstReply struct {
		Calendar struct {
			Count  int     `json:"count"`
			Median float64 `json:"median"`
		} `json:"calendar"`
	} `json:"first_reply_time"`
}

// readFigures reads the statistics of this play, as they were kept and computed anew from the log.
func (l *lineDay) readFigures(ctx context.Context) error {
	for source, into := range map[string]*LineFigures{"kept": &l.report.Kept, "log": &l.report.FromLog} {
		query := url.Values{"from": {l.began.Format("2006-01-02T15:04:05.999Z07:00")}, "source": {source}}
		answer := struct {
			Total *LineFigures `json:"total"`
		}{into}
		*into = LineFigures{}
		if err := l.ledger.do(ctx, http.MethodGet, "/statistics?"+query.Encode(), nil, &answer); err != nil {
			return err
		}
	}
	return nil
}

// readAttention reads the list of what needs attention first.
func (l *lineDay) readAttention(ctx context.Context) error {
	var page struct {
		Items []LineSession `json:"items"`
	}
	err := l.ledger.do(ctx, http.MethodGet, "/attention?limit=200", nil, &page)
	l.report.Attention = page.Items
	return err
}
