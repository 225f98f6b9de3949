package stack

import (
	"context"
	"errors"
	"fmt"

	"puente/sandbox/bitrix24"
	"puente/sandbox/chat2desk"
	"puente/settings"
	"puente/store"
)

// The demo portal (design §7). Scripts rely on these.
const (
	Slug          = "demo"
	APIKey        = "demo-key"
	WebhookSecret = "demo-secret"
	HMACKey       = "demo-hmac"
	// LineChannel is the first of two channels that no dialog of the demo uses: for open lines.
	LineChannel = 17
	// Chat2DeskToken is the API token of the sandbox account.
	Chat2DeskToken = "sandbox-token"
	// ApplicationToken is what events of the demo portal carry to POST /webhooks/bitrix24/demo.
	ApplicationToken = bitrix24.DemoApplicationToken
)

// webhookPath is the inbound webhook that the sandbox portal accepts.
const webhookPath = "/rest/1/sandboxsecret/"

// ChatWebhook is the address to which Chat2Desk sends the demo portal's events.
func ChatWebhook(api string) string {
	return api + "/webhooks/chat2desk/" + Slug + "/" + WebhookSecret
}

// SaveDemoPortal makes the demo portal, or brings a known one to the addresses of this start. Settings that a person
// changed stay.
func SaveDemoPortal(ctx context.Context, db *store.Store, at Addresses) error {
	known, err := db.Portal(ctx, Slug)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("demo portal: %w", err)
	}
	if err := db.SavePortal(ctx, demoPortal(known, at)); err != nil {
		return fmt.Errorf("demo portal: %w", err)
	}
	_, version, err := db.Settings(ctx, Slug)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("demo settings: %w", err)
	}
	if version > 0 {
		return nil
	}
	if _, err := db.SaveSettings(ctx, Slug, DemoSettings(), "puente-dev", "seeds of the demo", 0); err != nil {
		return fmt.Errorf("demo settings: %w", err)
	}
	return nil
}

// demoCompany is the account of Chat2Desk: the seeds of design §7, and two channels for open lines, so that a line need
// not take a channel away from the dialogs.
func demoCompany() chat2desk.Seed {
	seed := chat2desk.DemoSeed()
	seed.Channels = append(seed.Channels,
		chat2desk.Channel{ID: LineChannel, Name: "WhatsApp support", Phone: "34600000017", Transports: []string{"whatsapp"}},
		chat2desk.Channel{ID: LineChannel + 1, Name: "Telegram orders", Phone: "puente_orders_bot", Transports: []string{"telegram"}},
	)
	return seed
}

func demoPortal(p store.Portal, at Addresses) store.Portal {
	p.Slug, p.Name = Slug, "Puente demo"
	p.APIKeyHash, p.ContactCenterSecret = store.HashAPIKey(APIKey), HMACKey
	p.Bitrix24.WebhookURL, p.Bitrix24.ApplicationToken = at.Bitrix24Webhook, ApplicationToken
	p.Bitrix24.ClientID, p.Bitrix24.ClientSecret = bitrix24.DemoClientID, bitrix24.DemoClientSecret
	p.Bitrix24.OAuthServer = at.Bitrix24
	p.Chat2Desk = store.Chat2DeskAccount{
		BaseURL: at.Chat2Desk, StorageURL: at.Chat2Desk + "/storage", WebURL: at.Chat2Desk,
		Token: Chat2DeskToken, WebhookSecret: WebhookSecret, TimeZone: "UTC",
	}
	return p
}

// DemoSettings are the settings of the demo portal: the seeds of design §7.
func DemoSettings() settings.Settings {
	s := settings.Default()
	s.General.Country = "RU" // the seeds' numbers are written 8… and +7…
	s.General.SettleSeconds = 2
	s.Tags.IDs = []int64{2} // spam; the mode "ignore" makes it wait for the day somebody switches
	s.Analytics.Fields = map[string]string{"utm_source": "utmSource", "utm_campaign": "utmCampaign"}
	s.Fields = []settings.Field{{Custom: "6", Deal: "UF_CRM_CITY"}}
	s.Operators = settings.Operators{
		Users:       []settings.OperatorUser{{Operator: 301, User: 7}, {Operator: 302, User: 8}},
		Supervisors: []int64{8}, Administrator: 1,
	}
	s.CRM.Channels = []settings.Channel{
		{ID: 12, Entity: settings.EntityDeal, Pipeline: 0},
		{ID: 13, Entity: settings.EntityDeal, Pipeline: 1},
		{ID: 14, Entity: settings.EntityLead},
		{ID: 15, Entity: settings.EntityNone},
	}
	demoContactCenter(&s.ContactCenter)
	return s
}

// demoContactCenter adds the products and operators of the demo's contact center to the defaults. Operator op-3 is
// nobody in the portal, and products that are not listed count as consultations.
func demoContactCenter(c *settings.ContactCenter) {
	c.Products = []settings.Product{
		{Name: "subsidy", Pipeline: bitrix24.DemoSubsidies, Responsible: settings.ResponsibleContact},
		{Name: "credit", Pipeline: bitrix24.DemoPipelineTwo, Responsible: settings.ResponsibleOperator},
		{Name: "consultation", Pipeline: bitrix24.DemoPipeline, Responsible: settings.ResponsibleOperator},
		{
			Name: "leasing", Pipeline: bitrix24.DemoPipelineTwo, Responsible: settings.ResponsibleUser, User: bitrix24.DemoSupervisor,
			Required: []string{"company.inn", "fields.equipment"},
		},
	}
	c.UnknownProduct = "consultation"
	c.Operators = []settings.ContactCenterOperator{
		{Operator: "op-1", User: bitrix24.DemoOperator}, {Operator: "op-2", User: bitrix24.DemoSupervisor},
	}
	c.Fields = []settings.FormField{{Name: "city", Deal: bitrix24.DemoCityField}}
	c.Sources = map[string]string{"site": "WEB", "email": "EMAIL", "phone": "CALL"}
}
