package portals

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Handover is what a portal sends to the installation address of an application:
// as the event ONAPPINSTALL or ONAPPUPDATE, or by opening the address as a page
// (bitrix24 reference §8.3, §8.5). None of it is proved yet.
type Handover struct {
	Domain           string // host of the portal
	ClientEndpoint   string // "" if not said
	MemberID         string
	Access, Refresh  string // secret
	ExpiresIn        time.Duration
	ApplicationToken string // secret; "" if not said
	OAuthServer      string // "" if not said
	Scope            string
	// Host is how the portal reached us, for example https://puente.example.com; ""
	// = not known. Whoever took the request fills it in.
	Host string
	// Page says that a person's browser waits for a page, in a frame of the portal.
	Page bool
}

// accessLife is how long access tokens live (bitrix24 reference §1.3).
const accessLife = time.Hour

// ReadHandover reads the values of query and body. The error is a *Refusal.
func ReadHandover(form url.Values) (Handover, error) {
	h := eventHandover(form)
	if form.Has("AUTH_ID") {
		h = pageHandover(form)
	} else if e := strings.ToUpper(form.Get("event")); e != "ONAPPINSTALL" && e != "ONAPPUPDATE" {
		return Handover{}, incomplete("this address takes the events ONAPPINSTALL and ONAPPUPDATE, and the page of an installation")
	}
	for _, need := range []struct{ name, value string }{
		{"access token", h.Access}, {"refresh token", h.Refresh}, {"member_id", h.MemberID}, {"domain", h.Domain},
	} {
		if need.value == "" {
			return Handover{}, incomplete("the portal has not sent the " + need.name)
		}
	}
	return h, nil
}

func eventHandover(form url.Values) Handover {
	auth := func(name string) string { return form.Get("auth[" + name + "]") }
	return Handover{
		Domain: auth("domain"), ClientEndpoint: auth("client_endpoint"), MemberID: auth("member_id"),
		Access: auth("access_token"), Refresh: auth("refresh_token"), ExpiresIn: life(auth("expires_in")),
		ApplicationToken: auth("application_token"), OAuthServer: auth("server_endpoint"), Scope: auth("scope"),
	}
}

func pageHandover(form url.Values) Handover {
	return Handover{
		Domain: form.Get("DOMAIN"), MemberID: form.Get("member_id"),
		Access: form.Get("AUTH_ID"), Refresh: form.Get("REFRESH_ID"), ExpiresIn: life(form.Get("AUTH_EXPIRES")),
		ApplicationToken: form.Get("APPLICATION_TOKEN"), OAuthServer: form.Get("SERVER_ENDPOINT"), Scope: form.Get("APPLICATION_SCOPE"),
		Page: true,
	}
}

// life reads seconds; what cannot be is taken as the usual hour.
func life(text string) time.Duration {
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds <= 0 || seconds > 24*3600 {
		return accessLife
	}
	return time.Duration(seconds) * time.Second
}

// ofHost reports whether everything that names the portal names this address.
func (h Handover) ofHost(base *url.URL) bool {
	if h.ClientEndpoint != "" && !sameHost(base, hostOf(h.ClientEndpoint)) {
		return false
	}
	return sameHost(base, h.Domain)
}

// sameHost compares host names; a port counts only if both name one.
func sameHost(base *url.URL, host string) bool {
	other, err := url.Parse("//" + host)
	if err != nil || other.Host == "" || other.Host != host {
		return false
	}
	return strings.EqualFold(base.Hostname(), other.Hostname()) && cmp.Or(other.Port(), base.Port()) == base.Port()
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
