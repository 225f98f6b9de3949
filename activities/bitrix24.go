package activities

import (
	"context"
	"errors"
	"time"

	"puente/bitrix24"
	"puente/dialog"
	"puente/phone"
	"puente/portals"
	"puente/settings"
	"puente/store"
	"puente/workflows"
)

// Bitrix24 holds the steps that read and write the CRM.
type Bitrix24 struct {
	Store   *store.Store
	Portals *portals.Registry
}

const (
	// claimLease is how long a client's keys stay claimed by a run that died. It
	// is longer than the longest wait between two attempts: a method that is
	// blocked for its operating time comes back within ten minutes (bitrix24
	// reference §2.2), and one attempt may last five.
	claimLease = 20 * time.Minute
	// leavingMargin is, beside the time of one request, what must be left of an
	// attempt when a request leaves: Temporal gives the step to somebody else
	// when the time is over, and two of them must not write at once.
	leavingMargin = 15 * time.Second
	// bookkeeping bounds the writing down of what a request has done, which must
	// get through although the worker is being stopped.
	bookkeeping = 10 * time.Second
)

// entityTypes are the entityTypeId of crm.item.* (bitrix24 reference §3.1).
var entityTypes = map[dialog.Kind]int{dialog.Lead: 1, dialog.Deal: 2, dialog.Contact: 3, dialog.Company: 4}

// session is one step at one portal: its gateway, settings and snapshot.
type session struct {
	store    *store.Store
	gateway  bitrix24.Gateway
	request  time.Duration // how long one request can be under way
	portal   string
	syncID   string
	settings settings.Settings
	snapshot dialog.Snapshot
	number   phone.Number // the client's, if hasTel
	hasTel   bool
	requests int // counted by call and batch
}

func (a *Bitrix24) session(ctx context.Context, portal, syncID string, version int) (*session, error) {
	s := &session{store: a.Store, portal: portal, syncID: syncID, request: a.Portals.RequestTimeout()}
	var err error
	if s.gateway, err = a.Portals.Gateway(ctx, portal); err != nil {
		return s, err
	}
	if s.settings, err = a.Store.SettingsVersion(ctx, portal, version); err != nil {
		return s, err
	}
	s.snapshot, err = a.Store.Snapshot(ctx, portal, syncID)
	if errors.Is(err, store.ErrNotFound) {
		return s, final("load", errNotFound, "the stored transcript was deleted after its retention: run the sync again, it is loaded anew")
	}
	s.number, s.hasTel = clientPhone(s.settings, s.snapshot.Client)
	return s, err
}

// end counts the requests of the step in the ledger and judges its error.
func (s *session) end(ctx context.Context, step string, err error) error {
	return classify(ctx, step, errors.Join(err, s.count(ctx)), s.secrets()...)
}

// count adds the requests of this step to the ledger.
func (s *session) count(ctx context.Context) error {
	if s.requests == 0 {
		return nil
	}
	ctx, cancel := kept(ctx)
	defer cancel()
	sent := s.requests
	s.requests = 0
	return s.store.UpdateSync(ctx, s.portal, s.syncID, func(row *store.Sync) { row.Requests += sent })
}

// secrets are the client's words that must not stand in an error.
func (s *session) secrets() []string {
	c := s.snapshot.Client
	return []string{c.Name, c.Email, c.Phone, c.Identity, s.number.E164}
}

// kept is a context for writing down what was done: it outlives the attempt.
func kept(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), bookkeeping)
}

// call makes one request of its own.
func (s *session) call(ctx context.Context, method string, p bitrix24.Params) (bitrix24.Answer, error) {
	ctx, cancel := s.leaving(ctx)
	defer cancel()
	s.requests++
	answer, err := s.gateway.Call(ctx, method, p)
	s.uncount(err)
	return answer, err
}

// batch runs commands and returns their results by key.
func (s *session) batch(ctx context.Context, halt bool, commands ...bitrix24.Command) (results, error) {
	if len(commands) == 0 {
		return results{}, nil
	}
	ctx, cancel := s.leaving(ctx)
	defer cancel()
	s.requests++
	list, err := s.gateway.Batch(ctx, bitrix24.Group{Commands: commands, Halt: halt})
	s.uncount(err)
	if err != nil {
		return nil, err
	}
	out := results{}
	for _, r := range list {
		out[r.Key] = r
	}
	return out, nil
}

// leaving bounds how long a request may wait for its turn: it must be answered
// before the attempt is over. The gateway waits for the answer of a request
// that has left, whatever the context.
func (s *session) leaving(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, limited := ctx.Deadline()
	if !limited {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-s.request-leavingMargin))
}

// uncount takes back a request that never left: no permit, a full queue, or a
// method that is known to be blocked.
func (s *session) uncount(err error) {
	var e *bitrix24.Error
	if errors.As(err, &e) && e.HTTPStatus == 0 && (e.Kind == bitrix24.KindRateLimited || e.Kind == bitrix24.KindOperatingLimit) {
		s.requests--
	}
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
