package contactcenter

import (
	"errors"
	"fmt"
	"reflect"

	"puente/internal/strictdoc"
	"puente/settings"
)

// inputs is what each method takes.
var inputs = map[Method]reflect.Type{
	ContactFind:         reflect.TypeFor[ContactQuery](),
	ContactCreate:       reflect.TypeFor[ContactData](),
	ContactUpdate:       reflect.TypeFor[ContactUpdateInput](),
	ContactDeals:        reflect.TypeFor[ContactDealsQuery](),
	CompanyFind:         reflect.TypeFor[CompanyQuery](),
	CompanyCreate:       reflect.TypeFor[CompanyData](),
	CompanyUpdate:       reflect.TypeFor[CompanyUpdateInput](),
	CompanyDeals:        reflect.TypeFor[CompanyDealsQuery](),
	DealFind:            reflect.TypeFor[DealQuery](),
	DealCreate:          reflect.TypeFor[DealData](),
	DealUpdate:          reflect.TypeFor[DealUpdateInput](),
	DealUsers:           reflect.TypeFor[DealUsersQuery](),
	CallCreate:          reflect.TypeFor[Call](),
	CallAttachRecording: reflect.TypeFor[AttachRecordingInput](),
	CallAttachToCRM:     reflect.TypeFor[AttachToCRMInput](),
	DirectoriesList:     reflect.TypeFor[DirectoriesQuery](),
}

// Decode reads the body of a method call into the method's input, a value (not
// a pointer) of the type that input.go names. It is strict: unknown keys, values
// of a wrong type and keys that are given twice are problems, each with its JSON
// path. With the last alone there is an input nevertheless, that of the later
// values: what was accepted before they were refused can still be run. Text is
// tidied (see tidy), never refused for its bytes. What the values mean is for
// Validate.
func Decode(m Method, body []byte) (any, []settings.Problem) {
	t, ok := inputs[m]
	if !ok {
		return nil, []settings.Problem{{Message: fmt.Sprintf("there is no method %s", m)}}
	}
	input := reflect.New(t)
	if err := read(body, input.Interface()); err != nil {
		return nil, problemsOf(err)
	}
	return input.Elem().Interface(), strictdoc.Duplicates(body)
}

// ParseRequest reads the body of a request as strictly as Decode.
func ParseRequest(body []byte) (Request, []settings.Problem) {
	var r Request
	if err := read(body, &r); err != nil {
		return Request{}, problemsOf(err)
	}
	return r, strictdoc.Duplicates(body)
}

// read fills dst, a pointer to a struct, from JSON.
func read(body []byte, dst any) error {
	tree, err := strictdoc.Tree(body)
	if err != nil {
		return err
	}
	return strictdoc.Fill(tidy(tree), dst)
}

func problemsOf(err error) []settings.Problem {
	var problems settings.Problems
	if errors.As(err, &problems) {
		return problems
	}
	return []settings.Problem{{Message: err.Error()}}
}
