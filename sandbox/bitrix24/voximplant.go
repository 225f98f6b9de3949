package bitrix24

import (
	"strconv"
	"strings"
)

// statisticRow shows a finished call with the columns of the documented sample.
// Everything is text or null, except the id of the record.
func (c *call) statisticRow(st *statistic) *dict {
	r, _ := c.p.state.calls.get(st.Call)
	appID, appName := c.p.state.account.appLabel(r.App)
	text := func(s string) any { return pick(s == "", any(nil), any(s)) }
	number := func(n int) any { return pick(n == 0, any(nil), any(strconv.Itoa(n))) }
	kindCode, _ := c.clientOf(r)
	var record any
	if st.Record != nil {
		record = st.Record.File
	}
	return newDict(
		"ID", strconv.Itoa(st.ID), "PORTAL_USER_ID", strconv.Itoa(st.User), "PORTAL_NUMBER", r.Line, "PHONE_NUMBER", r.Digits,
		"CALL_ID", r.CallID, "EXTERNAL_CALL_ID", text(r.External), "CALL_CATEGORY", "external", "CALL_LOG", nil,
		"CALL_DURATION", strconv.Itoa(st.Duration), "CALL_START_DATE", c.p.shown(r.Started), "CALL_RECORD_URL", text(st.RecordURL),
		"CALL_VOTE", number(st.Vote), "COST", strconv.FormatFloat(st.Cost, 'f', 4, 64), "COST_CURRENCY", st.Currency,
		"CALL_FAILED_CODE", st.Code, "CALL_FAILED_REASON", st.Reason, "CRM_ENTITY_TYPE", kindCode, "CRM_ENTITY_ID", number(r.CRM.ID),
		"CRM_ACTIVITY_ID", number(st.Activity), "REST_APP_ID", appID, "REST_APP_NAME", appName, "TRANSCRIPT_ID", number(st.Transcript),
		"TRANSCRIPT_PENDING", "N", "SESSION_ID", nil, "REDIAL_ATTEMPT", nil, "COMMENT", nil, "RECORD_DURATION", nil,
		"RECORD_FILE_ID", record, "CALL_TYPE", strconv.Itoa(r.Type),
	)
}

// statisticList filters, orders by SORT and ORDER and pages the finished calls.
func (c *call) statisticList() (any, error) {
	rows := make([]*dict, 0, len(c.p.state.statistics.rows))
	for _, st := range c.p.state.statistics.all() {
		rows = append(rows, c.statisticRow(st))
	}
	rows = filterRows(rows, c.statisticFilter())
	if name := strings.ToUpper(c.str("SORT")); name != "" && name != "CALL_TYPE" {
		orderRows(rows, newDict(name, pick(c.str("ORDER") == "", "ASC", c.str("ORDER"))))
	}
	return listOf(paged(c, rows, c.start())), nil
}

// statisticFilter brings the operators of this method into those of other
// lists: "?" searches a text, "><" is a range. Moments get the portal's zone,
// in which the rows show them.
func (c *call) statisticFilter() *dict {
	out := newDict()
	orEmpty(c.array("FILTER")).each(func(key string, value any) {
		name := strings.TrimLeft(key, "!=<>?%@")
		op := strings.TrimSuffix(key, name)
		if name == "CALL_START_DATE" {
			value = c.shownOperand(value)
		}
		bounds := asDict(value).values()
		switch {
		case op == "><" && len(bounds) == 2:
			out.set(">="+name, bounds[0])
			out.set("<="+name, bounds[1])
		case op == "?":
			out.set("%"+name, value)
		default:
			out.set(key, value)
		}
	})
	return out
}

// shownOperand writes moments of a filter as rows show them.
func (c *call) shownOperand(value any) any {
	if list := asDict(value); list != nil {
		out := newDict()
		list.each(func(key string, one any) { out.set(key, c.shownOperand(one)) })
		return out
	}
	if t, ok := c.p.toTime(value); ok {
		return t.In(c.p.zone).Format(shownMoment)
	}
	return value
}
