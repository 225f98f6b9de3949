package api

import (
	"embed"
	"encoding/json"
	"html/template"
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
	s.describeUpload()
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
	Method, Path, Summary, Tag string
	Params                     []*huma.Param
}

func describe(doc *huma.OpenAPI) []described {
	var all []described
	for path, item := range doc.Paths {
		for method, op := range map[string]*huma.Operation{http.MethodGet: item.Get, http.MethodPut: item.Put, http.MethodPost: item.Post} {
			if op != nil {
				all = append(all, described{Method: method, Path: path, Summary: op.Summary, Tag: strings.Join(op.Tags, ", "), Params: op.Parameters})
			}
		}
	}
	slices.SortFunc(all, func(a, b described) int {
		return strings.Compare(a.Tag+a.Path+a.Method, b.Tag+b.Path+b.Method)
	})
	return all
}
