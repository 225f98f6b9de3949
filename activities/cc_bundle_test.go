package activities_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	crm "puente/bitrix24"
	"puente/contactcenter"
	"puente/sandbox/bitrix24"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// center is a bundle whose portal has an application beside the webhook, with
// the products of the tests.
type center struct {
	*bundle
	t    *testing.T
	url  string // of the sandbox portal
	keys int
}

func contactCenter(t *testing.T, change func(*settings.Settings)) *center {
	t.Helper()
	b := setup(t, func(s *settings.Settings) {
		s.ContactCenter.Products = []settings.Product{
			{Name: "credit", Pipeline: 1, Responsible: settings.ResponsibleOperator},
			{Name: "subsidy", Pipeline: bitrix24.DemoSubsidies, Responsible: settings.ResponsibleUser, User: 8},
		}
		s.ContactCenter.Operators = []settings.ContactCenterOperator{{Operator: "anna", User: 7}}
		if change != nil {
			change(s)
		}
	})
	c := &center{bundle: b, t: t}
	c.install()
	return c
}

// install gives the portal an application's tokens.
func (c *center) install() {
	c.t.Helper()
	row, err := c.store.Portal(c.t.Context(), "demo")
	require.NoError(c.t, err)
	c.url = strings.TrimSuffix(row.Bitrix24.WebhookURL, "/rest/1/sandboxsecret/")
	response, err := http.Post(c.url+"/sandbox/tokens", "application/json", bytes.NewReader([]byte("{}")))
	require.NoError(c.t, err)
	defer func() { require.NoError(c.t, response.Body.Close()) }()
	var token struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	require.NoError(c.t, json.NewDecoder(response.Body).Decode(&token))
	row.Bitrix24.ClientID, row.Bitrix24.ClientSecret = bitrix24.DemoClientID, bitrix24.DemoClientSecret
	row.Bitrix24.OAuthServer, row.Bitrix24.ClientEndpoint = c.url, c.url+"/rest/"
	row.Bitrix24.AccessToken, row.Bitrix24.RefreshToken = token.Access, token.Refresh
	row.Bitrix24.MemberID, row.Bitrix24.ExpiresAt = "m", time.Now().Add(time.Hour)
	require.NoError(c.t, c.store.SavePortal(c.t.Context(), row))
}

// accept stores a method call as the API does.
func (c *center) accept(method contactcenter.Method, body any) store.Submission {
	c.t.Helper()
	raw, err := json.Marshal(body)
	require.NoError(c.t, err)
	input, problems := contactcenter.Decode(method, raw)
	require.Empty(c.t, problems)
	require.Empty(c.t, contactcenter.Validate(input, c.conf))
	c.keys++
	key := fmt.Sprintf("key-%d", c.keys)
	sum := sha256.Sum256(raw)
	sub, fresh, err := c.store.AcceptMethod(c.t.Context(), store.Submission{
		Portal: "demo", Name: string(method), Key: key, IdempotencyKey: key, Body: raw, BodyHash: hex.EncodeToString(sum[:]),
		WorkflowID: workflows.ContactCenterMethodID("demo", method, key),
	})
	require.NoError(c.t, err)
	require.True(c.t, fresh)
	return sub
}

func (c *center) runMethod(sub store.Submission) (workflows.MethodRan, error) {
	return run[workflows.MethodRan](c.bundle, workflows.RunMethodStep, workflows.RunMethodInput{
		Portal: "demo", SyncID: sub.SyncID, Method: contactcenter.Method(sub.Name),
	})
}

// call runs a method to its answer.
func call[A any](c *center, method contactcenter.Method, body any) (status int, answer A) {
	c.t.Helper()
	sub := c.accept(method, body)
	_, err := c.runMethod(sub)
	require.NoError(c.t, err)
	return answerOf[A](c, sub)
}

func answerOf[A any](c *center, sub store.Submission) (status int, answer A) {
	c.t.Helper()
	stored, err := c.store.SubmissionBySync(c.t.Context(), "demo", sub.SyncID)
	require.NoError(c.t, err)
	require.NoError(c.t, json.Unmarshal(stored.Answer, &answer))
	return stored.StatusCode, answer
}

// fault makes the portal fail once at a method.
func (c *center) fault(method, kind, when string) {
	c.t.Helper()
	_, err := c.crm.InjectFault(bitrix24.Fault{Method: method, Kind: kind, When: when, Status: http.StatusBadGateway, Times: 1})
	require.NoError(c.t, err)
}

// hook is the portal as an employee sees it.
func (c *center) hook(user int) *crm.Client {
	c.t.Helper()
	body := fmt.Sprintf(`{"user":%d,"secret":"hook%dsecret"}`, user, user)
	response, err := http.Post(c.url+"/sandbox/webhooks", "application/json", strings.NewReader(body))
	require.NoError(c.t, err)
	require.NoError(c.t, response.Body.Close())
	client, err := crm.NewClient(crm.Config{WebhookURL: fmt.Sprintf("%s/rest/%d/hook%dsecret/", c.url, user, user)})
	require.NoError(c.t, err)
	return client
}

// bindings are the entities a call stands on.
func (c *center) bindings(activity int64) []object {
	c.t.Helper()
	answer, err := c.admin.Call(c.t.Context(), "crm.activity.binding.list", object{"activityId": activity})
	require.NoError(c.t, err)
	var out []object
	require.NoError(c.t, answer.Decode(&out))
	return out
}

// activities counts the calls on the timelines.
func (c *center) activities() int {
	c.t.Helper()
	answer, err := c.admin.Call(c.t.Context(), "crm.activity.list", object{"filter": object{"PROVIDER_ID": "VOXIMPLANT_CALL"}})
	require.NoError(c.t, err)
	return *answer.Total
}

func (c *center) count(kind string) int {
	c.t.Helper()
	types := map[string]int{"deal": 2, "contact": 3, "company": 4}
	answer, err := c.admin.Call(c.t.Context(), "crm.item.list", object{"entityTypeId": types[kind], "select": []string{"id"}})
	require.NoError(c.t, err)
	return *answer.Total
}
