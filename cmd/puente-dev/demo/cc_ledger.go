package demo

import (
	"context"
	"encoding/json"
	"net/http"
)

const centerSettings = "/settings/contact_center"

// ask makes the portal ask a person when several clients match equally well. It gives the settings as they were.
func (l ledger) ask(ctx context.Context) (before json.RawMessage, err error) {
	var now struct {
		Settings json.RawMessage `json:"settings"`
	}
	if err := l.do(ctx, http.MethodGet, centerSettings, nil, &now); err != nil {
		return nil, err
	}
	changed := object{}
	if err := json.Unmarshal(now.Settings, &changed); err != nil {
		return nil, err
	}
	changed["ambiguous"] = "ask"
	return now.Settings, l.settle(ctx, changed)
}

// settle saves the section of the contact center.
func (l ledger) settle(ctx context.Context, section any) error {
	return l.do(context.WithoutCancel(ctx), http.MethodPut, centerSettings, section, nil)
}

// pick says who the client of a waiting request is; the key makes saying it twice harmless.
func (l ledger) pick(ctx context.Context, run string, contact int64, key string) error {
	again := caller{l.http, l.base, l.header.Clone()}
	again.header.Set("Idempotency-Key", key)
	body := object{"reason": "She says so herself", "choice": object{"contact_id": contact}}
	return again.do(ctx, http.MethodPost, "/syncs/"+run+"/rerun", body, nil)
}
