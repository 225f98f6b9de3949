package bitrix24

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// externalLine is a line of an outside telephone exchange, as an application
// made it known.
type externalLine struct {
	ID                int
	App, Number, Name string
	AutoCreate        bool
}

// registration is a call that an application announced. It stays for good: a
// repeated announcement must find it, finished or not.
type registration struct {
	ID             int
	CallID, App    string
	Phone, Digits  string // as written, and what calls are compared by
	Type, User     int
	Line, External string
	Registered     time.Time
	Started        string // stored moment
	CRM            activityBinding
	Created        []activityBinding // by CRM_CREATE
	ShownTo        []int
	InChat         bool
	Statistic      int // 0 until the call is finished
}

// statistic is a finished call as the call statistics keep it.
type statistic struct {
	ID, Call       int // Call is the registration
	User, Duration int
	Cost           float64
	Currency       string
	Code, Reason   string
	Vote           int
	RecordURL      string
	Activity       int
	Transcript     int
	Record         *callRecord `json:",omitempty"`
	InChat         bool
	Spent          []string `json:",omitempty"` // upload addresses that were used
}

// callRecord is the sound of a call: one file, and how often one was attached.
type callRecord struct {
	File, Times int
}

// transcript is what was said in a call.
type transcript struct {
	ID, Statistic int
	Lines         []transcriptLine
	Cost          float64
	Currency      string
}

type transcriptLine struct {
	Side, Text  string
	Start, Stop int
}

// Types of calls (bitrix24 reference §5.1).
const (
	callOutgoing = iota + 1
	callIncoming
	callRedirected
	callBack
	callInfo
)

// incoming says whether the client called. A callback is a call by the company.
func (r *registration) incoming() bool { return r.Type == callIncoming || r.Type == callRedirected }

// telephony are the tables of calls.
type telephony struct {
	lines       *records[externalLine]
	calls       *records[registration]
	statistics  *records[statistic]
	transcripts *records[transcript]
}

func newTelephony(s *state) telephony {
	return telephony{
		addTable[externalLine](s, "line"), addTable[registration](s, "call"), addTable[statistic](s, "statistic"),
		addTable[transcript](s, "transcript"),
	}
}

// newCallID makes a name such as externalCall.<md5>.<unix time>.
func (p *Portal) newCallID() string {
	var raw [16]byte
	_, _ = rand.Read(raw[:]) // never fails
	return fmt.Sprintf("externalCall.%s.%d", hex.EncodeToString(raw[:]), p.clock.Now().Unix())
}

// callNamed finds a registration by its CALL_ID.
func (s *state) callNamed(callID string) (*registration, bool) {
	if callID == "" {
		return nil, false
	}
	for _, id := range slices.Backward(s.calls.order) {
		if r := s.calls.rows[id]; r.CallID == callID {
			return r, true
		}
	}
	return nil, false
}

// finished finds the statistics of a call by its CALL_ID.
func (s *state) finished(callID string) (*statistic, bool) {
	r, ok := s.callNamed(callID)
	if !ok || r.Statistic == 0 {
		return nil, false
	}
	return s.statistics.get(r.Statistic)
}

// recordOf is the file with the sound of a call; nil if there is none.
func (s *state) recordOf(st *statistic) *file {
	if st == nil || st.Record == nil {
		return nil
	}
	f, _ := s.files.get(st.Record.File)
	return f
}

// callKinds are the kinds of entities a call may belong to, in the order in
// which a phone number is looked up.
var callKinds = []int{kindContact, kindCompany, kindLead}

// clientsByPhone are the entities with a phone number.
func (s *state) clientsByPhone(phone string) []activityBinding {
	var out []activityBinding
	for _, kindID := range callKinds {
		for _, id := range s.entities[kindID].withComm("PHONE", []any{phone}) {
			out = append(out, activityBinding{kindID, id})
		}
	}
	return out
}

// kindCode is the name of a kind in telephony methods: CONTACT.
func (s *state) kindCode(kindID int) string { return strings.ToUpper(s.entities[kindID].kind.name) }

// PhoneCall is a call as GET /sandbox/calls shows it.
type PhoneCall struct {
	CallID     string `json:"call_id"`
	ExternalID string `json:"external_call_id"`
	// Application is the client id of the application that registered the call.
	Application string `json:"application"`
	Phone       string `json:"phone"`
	// Type is 1 outgoing, 2 incoming, 3 redirected, 4 callback, 5 informational.
	Type int    `json:"type"`
	Line string `json:"line"`
	// UserID is the operator: who finished the call, else whom it was registered for.
	UserID int `json:"user_id"`
	// ShownTo are the users to whom the call card is open.
	ShownTo []int `json:"shown_to"`
	// InChat says whether a message about the call was wanted in the operator's chat.
	InChat   bool   `json:"in_chat"`
	Started  string `json:"started"`
	Finished bool   `json:"finished"`
	// Duration is in seconds.
	Duration   int    `json:"duration"`
	StatusCode string `json:"status_code"`
	CRMType    string `json:"crm_entity_type"`
	CRMID      int    `json:"crm_entity_id"`
	// ActivityID is the activity that finishing made; 0 for none.
	ActivityID int `json:"activity_id"`
	// Bindings are the entities on whose timelines the activity is now.
	Bindings []CallBinding `json:"bindings"`
	// Record is nil while no record is attached.
	Record      *CallRecord `json:"record"`
	Transcripts int         `json:"transcripts"`
}

// CallBinding is an entity that a call's activity is bound to.
type CallBinding struct {
	EntityTypeID int `json:"entity_type_id"`
	EntityID     int `json:"entity_id"`
}

// CallRecord is the record of a call: the file that is attached now, its length
// in bytes and hex digest, and how often a record was attached to the call.
type CallRecord struct {
	FileID        int    `json:"file_id"`
	Name          string `json:"name"`
	Size          int64  `json:"size"`
	SHA256        string `json:"sha256"`
	AttachedTimes int    `json:"attached_times"`
}

// Calls are all calls, in the order in which they were registered.
func (p *Portal) Calls() []PhoneCall {
	p.mu.RLock()
	defer p.mu.RUnlock()
	out := make([]PhoneCall, 0, len(p.state.calls.rows))
	for _, r := range p.state.calls.all() {
		out = append(out, p.phoneCall(r))
	}
	return out
}

// phoneCall gathers what the portal knows of a call; Portal.mu is held.
func (p *Portal) phoneCall(r *registration) PhoneCall {
	out := PhoneCall{
		CallID: r.CallID, ExternalID: r.External, Application: r.App, Phone: r.Phone, Type: r.Type, Line: r.Line, UserID: r.User,
		ShownTo: append([]int{}, r.ShownTo...), InChat: r.InChat, Started: p.shown(r.Started), CRMID: r.CRM.ID, Bindings: []CallBinding{},
	}
	if r.CRM.ID != 0 {
		out.CRMType = p.state.kindCode(r.CRM.Kind)
	}
	if st, ok := p.state.statistics.get(r.Statistic); ok {
		p.addResult(&out, st)
	}
	return out
}

// addResult adds what is known since the call was finished.
func (p *Portal) addResult(out *PhoneCall, st *statistic) {
	out.Finished, out.UserID, out.Duration, out.StatusCode = true, st.User, st.Duration, st.Code
	out.ActivityID, out.InChat = st.Activity, out.InChat || st.InChat
	if a, ok := p.state.activities.get(st.Activity); ok {
		for _, b := range a.Bindings {
			out.Bindings = append(out.Bindings, CallBinding{b.Kind, b.ID})
		}
	}
	for _, t := range p.state.transcripts.all() {
		out.Transcripts += pick(t.Statistic == st.ID, 1, 0)
	}
	if f := p.state.recordOf(st); f != nil {
		out.Record = &CallRecord{FileID: f.ID, Name: f.Name, Size: f.size(), SHA256: f.SHA256, AttachedTimes: st.Record.Times}
	}
}

func (p *Portal) showCalls(w http.ResponseWriter, _ *http.Request) { reply(w, p.Calls()) }
