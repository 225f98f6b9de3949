package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/stretchr/testify/require"

	"puente/workflows"
)

// chatActivity is a chat activity in the sandbox CRM: the configurable activity
// of an incoming channel by which a session shows there.
type chatActivity struct {
	ID          int64
	Item        string // what it hangs on: "lead:12"
	Responsible int64
	Completed   bool
	Incoming    bool   // counts for its responsible as a chat does, as long as it is open
	Badge       string // on the card of the item
	State       string // the tag in its head: how many messages are unread, answered, finished
	Blocks      []string
}

// chatKinds are the entityTypeId of items that show chats.
var chatKinds = map[int64]string{leadType: "lead", dealType: "deal", contactType: "contact", companyType: "company"}

// activities are the chat activities of a session.
func (d *lineDesk) activities(session int64) (out []chatActivity) {
	d.t.Helper()
	for start := 0; ; start += 50 {
		var rows []struct {
			ID     string `json:"ID"`
			Origin string `json:"ORIGIN_ID"`
		}
		d.rest("crm.activity.list", object{
			"filter": object{"ORIGINATOR_ID": workflows.Originator}, "select": []string{"ID", "ORIGIN_ID"}, "order": object{"ID": "ASC"}, "start": start,
		}, &rows)
		for _, row := range rows {
			if of, _, ok := workflows.ParseLineMark(row.Origin); ok && int64(of) == session {
				out = append(out, d.activity(row.ID))
			}
		}
		if len(rows) < 50 {
			return out
		}
	}
}

// activity reads a configurable activity, which only the application may.
func (d *lineDesk) activity(id string) (out chatActivity) {
	d.t.Helper()
	var got struct {
		Result struct {
			Activity struct {
				ID        int64 `json:"id"`
				OwnerType int64 `json:"ownerTypeId"`
				Owner     int64 `json:"ownerId"`
				Fields    struct {
					Completed   bool   `json:"completed"`
					Incoming    bool   `json:"isIncomingChannel"`
					Responsible int64  `json:"responsibleId"`
					Badge       string `json:"badgeCode"`
				} `json:"fields"`
				Layout struct {
					Header struct {
						Tags map[string]struct {
							Title string `json:"title"`
						} `json:"tags"`
					} `json:"header"`
					Body struct {
						Blocks map[string]struct {
							Properties struct {
								Value string `json:"value"`
							} `json:"properties"`
						} `json:"blocks"`
					} `json:"body"`
				} `json:"layout"`
			} `json:"activity"`
		} `json:"result"`
	}
	status, raw := d.raw(http.MethodPost, "http://"+d.bitrix+"/rest/crm.activity.configurable.get", object{"id": id, "auth": d.appToken()})
	require.Equal(d.t, http.StatusOK, status, string(raw))
	require.NoError(d.t, json.Unmarshal(raw, &got), string(raw))
	a := got.Result.Activity
	out = chatActivity{
		ID: a.ID, Item: fmt.Sprintf("%s:%d", chatKinds[a.OwnerType], a.Owner), Responsible: a.Fields.Responsible,
		Completed: a.Fields.Completed, Incoming: a.Fields.Incoming, Badge: a.Fields.Badge, State: a.Layout.Header.Tags["state"].Title,
	}
	for _, block := range a.Layout.Body.Blocks {
		if block.Properties.Value != "" {
			out.Blocks = append(out.Blocks, block.Properties.Value)
		}
	}
	slices.Sort(out.Blocks)
	return out
}

// appToken is an access token of the application that Puente is installed as.
func (d *lineDesk) appToken() string {
	d.t.Helper()
	var token struct {
		Access string `json:"access_token"`
	}
	d.post("http://"+d.bitrix+"/sandbox/tokens", object{}, &token)
	return token.Access
}

// shows waits until the one activity of a session is as wanted, and gives it.
func (d *lineDesk) shows(session int64, what string, as func(chatActivity) bool) chatActivity {
	d.t.Helper()
	var all []chatActivity
	require.Eventually(d.t, func() bool {
		all = d.activities(session)
		return len(all) == 1 && as(all[0])
	}, patience*20*time.Second, tick, "session %d shows in the CRM: %s; but: %+v", session, what, &all)
	return all[0]
}

// leadsOf are the leads that Puente made of clients with this name, which is one word.
func (d *lineDesk) leadsOf(name string) []item {
	d.t.Helper()
	return d.items(leadType, object{"originatorId": workflows.Originator, "=name": name})
}

// counter is how many open chats count for an employee.
func (d *lineDesk) counter(user int64) (n int) {
	d.t.Helper()
	for start := 0; ; start += 50 {
		var rows []struct {
			Origin string `json:"ORIGIN_ID"`
		}
		d.rest("crm.activity.list", object{
			"filter": object{"ORIGINATOR_ID": workflows.Originator, "COMPLETED": "N", "RESPONSIBLE_ID": user, "IS_INCOMING_CHANNEL": "Y"},
			"select": []string{"ORIGIN_ID"}, "start": start,
		}, &rows)
		n += len(rows)
		if len(rows) < 50 {
			return n
		}
	}
}
