package bitrix24

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkCalls measures the portal alone, with 10,000 deals and contacts in it.
func BenchmarkCalls(b *testing.B) {
	p, err := New(Options{Limits: &Limits{}})
	require.NoError(b, err)
	call := func(method, body string) {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodPost, "/rest/1/sandboxsecret/"+method, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		p.ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			b.Fatal(method, w.Body.String())
		}
	}
	for i := range 10_000 {
		call("crm.contact.add", fmt.Sprintf(`{"fields":{"NAME":"N%d","PHONE":[{"VALUE":"+7999%07d"}]}}`, i, i))
		call("crm.deal.add", fmt.Sprintf(`{"fields":{"TITLE":"D%d","CONTACT_ID":%d,"ORIGIN_ID":"o-%d"}}`, i, i+15, i))
	}
	for name, c := range map[string][2]string{
		"list by origin":  {"crm.item.list", `{"entityTypeId":2,"select":["id"],"filter":{"originId":"o-7777"}}`},
		"list by contact": {"crm.item.list", `{"entityTypeId":2,"select":["id","stageId"],"filter":{"@contactIds":[5000,5001],"stageSemanticId":"P"}}`},
		"list with scan":  {"crm.item.list", `{"entityTypeId":2,"select":["id"],"filter":{"%title":"77"},"order":{"title":"DESC"}}`},
		"full page":       {"crm.item.list", `{"entityTypeId":2}`},
		"page by id":      {"crm.item.list", `{"entityTypeId":2,"select":["id"],"filter":{">id":5000},"order":{"id":"ASC"},"start":-1}`},
		"find by phone":   {"crm.duplicate.findbycomm", `{"type":"PHONE","values":["+79990005000","89990005000"]}`},
		"get":             {"crm.item.get", `{"entityTypeId":2,"id":777}`},
		"update":          {"crm.item.update", `{"entityTypeId":2,"id":777,"fields":{"title":"x","opportunity":5}}`},
		"comment":         {"crm.timeline.comment.add", `{"fields":{"ENTITY_TYPE":"deal","ENTITY_ID":777,"COMMENT":"x"}}`},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				call(c[0], c[1])
			}
		})
	}
}
