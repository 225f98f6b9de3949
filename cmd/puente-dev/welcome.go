package main

import (
	"fmt"
	"io"
	"text/template"

	"puente/cmd/puente-dev/stack"
)

// page is what is shown when everything answers.
var page = template.Must(template.New("welcome").Parse(`
Puente is up.
{{- if .Has "api"}}
  API             {{.API}}            health {{.API}}/readyz, interface {{.API}}/docs
{{- end}}
{{- if .TemporalUI}}
  Temporal UI     {{.TemporalUI}}/namespaces/default/workflows
{{- end}}
{{- if .Has "bitrix24"}}
  sandbox CRM     {{.Bitrix24}}/           inbound webhook {{.Bitrix24Webhook}}
{{- end}}
{{- if .Has "chat2desk"}}
  sandbox chat    {{.Chat2Desk}}/           token {{.Token}}
{{- end}}
  Temporal gRPC   {{.Temporal}}
  data            {{.Data}}
{{- if and (.Has "chat2desk") (.Has "api")}}

Play a dialog, and look what became of it:
  curl -s {{.Chat2Desk}}/sandbox/dialogs -d '{"client":{"name":"Ana","phone":"+7 999 123-45-67"},
    "channel_id":12,"operator_id":301,"messages":[{"from":"client","text":"Hello"},{"from":"operator","text":"Good morning!"}],"close":true}'
  curl -s -H 'Authorization: Bearer {{.Key}}' {{.API}}/v1/portals/{{.Slug}}/syncs
{{- end}}
{{- if .Has "api"}}

Send a request of the contact center:
  curl -s -H 'Authorization: Bearer {{.Key}}' {{.API}}/v1/portals/{{.Slug}}/contact-center/requests -d '{"external_id":"form-1",
    "channel":"site","product":"subsidy","contact":{"name":"Ana","phones":[{"value":"+7 999 123-45-67"}]},"comment":"Call me"}'
{{- end}}
{{- if and (.Has "chat2desk") (.Has "api")}}

Open a line with an operator on duty, let a client write, and look who is asked and why:
  curl -s -H 'Authorization: Bearer {{.Key}}' -X PUT {{.API}}/v1/portals/{{.Slug}}/lines/support -d '{"name":"Support",
    "channels":[{{.LineChannel}}],"members":[{"user":7},{"user":8}]}'
  curl -s -H 'Authorization: Bearer {{.Key}}' -H 'Content-Type: application/json' -X PUT \
    {{.API}}/v1/portals/{{.Slug}}/operators/7 -d '{"presence":"online"}'
  curl -s {{.Chat2Desk}}/sandbox/dialogs -d '{"client":{"name":"Ana"},"channel_id":{{.LineChannel}},
    "messages":[{"from":"client","text":"Hello"}]}'
  curl -s -H 'Authorization: Bearer {{.Key}}' {{.API}}/v1/portals/{{.Slug}}/attention
{{- end}}

Ctrl-C stops it; what happened is kept in {{.Data}}.

`))

// facts are what the page shows.
type facts struct {
	stack.Addresses
	config stack.Config
}

func (f facts) Has(part string) bool { return f.config.Has(stack.Part(part)) }
func (f facts) Data() string         { return f.config.DataDir }
func (facts) Key() string            { return stack.APIKey }
func (facts) Slug() string           { return stack.Slug }
func (facts) Token() string          { return stack.Chat2DeskToken }
func (facts) LineChannel() int       { return stack.LineChannel }

func welcome(out io.Writer, config stack.Config, at stack.Addresses) {
	if err := page.Execute(out, facts{at, config}); err != nil {
		say(out, "Puente is up; %v\n", err)
	}
}

// say writes to a person; where nobody can be told, nothing can be done about it.
func say(out io.Writer, format string, arguments ...any) {
	_, _ = fmt.Fprintf(out, format, arguments...)
}
