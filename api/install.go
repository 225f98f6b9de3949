package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"puente/bitrix24"
	"puente/portals"
	"puente/store"
)

// Installer takes over the tokens of an application that is installed in a
// portal, and forgets them; *portals.Registry is one. Errors: *portals.Refusal,
// store.ErrNotFound, or one of the database.
type Installer interface {
	Install(ctx context.Context, slug string, h portals.Handover) (bitrix24.Identity, error)
	Uninstall(ctx context.Context, slug string) error
}

// installed answers an installation; no secret stands in it.
type installed struct {
	Installed     bool   `json:"installed"`
	ClientID      string `json:"client_id"`
	Administrator bool   `json:"administrator"`
}

// installHook takes the tokens of the portal's application (bitrix24 reference
// §8.5). The address holds a secret that `puente portal install` shows: a
// stranger cannot even make us ask the portal.
func (s *server) installHook(c *gin.Context) {
	p, ok := s.hookPortal(c, sourceBitrix24)
	if !ok {
		return
	}
	if !sameSecret(p.InstallKey(), c.Param("secret")) {
		s.refuse(c, sourceBitrix24, refusedSecret, http.StatusUnauthorized, "the secret of the address is wrong: see `puente portal install`")
		return
	}
	body, ok := s.hookBody(c, sourceBitrix24)
	if !ok {
		return
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		s.refuse(c, sourceBitrix24, refusedFormat, http.StatusBadRequest, "the body is not a form")
		return
	}
	maps.Copy(form, c.Request.URL.Query()) // a page is opened with half of it in the address
	s.install(c, p.Slug, form)
}

// install asks the portal, stores and answers.
func (s *server) install(c *gin.Context, slug string, form url.Values) {
	h, err := portals.ReadHandover(form)
	h.Host = publicHost(c.Request)
	var who bitrix24.Identity
	if err == nil {
		// Once begun it is finished: the portal does not send the tokens again.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), installTimeout)
		defer cancel()
		who, err = s.Installer.Install(ctx, slug, h)
	}
	if err != nil {
		s.installRefused(c, err)
		return
	}
	s.portals.forget(slug) // its events are proved by the new token from now on
	if h.Page {
		installPage(c, h.Domain)
		return
	}
	c.JSON(http.StatusOK, installed{Installed: true, ClientID: who.AppCode, Administrator: who.Admin})
}

// publicHost is how the sender of a request reached us, also through a proxy that
// says so; "" = unclear. The request must be proved: anybody can write these
// headers. A proxy that ends HTTPS may not tell it, so a plain name is taken to be
// by HTTPS, and an address or a port as it came.
func publicHost(r *http.Request) string {
	name := cmp.Or(firstOf(r.Header.Get("X-Forwarded-Host")), r.Host)
	at, err := url.Parse("//" + name)
	if err != nil || at.Hostname() == "" || at.Host != name {
		return ""
	}
	proto := strings.ToLower(firstOf(r.Header.Get("X-Forwarded-Proto")))
	_, notIP := netip.ParseAddr(at.Hostname())
	plain := notIP == nil || at.Port() != "" || !strings.Contains(name, ".")
	if proto == "http" || proto == "" && r.TLS == nil && plain {
		return "http://" + name
	}
	return "https://" + name
}

// firstOf is the first of a list of header values.
func firstOf(list string) string {
	one, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(one)
}

const (
	refusedInstall = "not_installed"
	// installTimeout leaves time for the answer before the server cuts the line.
	installTimeout = 50 * time.Second
)

func (s *server) installRefused(c *gin.Context, err error) {
	var refused *portals.Refusal
	if !errors.As(err, &refused) {
		s.storeRefused(c, sourceBitrix24, err)
		return
	}
	s.log.WarnContext(c.Request.Context(), "installation refused", "portal", c.Param("portal"), "reason", refused.Text,
		"request_id", requestID(c.Request.Context()))
	status := map[portals.Reason]int{
		portals.Incomplete: http.StatusBadRequest, portals.NotReady: http.StatusConflict,
		portals.Foreign: http.StatusForbidden, portals.Unreachable: http.StatusBadGateway,
	}[refused.Reason]
	s.refuse(c, sourceBitrix24, refusedInstall, status, refused.Text)
}

// uninstalled follows the event by which a portal says that it removed the
// application; the event is proved, and tokens are of no use any more.
func (s *server) uninstalled(c *gin.Context, p store.Portal, form url.Values) bool {
	if s.Installer == nil || !strings.EqualFold(form.Get("event"), "ONAPPUNINSTALL") {
		return true
	}
	if err := s.Installer.Uninstall(context.WithoutCancel(c.Request.Context()), p.Slug); err != nil {
		s.storeRefused(c, sourceBitrix24, err)
		return false
	}
	s.portals.forget(p.Slug)
	return true
}

// finishScript ends the installation of an application with pages: until it is
// run the portal delivers no events (bitrix24 reference §8.5).
const finishScript = `BX24.init(function(){BX24.installFinish();});`

const finishPage = `<!doctype html><meta charset="utf-8"><title>Puente</title>
<script src="https://api.bitrix24.com/api/v1/"></script><script>` + finishScript + `</script>
<p>Puente is installed. You may close this page.</p>`

var finishHash = func() string {
	sum := sha256.Sum256([]byte(finishScript))
	return base64.StdEncoding.EncodeToString(sum[:])
}()

// installPage shows itself inside the portal, and only there. The domain was
// compared with the portal's own before.
func installPage(c *gin.Context, domain string) {
	h := c.Writer.Header()
	h.Del("X-Frame-Options")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src https://api.bitrix24.com 'sha256-"+finishHash+"'; "+
		"frame-ancestors https://"+domain)
	c.Data(http.StatusOK, "text/html; charset=utf-8", []byte(finishPage))
}
