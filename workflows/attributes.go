package workflows

import (
	"strconv"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"puente/dialog"
)

// Search attributes, all of type Keyword: ids only, never a phone or a name,
// because no codec encrypts them. PostgreSQL visibility offers ten.
var (
	PortalKey  = temporal.NewSearchAttributeKeyKeyword("PuentePortal")
	KindKey    = temporal.NewSearchAttributeKeyKeyword("PuenteKind")
	StatusKey  = temporal.NewSearchAttributeKeyKeyword("PuenteStatus")
	DialogKey  = temporal.NewSearchAttributeKeyKeyword("PuenteDialog")
	RequestKey = temporal.NewSearchAttributeKeyKeyword("PuenteRequest")
	ContactKey = temporal.NewSearchAttributeKeyKeyword("PuenteContact")
	CompanyKey = temporal.NewSearchAttributeKeyKeyword("PuenteCompany")
	DealKey    = temporal.NewSearchAttributeKeyKeyword("PuenteDeal")
	LeadKey    = temporal.NewSearchAttributeKeyKeyword("PuenteLead")
	ChannelKey = temporal.NewSearchAttributeKeyKeyword("PuenteChannel")
)

// SearchAttributes lists all keys, for registration at the start of a worker.
func SearchAttributes() []temporal.SearchAttributeKeyKeyword {
	return []temporal.SearchAttributeKeyKeyword{
		PortalKey, KindKey, StatusKey, DialogKey, RequestKey, ContactKey, CompanyKey, DealKey, LeadKey, ChannelKey,
	}
}

// Kinds of runs, the values of PuenteKind.
const (
	KindDialog = "dialog"
	KindSync   = "dialog-sync"
)

// Status is where a run stands; the words are the same in the ledger, the API
// and the search attribute PuenteStatus.
type Status string

// The states of a run.
const (
	Open      Status = "open"
	Syncing   Status = "syncing"
	Failed    Status = "failed" // parked: waits for a person
	Done      Status = "done"
	Skipped   Status = "skipped"
	Abandoned Status = "abandoned"
)

// attributes keeps the search attributes of a run and sends only what changed:
// each upsert is an event of the history.
type attributes map[string]string

func (a attributes) upsert(ctx workflow.Context, updates ...temporal.SearchAttributeUpdate) error {
	if len(updates) == 0 {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

func (a attributes) set(ctx workflow.Context, pairs ...keyword) error {
	var updates []temporal.SearchAttributeUpdate
	for _, p := range pairs {
		if name := p.key.GetName(); p.value != "" && a[name] != p.value {
			a[name] = p.value
			updates = append(updates, p.key.ValueSet(p.value))
		}
	}
	return a.upsert(ctx, updates...)
}

// keyword is one value of a search attribute; "" is left out.
type keyword struct {
	key   temporal.SearchAttributeKeyKeyword
	value string
}

func idKeyword(key temporal.SearchAttributeKeyKeyword, id int64) keyword {
	if id == 0 {
		return keyword{key: key}
	}
	return keyword{key: key, value: strconv.FormatInt(id, 10)}
}

func entityKeyword(ref dialog.Ref) keyword {
	switch ref.Kind {
	case dialog.Deal:
		return idKeyword(DealKey, ref.ID)
	case dialog.Lead:
		return idKeyword(LeadKey, ref.ID)
	case dialog.Company:
		return idKeyword(CompanyKey, ref.ID)
	default:
		return idKeyword(ContactKey, ref.ID)
	}
}
