package setup

import (
	"fmt"
	"strings"
	"time"

	"puente/portals"
	"puente/store"
)

// Permissions are the scopes that an application needs for everything Puente can
// do (bitrix24 reference §11.4).
func Permissions() []string {
	return []string{"crm", "user_basic", "im", "telephony", "imopenlines", "imconnector"}
}

// Guide tells how the application of a portal is installed, and what is there
// already. The addresses hold a secret and are for the portal's administrator.
type Guide struct {
	Portal string `json:"portal"`
	Web    string `json:"web,omitempty"` // the portal's own address; "" = not known yet
	// HandlerURL and InstallURL go into the form of the application; "" = the
	// portal cannot be installed before it has a secret.
	HandlerURL  string   `json:"handler_url"`
	InstallURL  string   `json:"install_url,omitempty"`
	Permissions []string `json:"permissions"`

	ClientID     string    `json:"client_id,omitempty"`
	ClientSecret bool      `json:"client_secret"`
	Tokens       bool      `json:"tokens"`
	ExpiresAt    time.Time `json:"access_expires_at,omitzero"`
	Events       bool      `json:"application_token"`

	Steps []string `json:"steps"` // what is left to do; empty = nothing
}

// Ready reports whether the application can be used.
func (g Guide) Ready() bool { return g.ClientID != "" && g.ClientSecret && g.Tokens }

// InstallGuide is the guide for a portal; host is how the API is reached from
// outside, for example https://puente.example.com.
func InstallGuide(host string, p store.Portal) Guide {
	a := p.Bitrix24
	base := portals.EventsURL(host, p.Slug)
	g := Guide{
		Portal: p.Slug, Web: portals.WebURL(p), HandlerURL: base, Permissions: Permissions(),
		ClientID: a.ClientID, ClientSecret: a.ClientSecret != "", Tokens: a.RefreshToken != "", ExpiresAt: a.ExpiresAt,
		Events: a.ApplicationToken != "",
	}
	if key := p.InstallKey(); key != "" {
		g.InstallURL = base + "/install/" + key
	}
	g.Steps = g.left()
	return g
}

// left names the steps that are left, in their order.
func (g Guide) left() []string {
	var steps []string
	add := func(format string, args ...any) { steps = append(steps, fmt.Sprintf(format, args...)) }
	if g.InstallURL == "" {
		add("Make the secrets of the portal: puente portal add %s --file portal.yaml", g.Portal)
		return steps
	}
	if g.Web == "" {
		add("Say which portal it is: put bitrix24.client_endpoint: https://YOUR-PORTAL/rest/ into the portal file, "+
			"and run puente portal add %s --file portal.yaml", g.Portal)
	}
	if !g.Tokens {
		steps = append(steps, g.form()...)
	}
	if g.ClientID == "" || !g.ClientSecret {
		add("The form now shows the application id and key. Put them into the portal file as bitrix24.client_id and "+
			"bitrix24.client_secret, and run puente portal add %s --file portal.yaml", g.Portal)
	}
	if len(steps) > 0 {
		add("See that it works: puente portal check %s", g.Portal)
	}
	return steps
}

// form is the way through the portal's own pages (bitrix24 reference §8.5).
func (g Guide) form() []string {
	web := g.Web
	if web == "" {
		web = "your portal"
	}
	return []string{
		"Check that the portal reaches " + g.HandlerURL + " from the internet by https.",
		"As an administrator of " + web + " open Applications → Developer resources → Other → Local application.",
		"Choose the server kind and tick: Application uses API only.",
		"Handler path: " + g.HandlerURL,
		"Path for initial installation: " + g.InstallURL,
		"Permissions: " + strings.Join(g.Permissions, ", "),
		"Save. The portal calls the installation address at once, and only now. If the application was there before: " +
			"correct both paths, save, and reinstall it from the list of integrations; or remove it and add it anew.",
	}
}
