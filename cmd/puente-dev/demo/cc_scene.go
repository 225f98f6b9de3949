package demo

// object is a JSON object, written as a contact center would.
type object = map[string]any

// Ways in which entities of a request end.
const (
	found   = "found"
	created = "created"
	none    = "none"
)

// Inquiry is one request that the contact center sends, and how it is to end.
type Inquiry struct {
	Title  string
	Client string // the same name is the same person, whatever the channel
	Key    string // external_id; the same key again corrects the request
	Body   object // without external_id
	Signed bool   // sent as a signed webhook instead of with the API key
	Times  int    // sent so many times at once; 0 = once
	Upload *sound // uploaded first; its recording_id goes into the call
	// Picks is the contact that a person picks when the request waits for that; 0 = it must not wait.
	Picks int64
	Wants Wanted
}

// Wanted is how an inquiry is to end. What is empty is not looked at.
type Wanted struct {
	Refused                []string // fields that a 422 must name; the request must not be accepted
	Revision               int      // 0 = 1
	Contact, Company, Deal string   // found, created or none
	ContactID              int64    // one that the CRM had before
	CompanyID              int64
	DealID                 int64
	SameDeal               string            // inquiries with the same value end at the same deal
	Person, Firm, Offer    map[string]string // classic fields of contact, company and deal
	Rule                   string            // part of the rule of the contact
	Candidates             int               // how many contacts came into question
	Note                   string            // part of a note of the answer
	Says                   []string          // stand in the comment on each timeline
	Call                   *WantedCall
}

// WantedCall is how a call is to stand in the CRM.
type WantedCall struct {
	Open     bool   // it still rings
	Code     string // of the CRM: 200 answered, 304 missed
	User     int64
	Duration int
	Sound    *sound // its recording; nil = none
}

// status is how the ledger is to show the inquiry.
func (w Wanted) status() string {
	if len(w.Refused) > 0 {
		return statusRefused
	}
	return statusDone
}

// statusRefused is no state of the ledger: the request did not get so far.
const statusRefused = "refused"

// Wave are inquiries that are sent at the same time; the next wave comes when they have ended.
type Wave struct {
	Title     string
	Inquiries []Inquiry
}

// Regulars is what the CRM knew before the contact center began.
type Regulars struct {
	Nina, NinaDeal int64    // a client with an open deal in pipeline 0
	Firm           int64    // a company that is known by its INN
	Twins, Others  [2]int64 // contacts that share a phone, oldest first
}
