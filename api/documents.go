package api

import (
	"embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

//go:embed docs.html
var pages embed.FS

var docsPage = template.Must(template.ParseFS(pages, "docs.html"))

// schema registers the type of v and refers to it.
func (s *server) schema(v any) *huma.Schema {
	return s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(v), true, "")
}

// documentRoutes serves the description of all routes, made once. The page at
// /docs is plain HTML: no script, nothing from elsewhere.
func (s *server) documentRoutes(r *gin.Engine) {
	s.describeWebhooks()
	s.describeBodies()
	doc, err := json.Marshal(s.huma.OpenAPI())
	if err != nil {
		panic("the OpenAPI document cannot be written: " + err.Error()) // made of types; a test covers it
	}
	var page strings.Builder
	if err := docsPage.Execute(&page, describe(s.huma.OpenAPI())); err != nil {
		panic("the page of the API cannot be written: " + err.Error())
	}
	r.GET("/openapi.json", func(c *gin.Context) { c.Data(http.StatusOK, "application/json; charset=utf-8", doc) })
	r.GET("/docs", func(c *gin.Context) { c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(page.String())) })
}

// describeWebhooks adds the routes that huma does not serve to the document.
func (s *server) describeWebhooks() {
	s.describeHook("/webhooks/chat2desk/{portal}/{secret}", "webhook-chat2desk",
		"Events of Chat2Desk; X-Signature is checked when present", "application/json", "portal", "secret")
	s.describeHook("/webhooks/bitrix24/{portal}", "webhook-bitrix24",
		"Events of Bitrix24; auth[application_token] is checked", "application/x-www-form-urlencoded", "portal")
	s.describeContactCenterHook()
	if s.Installer != nil {
		s.describeHook("/webhooks/bitrix24/{portal}/install/{secret}", "install-bitrix24",
			"Tokens of an application, from the portal that installs it; `puente portal install` shows the address",
			"application/x-www-form-urlencoded", "portal", "secret")
	}
}

// describeBodies puts the descriptions of bodies in the place of huma's own.
// They must not be there when an operation is registered: huma would read and
// check the bodies by them.
func (s *server) describeBodies() {
	for _, item := range s.huma.OpenAPI().Paths {
		for _, op := range operationsOf(item) {
			if body := s.bodies[op.OperationID]; body != nil {
				op.RequestBody = body
			}
		}
	}
}

// operationsOf gives the operations of a path by method.
func operationsOf(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post}
	maps.DeleteFunc(all, func(_ string, op *huma.Operation) bool { return op == nil })
	return all
}

func (s *server) describeHook(path, id, summary, contentType string, params ...string) {
	op := &huma.Operation{
		OperationID: id, Method: http.MethodPost, Path: path, Summary: summary, Tags: []string{"webhooks"},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{}}}},
		Responses: map[string]*huma.Response{"200": {Description: "Stored: nothing of it will be lost", Content: map[string]*huma.MediaType{
			"application/json": {Schema: s.schema(accepted{})},
		}}},
	}
	for _, p := range params {
		op.Parameters = append(op.Parameters, &huma.Param{Name: p, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	problemDoc := map[string]*huma.MediaType{"application/problem+json": {Schema: s.schema(huma.ErrorModel{})}}
	for status, why := range map[string]string{
		"400": "The body cannot be read", "401": "The proof is missing or wrong", "404": "There is no such portal",
		"413": "The body is larger than 1 MiB", "503": "Not stored; send it again",
	} {
		op.Responses[status] = &huma.Response{Description: why, Content: problemDoc}
	}
	s.huma.OpenAPI().AddOperation(op)
}

// described is one route as the page shows it.
type described struct {
	ID, Method, Path, Summary, Tag, Description string

	Params  []*huma.Param
	Example string // of the body; "" = none
	Answers []describedAnswer
}

// describedAnswer is one status that a route answers with.
type describedAnswer struct{ Status, Description, Example string }

func describe(doc *huma.OpenAPI) []described {
	var all []described
	for path, item := range doc.Paths {
		for method, op := range operationsOf(item) {
			all = append(all, describeOne(method, path, op))
		}
	}
	slices.SortFunc(all, func(a, b described) int {
		return strings.Compare(a.Tag+a.Path+a.Method, b.Tag+b.Path+b.Method)
	})
	return all
}

func describeOne(method, path string, op *huma.Operation) described {
	d := described{
		ID: op.OperationID, Method: method, Path: path, Summary: op.Summary, Tag: strings.Join(op.Tags, ", "),
		Description: op.Description, Params: op.Parameters,
	}
	if op.RequestBody != nil {
		d.Example = exampleOf(op.RequestBody.Content)
	}
	for _, status := range slices.Sorted(maps.Keys(op.Responses)) {
		answer := op.Responses[status]
		d.Answers = append(d.Answers, describedAnswer{Status: status, Description: answer.Description, Example: exampleOf(answer.Content)})
	}
	return d
}

// exampleOf is the example of a body, written for people.
func exampleOf(content map[string]*huma.MediaType) string {
	media := content[jsonType]
	if media == nil || media.Example == nil {
		return ""
	}
	text, err := json.MarshalIndent(media.Example, "", "  ")
	if err != nil {
		panic("an example cannot be written: " + err.Error()) // made of types; a test covers it
	}
	return string(text)
}
