package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"puente/portals"
	"puente/service"
	"puente/settings"
	"puente/setup"
	"puente/store"
)

func (a *app) portalCommand() *cobra.Command {
	root := &cobra.Command{Use: "portal", Short: "Connect portals and see whether they work"}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print JSON")
	root.AddCommand(a.portalAdd(), a.portalList(), a.portalCheck(), a.portalInstall(), a.portalEvents(), a.portalExample())
	return root
}

func (a *app) portalAdd() *cobra.Command {
	var file, host string
	c := &cobra.Command{
		Use: "add <name>", Short: "Connect a portal by its file, or change a connected one",
		Args: named("portal", "choose it: small letters, digits, - and _"),
		Example: `  puente portal example > portal.yaml
  puente portal add acme --file portal.yaml --register-webhook https://puente.example.com`,
		RunE: func(c *cobra.Command, args []string) error {
			if file == "" {
				return errors.New("give the portal file by --file; `puente portal example` prints one to begin with")
			}
			if host != "" && !setup.IsHost(host) { // told before anything is changed
				return setup.ErrHost
			}
			return a.withService(c.Context(), func(s *service.Service) error { return a.addPortal(c.Context(), s, args[0], file, host) })
		},
	}
	c.Flags().StringVarP(&file, "file", "f", "", "the portal file (YAML), - = standard input; see puente portal example")
	c.Flags().StringVar(&host, "register-webhook", "", "public address of this API: registers the webhook in Chat2Desk")
	return c
}

// publicHost stands where the address of this API was not given.
const publicHost = setup.PublicHost

// addedPortal is what add tells; the secrets are shown this once.
type addedPortal struct {
	Portal          string `json:"portal"`
	Created         bool   `json:"created"`
	SettingsVersion int    `json:"settings_version,omitempty"`
	APIKey          string `json:"api_key,omitempty"`
	WebhookURL      string `json:"webhook_url"`
	Registered      bool   `json:"webhook_registered"`
	ContactCenter   string `json:"contact_center_secret,omitempty"`
}

func (a *app) addPortal(ctx context.Context, s *service.Service, slug, file, host string) error {
	f, err := readPortalFile(file)
	if err != nil {
		return err
	}
	added, err := setup.Apply(ctx, s.Store, slug, f, currentUser())
	if err != nil {
		return err
	}
	out := addedPortal{
		Portal: slug, Created: added.Created, SettingsVersion: added.SettingsVersion, APIKey: added.APIKey,
		WebhookURL: setup.WebhookURL(publicHost, added.Portal),
	}
	if added.Created {
		out.ContactCenter = added.Portal.ContactCenterSecret
	}
	if host == "" {
		return a.printAdded(out)
	}
	address, err := s.Checker.Register(ctx, host, added.Portal)
	if err == nil { // the portal reaches us there, too
		err = s.Store.SetEventsURL(ctx, slug, portals.EventsURL(host, slug))
	}
	if err != nil { // the secrets exist and must be shown all the same
		return errors.Join(err, a.printAdded(out))
	}
	out.WebhookURL, out.Registered = address, true
	return a.printAdded(out)
}

func (a *app) printAdded(p addedPortal) error {
	if a.json {
		return printJSON(a.out, p)
	}
	word := "changed"
	if p.Created {
		word = "connected"
	}
	lines := []string{fmt.Sprintf("Portal %s is %s.", p.Portal, word)}
	if p.SettingsVersion != 0 {
		lines = append(lines, fmt.Sprintf("Settings: version %d", p.SettingsVersion))
	}
	if p.APIKey != "" {
		lines = append(lines, "API key (shown only now): "+p.APIKey)
	}
	if p.ContactCenter != "" {
		lines = append(lines, "Contact center secret: "+p.ContactCenter)
	}
	how := "Webhook to register in Chat2Desk"
	if p.Registered {
		how = "Webhook, registered in Chat2Desk"
	}
	lines = append(lines, how+": "+p.WebhookURL, "See what works: puente portal check "+p.Portal)
	_, err := fmt.Fprintln(a.out, strings.Join(lines, "\n"))
	return err
}

func readPortalFile(name string) (setup.File, error) {
	read := func() ([]byte, error) { return os.ReadFile(name) } //nolint:gosec // the person at the terminal names the file
	if name == "-" {
		read = func() ([]byte, error) { return io.ReadAll(os.Stdin) }
	}
	data, err := read()
	if err != nil {
		return setup.File{}, err
	}
	return setup.Parse(data, os.LookupEnv)
}

// currentUser is who is at the terminal, for the audit.
func currentUser() string {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return u.Username
	}
	return "command line"
}

// listedPortal is a portal as list shows it: no secret, not even in an address.
type listedPortal struct {
	Portal    string `json:"portal"`
	Name      string `json:"name"`
	Bitrix24  string `json:"bitrix24"`
	Auth      string `json:"auth"`
	Chat2Desk string `json:"chat2desk"`
	Settings  int    `json:"settings_version"`
	Disabled  bool   `json:"disabled"`
}

func (a *app) portalList() *cobra.Command {
	return &cobra.Command{Use: "list", Short: "List the connected portals", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return a.withService(c.Context(), func(s *service.Service) error { return a.listPortals(c.Context(), s.Store) })
	}}
}

func (a *app) listPortals(ctx context.Context, s *store.Store) error {
	all := []listedPortal{}
	for page := (store.Page{}); ; {
		rows, next, err := s.Portals(ctx, page)
		if err != nil {
			return err
		}
		for _, p := range rows {
			shown, err := showPortal(ctx, s, p)
			if err != nil {
				return err
			}
			all = append(all, shown)
		}
		if page.After = next; next == "" {
			break
		}
	}
	if a.json {
		return printJSON(a.out, all)
	}
	rows := make([][]string, len(all))
	for i, p := range all {
		state := "on"
		if p.Disabled {
			state = "off"
		}
		rows[i] = []string{p.Portal, p.Name, p.Bitrix24, p.Auth, p.Chat2Desk, number(int64(p.Settings)), state}
	}
	return table(a.out, []string{"PORTAL", "NAME", "BITRIX24", "AUTH", "CHAT2DESK", "SETTINGS", "STATE"}, rows)
}

func showPortal(ctx context.Context, s *store.Store, p store.Portal) (listedPortal, error) {
	_, settingsVersion, err := s.Settings(ctx, p.Slug)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return listedPortal{}, err
	}
	out := listedPortal{
		Portal: p.Slug, Name: p.Name, Bitrix24: host(portals.WebURL(p)), Auth: "none", Chat2Desk: "-",
		Settings: settingsVersion, Disabled: p.Disabled,
	}
	switch hook, app := p.Bitrix24.WebhookURL != "", p.Bitrix24.ClientID != ""; {
	case hook && app:
		out.Auth = "webhook+app"
	case hook:
		out.Auth = "webhook"
	case app:
		out.Auth = "app"
	}
	if p.Chat2Desk.Token != "" {
		out.Chat2Desk = host(p.Chat2Desk.BaseURL)
	}
	return out, nil
}

func host(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return "-"
}

func (a *app) portalCheck() *cobra.Command {
	return &cobra.Command{
		Use: "check <name>", Short: "Tell which features of a portal work, and how to get the others",
		Args: named("portal", "`puente portal list` shows them"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.withService(c.Context(), func(s *service.Service) error { return a.checkPortal(c.Context(), s, args[0]) })
		},
	}
}

func (a *app) checkPortal(ctx context.Context, s *service.Service, slug string) error {
	p, err := s.Store.Portal(ctx, slug)
	if err != nil {
		return noPortal(slug, err)
	}
	doc, _, err := s.Store.Settings(ctx, slug)
	if errors.Is(err, store.ErrNotFound) {
		doc, err = settings.Default(), nil
	}
	if err != nil {
		return err
	}
	report := s.Checker.Check(ctx, p, doc)
	if err := a.printReport(report); err != nil {
		return err
	}
	if !report.Works() {
		return fmt.Errorf("portal %s does not work yet: see what is missing or failed", slug)
	}
	return nil
}

func (a *app) printReport(r setup.Report) error {
	if a.json {
		return printJSON(a.out, r)
	}
	rows := make([][]string, 0, len(r.Rows))
	told := map[string]bool{"": true}
	for _, row := range r.Rows {
		rows = append(rows, []string{string(row.State), row.Feature, row.Detail})
		if !told[row.Help] { // one way out may serve many features
			told[row.Help] = true
			rows = append(rows, []string{"", "", "→ " + row.Help})
		}
	}
	return table(a.out, []string{"STATE", "FEATURE", "DETAIL"}, rows)
}

func noPortal(slug string, err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("there is no portal %s: see `puente portal list`", slug)
	}
	return err
}

func (a *app) portalExample() *cobra.Command {
	return &cobra.Command{
		Use: "example", Short: "Print a portal file with every key explained", Args: cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil }, // needs no configuration
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(a.out, setup.Example)
			return err
		},
	}
}
