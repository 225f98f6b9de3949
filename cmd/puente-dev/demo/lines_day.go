package demo

import (
	"context"
	"fmt"
	"time"
)

// The channels of the lines. The other chapters do not use them.
const (
	channelSupport = 17
	channelNight   = 18
)

// userMaria is a member of the line who is off duty, and no operator of Chat2Desk.
const userMaria = 9

// operatorOf says who of Chat2Desk a user of Bitrix24 is.
var operatorOf = map[int64]int64{userOlga: ana, userPavel: boris}

// The people of the chapter, by the place of their rows.
const (
	elena = iota
	igor
	teresa
	omar
	seller
	noor
)

// passTime is how long an offer waits for an answer: minutes of the setting, which are seconds here.
const passTime = 12

// lines are the settings of the lines. The second one is closed on the day of the demo, and on the next one, lest
// midnight comes in between.
func lines(today time.Time) map[string]object {
	members := []object{{"user": userOlga}, {"user": userPavel}, {"user": userMaria}}
	holidays := []string{today.Format(time.DateOnly), today.AddDate(0, 0, 1).Format(time.DateOnly)}
	return map[string]object{
		"support": {
			"name": "Support", "channels": []int{channelSupport}, "members": members,
			"pass_time": passTime, "close_rule": "rating", "grace_time": 60, "auto_text_max_age": 60,
		},
		"orders": {
			"name": "Orders", "channels": []int{channelNight}, "members": members, "auto_text_max_age": 60,
			"hours_enabled": true, "holidays": holidays,
		},
	}
}

// LineChat is a client who writes on a line, and how that is to end.
type LineChat struct {
	Name    string
	Line    string
	Channel int
	Phone   string
	Wants   LineWants
}

// LineWants is how a chat is to end.
type LineWants struct {
	State      string   // of the session
	Reason     string   // why it was closed
	Ends       []string // how the offers ended, in order; so many there must be
	Whys       []string // part of the reason of each offer
	First      int64    // who gets the first offer; 0 = whose turn it is
	Another    *int     // the chat whose first offer went to somebody else
	Owner      int      // number of the offer whose operator owns it; 0 = nobody does
	Texts      []string // automatic texts that the client got, in order
	Vote       string
	Unread     int
	Item       int64 // the deal that shows it; 0 = one that was made for the client
	Completed  bool  // so is the chat activity
	Transcript bool  // stands on the same deal
}

// people are the clients of the chapter; deal is the open one of Teresa.
func (l *lineDay) people(deal int64) []LineRow {
	before := elena
	turn := "on this line"
	wants := []struct {
		name string
		LineWants
	}{
		elena: {"Elena", LineWants{
			State: "closed", Reason: "operator", Ends: []string{"answered"}, Whys: []string{turn}, Owner: 1, Vote: "good",
			Texts: []string{"welcome", "vote_request", "vote_thanks_good"}, Completed: true, Transcript: true,
		}},
		igor: {"Igor", LineWants{
			State: "active", Ends: []string{"expired", "answered"}, Whys: []string{turn, "had his turn in this pass"}, Another: &before,
			Owner: 2, Texts: []string{"welcome"}, Unread: 1,
		}},
		teresa: {"Teresa", LineWants{
			State: "active", Ends: []string{"answered", "answered"}, Whys: []string{"responsible for the client in the CRM", "hands it over"},
			First: userPavel, Owner: 2, Texts: []string{"welcome"}, Item: deal,
		}},
		omar: {"Omar", LineWants{
			State: "active", Ends: []string{"declined", "answered"}, Whys: []string{turn, ""}, Owner: 2, Texts: []string{"welcome"},
		}},
		seller: {"A seller", LineWants{
			State: "closed", Reason: "spam", Ends: []string{"answered"}, Whys: []string{turn}, Owner: 1, Texts: []string{"welcome"}, Completed: true,
		}},
		noor: {"Noor", LineWants{State: "held", Texts: []string{"offhours"}, Unread: 2}},
	}
	rows := make([]LineRow, len(wants))
	for i, one := range wants {
		rows[i].Chat = LineChat{Name: one.name, Line: "support", Channel: channelSupport, Phone: l.phone(i), Wants: one.LineWants}
	}
	rows[noor].Chat.Line, rows[noor].Chat.Channel = "orders", channelNight
	return rows
}

// phone is the number of a client of this play.
func (l *lineDay) phone(who int) string {
	return fmt.Sprintf("+7958%d%06d", who, l.began.Unix()%1_000_000)
}

// lineAct is what happens to one client until somebody else's turn comes.
type lineAct struct {
	Title string
	Who   int
	Steps []step
	Aside bool // goes on while the next acts are played
}

// step is one thing that somebody does, or that is waited for.
type step func(ctx context.Context, row *LineRow) error

var laterForIgor = fmt.Sprintf("Meanwhile: after %d minutes, seconds here, his offer passes on. He is answered, and writes again.", passTime)

// acts are the programme.
func (l *lineDay) acts() []lineAct {
	return []lineAct{
		{Title: "Elena asks. She is welcomed and offered to whose turn it is, who answers.", Who: elena, Steps: []step{
			l.writes("Do you deliver on Saturday?"), l.offered(1), l.answers("Yes, until two o'clock."), l.isIn("active"),
		}},
		{Title: "Igor asks. It is the other operator's turn, who does not look.", Who: igor, Steps: []step{
			l.writes("Is the blue one back?"), l.offered(1),
		}},
		{Title: laterForIgor, Who: igor, Aside: true, Steps: []step{
			l.offered(2), l.answers("Since this morning."), l.isIn("active"), l.writes("And the green one?"), l.unread(1),
		}},
		{Title: "Elena's operator closes the chat. She is asked for a rating, and gives 1.", Who: elena, Steps: []step{
			l.does("finish", nil), l.isIn("closing"), l.got("vote_request"), l.writes("1"), l.isIn("closed"),
		}},
		{Title: "Teresa has an open deal: past the queue she is led to the one responsible for it, who hands her over.", Who: teresa, Steps: []step{
			l.writes("When will my kitchen come?"), l.offered(1), l.answers("My colleague knows."), l.isIn("active"),
			l.does("transfer", object{"to": userOlga}), l.offered(2), l.answers("On Tuesday."), l.ownedBy(userOlga),
		}},
		{Title: "Omar's operator declines: at once it is the next one's turn.", Who: omar, Steps: []step{
			l.writes("Can I pay by card?"), l.offered(1), l.does("decline", nil), l.offered(2), l.answers("By card or cash."), l.isIn("active"),
		}},
		{Title: "Somebody only wants to sell, and is marked as spam: no text, no rating.", Who: seller, Steps: []step{
			l.writes("Buy my leads!"), l.offered(1), l.answers("No, thank you."), l.isIn("active"), l.shown(), l.does("spam", nil), l.isIn("closed"),
		}},
		{Title: "Noor writes twice on a line that is closed today. She is told once, and waits for its hours.", Who: noor, Steps: []step{
			l.writes("I want to order."), l.isIn("held"), l.got("offhours"), l.writes("Two boxes, please."), l.unread(2),
		}},
	}
}
