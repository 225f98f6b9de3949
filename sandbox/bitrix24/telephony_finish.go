package bitrix24

import (
	"slices"
	"strconv"
	"time"
)

// callCodes are the outcomes of a call (bitrix24 reference §5.2).
var callCodes = []string{"200", "304", "603", "603-S", "403", "404", "486", "484", "503", "480", "402", "423", "OTHER"}

// callFinish ends a call: it goes into the statistics, and an activity onto the
// timeline of its client. It works once; for a second time the call is unknown.
func (c *call) callFinish() (any, error) {
	v, _ := c.param("CALL_ID")
	callID, isText := v.(string)
	if !isText {
		return nil, badRequest("INVALID_ARGUMENT", "CALL_ID must be a string")
	}
	u, err := c.callUser()
	if err != nil {
		return nil, err
	}
	open, ok := c.p.state.callNamed(callID)
	if !ok || open.Statistic != 0 || open.App != c.who.app {
		return nil, core("Call is not found (call should be registered prior to finishing)")
	}
	st, err := c.readStatistic(u)
	if err != nil {
		return nil, err
	}
	r := *open
	st.ID, st.Call = c.p.state.statistics.newID(), r.ID
	r.Statistic, r.ShownTo = st.ID, nil
	c.takeOver(&r, u.ID)
	st.Activity = c.callActivity(&r, st)
	c.p.state.statistics.put(st.ID, st)
	c.p.state.calls.put(r.ID, &r)
	return c.finishedCall(&r, st), nil
}

func (c *call) readStatistic(u *user) (*statistic, error) {
	cost, _ := c.param("COST")
	st := &statistic{
		User: u.ID, Duration: max(c.id("DURATION"), 0), Currency: c.str("COST_CURRENCY"), Reason: c.str("FAILED_REASON"),
		Code: c.str("STATUS_CODE"), RecordURL: c.str("RECORD_URL"), InChat: c.flag("ADD_TO_CHAT", true),
	}
	st.Cost, _ = toFloat(cost)
	if vote := c.id("VOTE"); vote >= 1 && vote <= 5 {
		st.Vote = vote
	}
	if st.Code == "" {
		st.Code = pick(st.Duration > 0, "200", "304")
	}
	if !slices.Contains(callCodes, st.Code) {
		return nil, core("Unknown STATUS_CODE")
	}
	return st, nil
}

// takeOver makes who finished the call responsible for what the call created,
// and forgets a client that was deleted during the call.
func (c *call) takeOver(r *registration, userID int) {
	for _, b := range r.Created {
		t := c.p.state.entities[b.Kind]
		if e, ok := t.get(b.ID); ok {
			next := e.clone()
			next.V["ASSIGNED_BY_ID"] = userID
			t.put(b.ID, next)
		}
	}
	if r.CRM.ID != 0 && !c.p.state.entities[r.CRM.Kind].exists(r.CRM.ID) {
		r.CRM = activityBinding{}
	}
}

// callActivity puts the call onto the timeline of its client; a call of nobody
// gets no activity, since an activity must be bound to something. A missed call
// stays open: somebody has to call back.
func (c *call) callActivity(r *registration, st *statistic) int {
	if r.CRM.ID == 0 {
		return 0
	}
	t := c.p.state.entities[r.CRM.Kind]
	name := entityName(t.kind, t.rows[r.CRM.ID])
	begun, _ := time.Parse(storedMoment, r.Started)
	missed := r.incoming() && st.Code != "200"
	a := &activity{V: map[string]string{
		"TYPE_ID": "2", "PROVIDER_ID": "VOXIMPLANT_CALL", "PROVIDER_TYPE_ID": "CALL", "ORIGIN_ID": "VI_" + r.CallID,
		"SUBJECT":    pick(r.incoming(), "Incoming call ", "Outgoing call ") + pick(name == "", r.Phone, name),
		"START_TIME": r.Started, "END_TIME": begun.Add(time.Duration(st.Duration) * time.Second).Format(storedMoment),
		"DIRECTION": pick(r.incoming(), "1", "2"), "COMPLETED": yn(!missed), "STATUS": pick(missed, "1", "2"),
		"RESPONSIBLE_ID": strconv.Itoa(st.User), "DESCRIPTION": st.Reason,
	}}
	a.Communications = []communication{{c.p.state.nextFM(), r.CRM.Kind, r.CRM.ID, "PHONE", r.Phone}}
	a.bind(r.CRM)
	c.saveNew(a)
	return a.ID
}

// finishedCall is the answer of finish. The start is shown as {}: the real
// portal fails to write the date.
func (c *call) finishedCall(r *registration, st *statistic) *dict {
	appID, appName := c.p.state.account.appLabel(r.App)
	orNil := func(empty bool, v any) any { return pick(empty, nil, v) }
	kindCode, id := c.clientOf(r)
	return newDict(
		"CALL_ID", r.CallID, "EXTERNAL_CALL_ID", orNil(r.External == "", r.External), "PORTAL_USER_ID", st.User, "PHONE_NUMBER", r.Digits,
		"PORTAL_NUMBER", r.Line, "INCOMING", strconv.Itoa(r.Type), "CALL_DURATION", st.Duration, "CALL_START_DATE", struct{}{},
		"CALL_STATUS", st.success(), "CALL_VOTE", orNil(st.Vote == 0, st.Vote), "COST", st.Cost, "COST_CURRENCY", st.Currency,
		"CALL_FAILED_CODE", st.Code, "CALL_FAILED_REASON", st.Reason, "REST_APP_ID", appID, "REST_APP_NAME", appName,
		"CRM_ACTIVITY_ID", orNil(st.Activity == 0, st.Activity), "COMMENT", nil, "CRM_ENTITY_TYPE", kindCode, "CRM_ENTITY_ID", id, "ID", st.ID,
	)
}

// success is 1 for a conversation, 0 for anything else.
func (st *statistic) success() int { return pick(st.Code == "200", 1, 0) }

// appLabel is the number and the name of an application.
func (a *account) appLabel(clientID string) (id, name string) {
	i := slices.IndexFunc(a.Apps, func(one app) bool { return one.ClientID == clientID })
	return strconv.Itoa(i + 1), clientID
}
