package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A field that the portal requires and nobody maps: the sync parks with the
// portal's own words; when the mapping is corrected, a re-run finishes it
// without repeating what was done.
func TestRequiredFieldParksUntilTheMappingIsCorrected(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.rest("crm.deal.userfield.add", map[string]any{"fields": map[string]any{
		"FIELD_NAME": "BUDGET", "USER_TYPE_ID": "string", "MANDATORY": "Y", "EDIT_FORM_LABEL": "Budget",
	}}, nil)
	d := talk("Needs Budget", "+79994000001", whatsapp)
	d.Client.Custom = map[string]any{"6": "Omsk"}
	ids := s.play(d)
	row := s.syncOf(ids.Request, 30*time.Second)
	require.Equal(t, "failed", row.Status)
	require.NotEmpty(t, row.Error.Text)
	require.Contains(t, s.details(row.WorkflowID), "Parked")
	require.Len(t, s.ours(contactType), 1, "what was done before is kept")
	contactAdds := s.stats().ByMethod["crm.item.add"]

	var conf map[string]any
	s.call(http.MethodGet, "http://"+s.api+"/v1/portals/demo/settings/fields", nil, &conf)
	s.put("http://"+s.api+"/v1/portals/demo/settings/fields", []map[string]any{{"custom": "6", "deal": "UF_CRM_BUDGET"}})
	status, raw := s.raw(http.MethodPost, "http://"+s.api+"/v1/portals/demo/syncs/"+row.ID+"/rerun", map[string]any{"reason": "mapped the budget"})
	require.Less(t, status, 300, string(raw))
	require.Eventually(t, func() bool { return s.syncOf(ids.Request, 30*time.Second).Status == "done" }, patience*30*time.Second, 200*time.Millisecond)

	deals := s.ours(dealType)
	require.Len(t, deals, 1)
	require.Equal(t, "Omsk", deals[0]["UF_CRM_BUDGET"])
	require.Len(t, s.ours(contactType), 1)
	require.Len(t, s.comments("deal", int64(deals[0]["id"].(float64))), 1) //nolint:forcetypeassert // JSON number
	require.Equal(t, contactAdds+1, s.stats().ByMethod["crm.item.add"], "only the deal was added by the re-run")
}

// A mapped field that the portal does not have is named before anything is written.
func TestUnknownMappedFieldParksBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.put("http://"+s.api+"/v1/portals/demo/settings/tags", map[string]any{"mode": "ignore"})
	s.rest("crm.deal.userfield.list", map[string]any{"filter": map[string]any{"FIELD_NAME": "UF_CRM_CITY"}}, nil)
	var fields []map[string]any
	s.rest("crm.deal.userfield.list", map[string]any{"filter": map[string]any{"FIELD_NAME": "UF_CRM_CITY"}}, &fields)
	require.Len(t, fields, 1)
	s.rest("crm.deal.userfield.delete", map[string]any{"id": fields[0]["ID"]}, nil)
	d := talk("No Field", "+79994000002", whatsapp)
	d.Client.Custom = map[string]any{"6": "Omsk"}
	row := s.syncOf(s.play(d).Request, 30*time.Second)
	require.Equal(t, "failed", row.Status)
	require.Contains(t, row.Error.Text, "UF_CRM_CITY")
	require.Empty(t, s.ours(contactType))
	require.Empty(t, s.ours(dealType))
}

func TestAbandonedSyncCanBeTakenUpAgain(t *testing.T) {
	t.Parallel()
	s := start(t, options{})
	s.fault(map[string]any{"method": "crm.item.add", "kind": "status", "status": 400, "code": "ACCESS_DENIED", "description": "Access denied.", "times": 1})
	ids := s.play(talk("Give Up", "+79994000003", whatsapp))
	row := s.syncOf(ids.Request, 30*time.Second)
	require.Equal(t, "failed", row.Status)
	require.Contains(t, row.Error.Text, "Access denied")
	s.post("http://"+s.api+"/v1/portals/demo/syncs/"+row.ID+"/abandon", map[string]any{"reason": "a test"}, nil)
	require.Eventually(t, func() bool { return s.syncOf(ids.Request, 10*time.Second).Status == "abandoned" }, patience*20*time.Second, 200*time.Millisecond)
	require.Eventually(t, func() bool { // the ledger knows of the end a moment before Temporal: then it is 409, ask again
		status, _ := s.raw(http.MethodPost, "http://"+s.api+"/v1/portals/demo/syncs/"+row.ID+"/rerun", map[string]any{"reason": "it was no spam"})
		return status < 300
	}, 30*time.Second, 200*time.Millisecond)
	require.Eventually(t, func() bool { return s.syncOf(ids.Request, 10*time.Second).Status == "done" }, patience*20*time.Second, 200*time.Millisecond)
	status, _ := s.raw(http.MethodPost, "http://"+s.api+"/v1/portals/demo/syncs/"+row.ID+"/rerun", map[string]any{"reason": "once more"})
	require.Equal(t, http.StatusConflict, status, "what is done is not run again")
	require.Len(t, s.ours(contactType), 1)
}
