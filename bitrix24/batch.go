package bitrix24

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
)

var (
	keyPattern    = regexp.MustCompile(`^[A-Za-z0-9_.:|-]+$`)
	methodPattern = regexp.MustCompile(`^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$`)
)

// commandMap writes commands as the JSON object {"key":"method?query",…} in their own order: the portal runs them in
// the order of the text, and a Go map has none.
type commandMap []Command

// MarshalJSON implements json.Marshaler.
func (m commandMap) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, c := range m {
		query, err := encodeQuery(c.Params)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		writeText(&out, c.Key)
		out.WriteByte(':')
		writeText(&out, strings.TrimSuffix(c.Method+"?"+query, "?"))
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

func writeText(out *bytes.Buffer, text string) {
	raw, err := json.Marshal(text)
	if err != nil {
		raw = []byte(`""`) // cannot happen: any Go string can be written as JSON
	}
	out.Write(raw)
}

// batchParams are the parameters of the method "batch".
func batchParams(commands []Command, halt bool) Params {
	stop := 0
	if halt {
		stop = 1
	}
	return Params{"halt": stop, "cmd": commandMap(commands)}
}

// check refuses a group that the portal would refuse or, worse, misread.
func (g Group) check() error {
	if len(g.Commands) == 0 || len(g.Commands) > MaxBatch {
		return refuse(batchMethod, "a group holds 1 to %d commands, this one has %d", MaxBatch, len(g.Commands))
	}
	seen := make(map[string]bool, len(g.Commands))
	for _, c := range g.Commands {
		switch {
		case !keyPattern.MatchString(c.Key) || len(c.Key) > 100:
			return refuse(c.Method, "%q is no key for a command", shorten(c.Key, 40))
		case seen[wireKey("", c.Key)]:
			return refuse(c.Method, "the key %q is used twice in the group", c.Key)
		case !methodPattern.MatchString(c.Method) || strings.EqualFold(c.Method, batchMethod):
			return refuse(c.Method, "this method cannot travel in a batch")
		}
		seen[wireKey("", c.Key)] = true
	}
	return nil
}

func (g Group) methods() []string {
	names := make([]string, len(g.Commands))
	for i, c := range g.Commands {
		names[i] = c.Method
	}
	return names
}

// batchAnswer is the five maps inside the result of a batch. PHP writes an empty map as [], and one whose keys are
// 0, 1, 2 … as a list (reference §2.4).
type batchAnswer struct {
	Result Map[json.RawMessage] `json:"result"`
	Errors Map[json.RawMessage] `json:"result_error"`
	Total  Map[json.RawMessage] `json:"result_total"`
	Next   Map[json.RawMessage] `json:"result_next"`
	Time   Map[json.RawMessage] `json:"result_time"`
}

// decodeBatch matches the answer of a batch to its commands, by key.
func decodeBatch(commands []Command, halt bool, raw json.RawMessage) ([]Result, error) {
	var maps batchAnswer
	if !startsWith(raw, '{') || json.Unmarshal(raw, &maps) != nil {
		return nil, lost(batchMethod, 0, "the answer is not that of a batch", nil)
	}
	results := make([]Result, len(commands))
	halted := false
	for i, c := range commands {
		results[i] = maps.of(c, halted)
		halted = halted || (halt && results[i].Err != nil)
	}
	return results, nil
}

// of is the result of one command. One without any entry was not run if an earlier one halted the batch; otherwise
// nobody knows.
func (m batchAnswer) of(c Command, halted bool) Result {
	r := Result{Key: c.Key, Answer: Answer{
		Value: m.Result[c.Key], Total: count(m.Total[c.Key]), Next: count(m.Next[c.Key]),
		Time: timing(m.Time[c.Key]), method: c.Method,
	}}
	failure, failed := m.Errors[c.Key]
	switch {
	case failed:
		r.Err = commandError(c.Method, failure, r.Time)
	case r.Value != nil:
	case halted:
		r.Err = &Error{Kind: KindUnknown, Method: c.Method, Err: ErrNotRun}
	default:
		r.Err = lost(c.Method, 0, "the answer of the batch does not mention this command", nil)
	}
	return r
}

// commandError reads one entry of result_error: usually {"error":…,"error_description":…}, but a bare text occurs.
func commandError(method string, raw json.RawMessage, timing Timing) *Error {
	code, description := errorWords(raw, nil)
	if !startsWith(raw, '{') {
		code, description = "", code
	}
	return &Error{
		Kind: classify(0, code, description), Code: code, Description: description,
		Method: method, ResetAt: timing.OperatingResetAt,
	}
}
