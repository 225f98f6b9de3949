package api_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/contactcenter"
	"puente/settings"
)

// documented is what the OpenAPI document says of one operation.
type documented struct {
	RequestBody struct {
		Content map[string]struct {
			Schema  json.RawMessage
			Example json.RawMessage
		}
	}
	Responses map[string]struct {
		Content map[string]struct {
			Schema  json.RawMessage
			Example json.RawMessage
		}
	}
}

func (b *bundle) documented(t *testing.T, path string) documented {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	require.NoError(t, json.Unmarshal(b.get("/openapi.json").Body.Bytes(), &doc))
	var op documented
	require.NoError(t, json.Unmarshal(doc.Paths["/v1/portals/{portal}/contact-center"+path]["post"], &op), path)
	return op
}

// answerTypes are what the methods answer.
var answerTypes = map[contactcenter.Method]any{
	contactcenter.ContactFind: contactcenter.Found{}, contactcenter.CompanyFind: contactcenter.Found{}, contactcenter.DealFind: contactcenter.Found{},
	contactcenter.ContactCreate: contactcenter.Saved{}, contactcenter.CompanyCreate: contactcenter.Saved{}, contactcenter.DealCreate: contactcenter.Saved{},
	contactcenter.ContactUpdate: contactcenter.Saved{}, contactcenter.CompanyUpdate: contactcenter.Saved{}, contactcenter.DealUpdate: contactcenter.Saved{},
	contactcenter.ContactDeals: contactcenter.Deals{}, contactcenter.CompanyDeals: contactcenter.Deals{},
	contactcenter.DealUsers: contactcenter.DealUsersAnswer{}, contactcenter.CallCreate: contactcenter.CallAnswer{},
	contactcenter.CallAttachRecording: contactcenter.RecordingAnswer{}, contactcenter.CallAttachToCRM: contactcenter.CallAnswer{},
	contactcenter.DirectoriesList: contactcenter.Directories{},
}

// exampleSettings know what the examples name.
func exampleSettings() settings.Settings {
	conf := valid()
	conf.General.Country = "RU"
	conf.ContactCenter.Products = []settings.Product{{Name: "subsidy", Pipeline: 2, Responsible: settings.ResponsibleOperator}}
	return conf
}

func TestEachMethodIsDescribedByAnExampleThatWorks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	schemas := map[string]bool{}
	for _, m := range contactcenter.Methods() {
		op := b.documented(t, "/methods/"+string(m))
		body := op.RequestBody.Content["application/json"]
		input, problems := contactcenter.Decode(m, body.Example)
		require.Empty(t, problems, m)
		require.Empty(t, contactcenter.Validate(input, exampleSettings()), m)
		schemas[string(body.Schema)] = true

		answer := reflect.New(reflect.TypeOf(answerTypes[m]))
		decoder := json.NewDecoder(bytes.NewReader(op.Responses["200"].Content["application/json"].Example))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(answer.Interface()), m)
		require.NotEmpty(t, op.Responses["202"].Content["application/json"].Schema)
		for _, status := range []string{"400", "401", "403", "404", "409", "422", "503"} {
			require.Contains(t, op.Responses, status, m)
		}
	}
	require.Len(t, schemas, 16, "each method has a schema of its own")
}

func TestRequestIsDescribedByAnExampleThatWorks(t *testing.T) {
	t.Parallel()
	op := setup(t).documented(t, "/requests")
	r, problems := contactcenter.ParseRequest(op.RequestBody.Content["application/json"].Example)
	require.Empty(t, problems)
	require.Empty(t, contactcenter.ValidateRequest(r, exampleSettings()))
	var answer contactcenter.RequestAnswer
	require.NoError(t, json.Unmarshal(op.Responses["200"].Content["application/json"].Example, &answer))
	upload := setup(t).documented(t, "/recordings")
	require.Contains(t, upload.RequestBody.Content, "multipart/form-data")
}
