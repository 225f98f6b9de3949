// Package setup connects a portal: it reads the portal file, makes the secrets
// that are missing, stores both accounts and the settings, registers the
// webhook in Chat2Desk and checks what works.
package setup

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"puente/settings"
)

// File is a portal file (YAML). Everything but settings may refer to the
// environment as ${NAME}, so that the file itself needs to hold no secret.
type File struct {
	Name      string    `yaml:"name"`
	Bitrix24  Bitrix24  `yaml:"bitrix24"`
	Chat2Desk Chat2Desk `yaml:"chat2desk"`
	// APIKey and ContactCenterSecret are made if there are none yet.
	APIKey              string `yaml:"api_key"`
	ContactCenterSecret string `yaml:"contact_center_secret"`
	Disabled            bool   `yaml:"disabled"`
	// Settings is nil if the file has none: a known portal keeps its own.
	Settings *settings.Settings `yaml:"-"`
}

// Bitrix24 is the account by inbound webhook (WebhookURL), by OAuth app (the
// rest), or by both: the webhook for most, the app for calls and connectors.
// Rate and burst are those of the portal's plan (bitrix24 reference §2.1);
// 0 = 2 requests a second, burst 50.
type Bitrix24 struct {
	// Without takes one of both away again: WithoutWebhook or WithoutApplication.
	Without           string  `yaml:"without"`
	WebhookURL        string  `yaml:"webhook_url"`
	ClientID          string  `yaml:"client_id"`
	ClientSecret      string  `yaml:"client_secret"`
	OAuthServer       string  `yaml:"oauth_server"`
	AccessToken       string  `yaml:"access_token"`
	RefreshToken      string  `yaml:"refresh_token"`
	ClientEndpoint    string  `yaml:"client_endpoint"`
	MemberID          string  `yaml:"member_id"`
	ApplicationToken  string  `yaml:"application_token"`
	RequestsPerSecond float64 `yaml:"requests_per_second"`
	Burst             int     `yaml:"burst"`
}

// What Bitrix24.Without can name.
const (
	WithoutWebhook     = "webhook"
	WithoutApplication = "application"
)

// Chat2Desk is the company's account. WebhookSecret is the last part of the
// webhook address; it is made if there is none yet.
type Chat2Desk struct {
	BaseURL       string `yaml:"base_url"`
	StorageURL    string `yaml:"storage_url"`
	WebURL        string `yaml:"web_url"`
	Token         string `yaml:"token"`
	WebhookSecret string `yaml:"webhook_secret"`
	TimeZone      string `yaml:"time_zone"`
}

// Parse reads a portal file strictly: unknown keys, variables that are not set
// and wrong settings are errors that name the place. It checks nothing against
// the outside.
func Parse(data []byte, lookup func(string) (string, bool)) (File, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return File{}, fmt.Errorf("the portal file cannot be read: %w", err)
	}
	if len(root.Content) != 1 || root.Content[0].Kind != yaml.MappingNode {
		return File{}, errors.New("the portal file is empty or no mapping")
	}
	doc, part := split(root.Content[0])
	if err := expand(doc, "", lookup); err != nil {
		return File{}, err
	}
	var f File
	if err := decodeStrict(doc, &f); err != nil {
		return File{}, fmt.Errorf("the portal file: %w", err)
	}
	if err := f.readSettings(part); err != nil {
		return File{}, err
	}
	return f, f.check()
}

// split takes the settings out of the document: they have their own strict
// reader, and ${…} in a text of theirs is just text.
func split(doc *yaml.Node) (rest, settings *yaml.Node) {
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value == "settings" {
			settings = doc.Content[i+1]
			doc.Content = slices.Delete(doc.Content, i, i+2)
			break
		}
	}
	return doc, settings
}

func (f *File) readSettings(part *yaml.Node) error {
	if part == nil {
		return nil
	}
	text, err := yaml.Marshal(part)
	if err != nil {
		return fmt.Errorf("the portal file: settings: %w", err)
	}
	doc, err := settings.Parse(text)
	if err != nil {
		return fmt.Errorf("the portal file: settings: %w", err)
	}
	if problems := settings.Validate(doc); len(problems) > 0 {
		return fmt.Errorf("the portal file: settings are not valid:\n%s", strings.TrimRight(settings.Describe(problems), "\n"))
	}
	f.Settings = &doc
	return nil
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// expand replaces ${NAME} in the values below node.
func expand(node *yaml.Node, path string, lookup func(string) (string, bool)) error {
	switch node.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(node.Content); i += 2 {
			if err := expand(node.Content[i+1], strings.TrimPrefix(path+"."+node.Content[i].Value, "."), lookup); err != nil {
				return err
			}
		}
	case yaml.SequenceNode:
		for _, item := range node.Content {
			if err := expand(item, path, lookup); err != nil {
				return err
			}
		}
	case yaml.ScalarNode:
		return expandValue(node, path, lookup)
	}
	return nil
}

func expandValue(node *yaml.Node, path string, lookup func(string) (string, bool)) error {
	var missing string
	value := variable.ReplaceAllStringFunc(node.Value, func(ref string) string {
		name := variable.FindStringSubmatch(ref)[1]
		got, ok := lookup(name)
		if !ok || got == "" {
			missing = name
		}
		return got
	})
	if missing != "" {
		return fmt.Errorf("the portal file: %s: the environment variable %s is not set", path, missing)
	}
	if value != node.Value {
		node.SetString(value) // a token of digits stays text
	}
	return nil
}

// decodeStrict refuses keys that the file format does not have. It decodes the
// tree itself, so that errors name the lines of the file.
func decodeStrict(node *yaml.Node, dst any) error {
	if err := knownKeys(node, "", reflect.TypeOf(dst).Elem()); err != nil {
		return err
	}
	return node.Decode(dst)
}

func knownKeys(node *yaml.Node, path string, t reflect.Type) error {
	if node.Kind != yaml.MappingNode || t.Kind() != reflect.Struct {
		return nil // a wrong kind is for the decoder to tell
	}
	fields := map[string]reflect.Type{}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("yaml"); name != "-" {
			fields[name] = t.Field(i).Type
		}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i].Value
		at := strings.TrimPrefix(path+"."+key, ".")
		field, known := fields[key]
		if !known {
			return fmt.Errorf("line %d: there is no key %s; known here: %s", node.Content[i].Line, at,
				strings.Join(slices.Sorted(maps.Keys(fields)), ", "))
		}
		if err := knownKeys(node.Content[i+1], at, field); err != nil {
			return err
		}
	}
	return nil
}

// check looks at what cannot be right in any account.
func (f *File) check() error {
	var wrong []error
	for _, a := range []struct{ path, address string }{
		{"bitrix24.webhook_url", f.Bitrix24.WebhookURL},
		{"bitrix24.client_endpoint", f.Bitrix24.ClientEndpoint},
		{"bitrix24.oauth_server", f.Bitrix24.OAuthServer},
		{"chat2desk.base_url", f.Chat2Desk.BaseURL},
		{"chat2desk.storage_url", f.Chat2Desk.StorageURL},
		{"chat2desk.web_url", f.Chat2Desk.WebURL},
	} {
		if !isAddress(a.address) {
			wrong = append(wrong, fmt.Errorf("%s: must be an address such as https://example.com", a.path))
		}
	}
	if w := f.Bitrix24.Without; w != "" && w != WithoutWebhook && w != WithoutApplication {
		wrong = append(wrong, fmt.Errorf("bitrix24.without: must be %s or %s", WithoutWebhook, WithoutApplication))
	}
	if f.Bitrix24.RequestsPerSecond < 0 || f.Bitrix24.Burst < 0 {
		wrong = append(wrong, errors.New("bitrix24: requests_per_second and burst must not be negative"))
	}
	return errors.Join(wrong...)
}

// isAddress accepts "" too: every address is optional.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return text == "" || err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
