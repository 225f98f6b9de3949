package activities_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/workflows"
)

func TestFieldThatThePortalWantsIsNamedInTheProblem(t *testing.T) {
	t.Parallel()
	c := contactCenter(t, nil)
	_, err := c.admin.Call(t.Context(), "crm.deal.userfield.add", object{"fields": object{
		"FIELD_NAME": "BUDGET", "USER_TYPE_ID": "string", "MANDATORY": "Y", "EDIT_FORM_LABEL": "Бюджет, руб.",
	}})
	require.NoError(t, err)
	sub := c.accept(contactcenter.DealCreate, object{"title": "x"})
	_, err = c.runMethod(sub)
	failure, _ := failure(t, err)
	require.Equal(t, "body.fields.UF_CRM_BUDGET", failure.Field)
	_, err = run[bool](c.bundle, workflows.ParkRunStep, workflows.ParkRunInput{Portal: "demo", SyncID: sub.SyncID, Kind: "Invalid", Failure: failure})
	require.NoError(t, err)
	status, problem := answerOf[object](c, sub)
	require.Equal(t, http.StatusUnprocessableEntity, status)
	require.Equal(t, "body.fields.UF_CRM_BUDGET", problem["errors"].([]any)[0].(object)["location"])
}
