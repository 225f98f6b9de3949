package chat2desk

import (
	"fmt"
	"strconv"
	"time"
)

// statistics is GET /statistics (reference §3.7): one day of the account's zone.
func (c *Company) statistics(q *call) answer {
	day, err := time.ParseInLocation("2006-01-02", q.text("date"), c.options.TimeZone)
	if err != nil {
		return invalid("date", "is not a date in the form YYYY-MM-DD")
	}
	report, ok := map[string]func(func(time.Time) bool) []object{
		"request_stats": c.requestReport, "rating": c.ratingReport, "operator_stats": c.operatorReport,
		"operator_events": c.activityReport, "operator_replies": c.replyReport,
	}[q.text("report")]
	if !ok {
		return invalid("report", "report is incorrect")
	}
	rows := report(func(t time.Time) bool { return !t.Before(day) && t.Before(day.AddDate(0, 0, 1)) })
	return listed(rows, q.params, func(row object) object { return row })
}

func (c *Company) statStamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.In(c.options.TimeZone).Format(statTime)
}

// requestReport has the newest first; numbers come as number, as text and as ""
// for no data.
func (c *Company) requestReport(on func(time.Time) bool) []object {
	out := []object{}
	for i := len(c.s.Requests.rows) - 1; i >= 0; i-- {
		if r := c.s.Requests.rows[i]; on(r.Opened) {
			out = append(out, c.requestRow(r))
		}
	}
	return out
}

func (c *Company) requestRow(r *request) object {
	figures := c.figures(r)
	row := object{
		"request_id": r.ID, "request_start": c.statStamp(r.Opened), "request_end": c.statStamp(r.Closed), "request_time": "",
		"reaction_time": figures.reaction(), "replies": strconv.Itoa(figures.out), "total_replies_time": "", "average_replies_time": "",
		"request_type": r.Type, "transport": r.Transport, "channel_id": r.ChannelID, "client_id": r.ClientID,
		"operator_id": idOrNull(r.OperatorID), "operator_name": c.operatorName(r.OperatorID), "incoming_messages": figures.in,
		"outgoing_messages": figures.out, "rating_scale_score": "", "rating_text": "",
	}
	if !r.Closed.IsZero() {
		row["request_time"] = int(r.Closed.Sub(r.Opened).Seconds())
	}
	if ch := c.channel(r.ChannelID); ch != nil {
		row["channel_name"] = ch.Name
	}
	if cl, ok := c.s.Clients.get(r.ClientID); ok {
		row["client_name"], row["phone"], row["assigned_phone"] = cl.shownName(), cl.Identity, cl.ClientPhone
	}
	if score := c.scoreOf(r.ID); score > 0 {
		row["rating_scale_score"] = fmt.Sprintf("%d.0", score)
	}
	return row
}

// figures counts the messages of a request that statistics count.
type figures struct {
	in, out    int
	asked, got time.Time
}

func (c *Company) figures(r *request) (f figures) {
	for _, m := range c.s.byRequest[r.ID] {
		switch m.Type {
		case typeClient:
			f.in++
			if f.asked.IsZero() {
				f.asked = m.Created
			}
		case typeOperator:
			f.out++
			if f.got.IsZero() {
				f.got = m.Created
			}
		}
	}
	return f
}

func (f figures) reaction() any {
	if f.asked.IsZero() || f.got.IsZero() {
		return ""
	}
	return int(f.got.Sub(f.asked).Seconds())
}

func (c *Company) scoreOf(judged int64) int {
	for _, r := range c.s.Requests.rows {
		if r.Rates == judged {
			return r.Score
		}
	}
	return 0
}

func (c *Company) operatorName(id int64) string {
	if op := c.operator(id); op != nil {
		return op.FirstName + " " + op.LastName
	}
	return ""
}

func (c *Company) ratingReport(on func(time.Time) bool) []object {
	out := []object{}
	for _, r := range c.s.Requests.rows {
		if r.Type != requestRating || r.Score == 0 || !on(r.Opened) {
			continue
		}
		out = append(out, object{
			"score_value": r.Score, "rating_scale_score": fmt.Sprintf("%d.0", r.Score), "valuation_request_id": r.Rates,
			"request_id": r.ID, "rating_id": r.ID, "created_at": c.statStamp(r.Opened),
		})
	}
	return out
}

func (c *Company) operatorReport(on func(time.Time) bool) []object {
	out := []object{}
	for _, op := range c.s.Operators {
		requests, replies := 0, 0
		for _, r := range c.s.Requests.rows {
			if r.OperatorID == op.ID && r.Type == requestCommon && on(r.Opened) {
				requests++
				replies += c.figures(r).out
			}
		}
		out = append(out, object{
			"operator_id": op.ID, "operator_name": c.operatorName(op.ID), "requests": requests, "outgoing_messages": strconv.Itoa(replies),
		})
	}
	return out
}

func (c *Company) activityReport(on func(time.Time) bool) []object {
	out := []object{}
	for _, ev := range c.s.Activity {
		if on(ev.At) {
			out = append(out, object{"operator_name": c.operatorName(ev.OperatorID), "event": ev.Event, "created_at": c.statStamp(ev.At)})
		}
	}
	return out
}

func (c *Company) replyReport(on func(time.Time) bool) []object {
	out := []object{}
	for _, m := range c.s.Messages.rows {
		if m.Type == typeOperator && m.OperatorID != 0 && on(m.Created) {
			out = append(out, object{
				"operator_id": m.OperatorID, "operator_name": c.operatorName(m.OperatorID), "request_id": m.RequestID,
				"message_id": m.ID, "created_at": c.statStamp(m.Created),
			})
		}
	}
	return out
}
