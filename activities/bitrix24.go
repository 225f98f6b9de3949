package activities

import (
	"context"
	"errors"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/phone"
	"puente/portals"
	"puente/store"
	"puente/workflows"
)

// Bitrix24 holds the steps that read and write the CRM.
type Bitrix24 struct {
	Store   *store.Store
	Portals *portals.Registry
}

// claimLease is how long a client's keys stay claimed by a run that died. It
// is longer than the longest wait between two attempts: a method that is
// blocked for its operating time comes back within ten minutes (bitrix24
// reference §2.2), and one attempt may last five.
const claimLease = 20 * time.Minute

// entityTypes are the entityTypeId of crm.item.* (bitrix24 reference §3.1).
var entityTypes = map[dialog.Kind]int{dialog.Lead: 1, dialog.Deal: 2, dialog.Contact: 3, dialog.Company: 4}

// session is one step of a dialog's sync: a visit at the portal with the
// snapshot of the dialog.
type session struct {
	visit
	snapshot dialog.Snapshot
	number   phone.Number // the client's, if hasTel
	hasTel   bool
}

func (a *Bitrix24) session(ctx context.Context, portal, syncID string, version int) (*session, error) {
	s := &session{visit: a.visit(portal, syncID)}
	if err := s.enter(ctx, a.Portals, version); err != nil {
		return s, err
	}
	var err error
	s.snapshot, err = a.Store.Snapshot(ctx, portal, syncID)
	if errors.Is(err, store.ErrNotFound) {
		return s, final("load", errNotFound, "the stored transcript was deleted after its retention: run the sync again, it is loaded anew")
	}
	s.number, s.hasTel = dialog.ClientPhone(s.settings, s.snapshot.Client)
	return s, err
}

// end counts the requests of the step in the ledger and judges its error.
func (s *session) end(ctx context.Context, step string, err error) error {
	return classify(ctx, step, errors.Join(err, s.count(ctx)), s.secrets()...)
}

// secrets are the client's words that must not stand in an error.
func (s *session) secrets() []string {
	c := s.snapshot.Client
	return []string{c.Name, c.Email, c.Phone, c.Identity, s.number.E164}
}

// results are the outcomes of a batch by command key.
type results map[string]bitrix24.Result

// rows are what a list command answered. An answer that failed or cannot be
// read is an error: taken for "nothing there" it would make a second contact.
func (r results) rows(key string) ([]item, error) {
	var rows itemsAnswer
	err := r.read(key, &rows)
	return rows.Items, err
}

// read decodes an answer that decides something.
func (r results) read(key string, dst any) error {
	res, ran := r[key]
	switch {
	case !ran:
		return nil
	case res.Err != nil:
		return res.Err
	}
	if err := res.Decode(dst); err != nil {
		return &bitrix24.Error{Kind: bitrix24.KindAmbiguous, Description: "the answer cannot be read", Err: err}
	}
	return nil
}

// trouble is the first error of the given commands.
func (r results) trouble(keys ...string) error {
	for _, key := range keys {
		if err := r[key].Err; err != nil {
			return err
		}
	}
	return nil
}

// more reports whether a list command left rows out.
func (r results) more(key string) bool { return r[key].Next != nil }

// absent reports whether a command asked for one object, and the portal does
// not have it.
func (r results) absent(key string) bool {
	return bitrix24.KindOf(r[key].Err) == bitrix24.KindNotFound
}

// item is one row of crm.item.*; ids come as numbers or text.
type item struct {
	ID         bitrix24.ID   `json:"id"`
	CategoryID bitrix24.ID   `json:"categoryId"`
	ContactID  bitrix24.ID   `json:"contactId"`
	Created    bitrix24.Time `json:"createdTime"`
}

type itemAnswer struct {
	Item item `json:"item"`
}

type itemsAnswer struct {
	Items []item `json:"items"`
}

// list is a crm.item.list command for few fields, newest first.
func list(key string, kind dialog.Kind, filter bitrix24.Params) bitrix24.Command {
	fields := []string{"id", "createdTime", "contactId"}
	if kind == dialog.Deal {
		fields = append(fields, "categoryId")
	}
	return bitrix24.Command{Key: key, Method: "crm.item.list", Params: bitrix24.Params{
		"entityTypeId": entityTypes[kind], "select": fields, "filter": filter, "order": bitrix24.Params{"id": "DESC"},
	}}
}

// get is a crm.item.get command.
func get(key string, kind dialog.Kind, id any) bitrix24.Command {
	return bitrix24.Command{Key: key, Method: getMethod, Params: bitrix24.Params{"entityTypeId": entityTypes[kind], "id": id}}
}

// openOf lists the newest open (in work) entities of a contact, also those in
// which it is not the first contact. An answer holds fifty.
func openOf(key string, kind dialog.Kind, contact any) bitrix24.Command {
	return list(key, kind, bitrix24.Params{"contactIds": contact, "stageSemanticId": "P"})
}

// byOrigin lists what Puente created under an origin id (bitrix24 reference §3.6).
func byOrigin(key string, kind dialog.Kind, origin string) bitrix24.Command {
	return list(key, kind, bitrix24.Params{"originatorId": workflows.Originator, "originId": origin})
}
