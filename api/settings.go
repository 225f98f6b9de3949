package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"puente/settings"
	"puente/store"
)

// VersionInput picks a version; 0 is the newest.
type VersionInput struct {
	PortalInput
	Version int `query:"version" minimum:"0" doc:"an earlier version; 0 = the newest"`
}

type sectionInput struct {
	VersionInput
	Section string `path:"section" enum:"general,tags,analytics,fields,operators,crm,contact_center"`
}

// ChangeInput is what both ways of writing settings share.
type ChangeInput struct {
	IfMatch   string `header:"If-Match" maxLength:"20" doc:"ETag that was read: refuses the change with 412 if there is a newer version"`
	IfVersion int    `query:"if_version" minimum:"0" doc:"the same by number: refuses with 409; 0 = any"`
	Reason    string `query:"reason" maxLength:"1000" doc:"why; kept with the version"`
}

type putSettingsInput struct {
	PortalInput
	ChangeInput
	RawBody []byte `contentType:"application/json"`
}

type putSectionInput struct {
	PortalInput
	ChangeInput
	Section string `path:"section" enum:"general,tags,analytics,fields,operators,crm,contact_center"`
	RawBody []byte `contentType:"application/json"`
}

// versioned is a settings document, or a section of it, with its version.
type versioned[T any] struct {
	ETag string `header:"ETag"`
	Body struct {
		Version  int      `json:"version"`
		Settings T        `json:"settings"`
		Warnings []string `json:"warnings,omitempty" doc:"what could not be checked"`
	}
}

func (s *server) settingsRoutes() {
	group := tagged("settings")
	writes := errorsToo(http.StatusBadRequest, http.StatusConflict, http.StatusPreconditionFailed)
	operation(s, http.MethodGet, "/settings", "get-settings", "The settings of the portal", s.getSettings, group, errorsToo(http.StatusNotFound))
	operation(s, http.MethodPut, "/settings", "put-settings", "Replace the settings; what is left out has its default",
		s.putSettings, group, writes, s.takes(settings.Settings{}))
	operation(s, http.MethodGet, "/settings/versions", "list-settings-versions", "Who changed the settings, when and why", s.listVersions, group)
	operation(s, http.MethodGet, "/settings/{section}", "get-settings-section", "One section of the settings",
		s.getSection, group, errorsToo(http.StatusNotFound))
	operation(s, http.MethodPut, "/settings/{section}", "put-settings-section", "Replace one section of the settings",
		s.putSection, group, writes, s.takes(json.RawMessage{}))
}

// takes describes a body that another package reads itself, because it names
// unknown and wrong fields better than a schema does.
func (s *server) takes(example any) func(*huma.Operation) {
	return func(op *huma.Operation) {
		s.bodies[op.OperationID] = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			jsonType: {Schema: s.schema(example)},
		}}
		op.SkipValidateBody = true
	}
}

func (s *server) getSettings(ctx context.Context, in *VersionInput) (*versioned[settings.Settings], error) {
	doc, version, err := s.readSettings(ctx, in.Portal, in.Version)
	if err != nil {
		return nil, s.fail(ctx, "version of the settings", err)
	}
	return answerSettings(doc, version, nil), nil
}

func (s *server) getSection(ctx context.Context, in *sectionInput) (*versioned[any], error) {
	doc, version, err := s.readSettings(ctx, in.Portal, in.Version)
	if err != nil {
		return nil, s.fail(ctx, "version of the settings", err)
	}
	return answerSection(doc, in.Section, version, nil)
}

func (s *server) readSettings(ctx context.Context, portal string, version int) (settings.Settings, int, error) {
	if version == 0 {
		return s.Store.Settings(ctx, portal)
	}
	doc, err := s.Store.SettingsVersion(ctx, portal, version)
	return doc, version, err
}

func (s *server) putSettings(ctx context.Context, in *putSettingsInput) (*versioned[settings.Settings], error) {
	doc, err := settings.Parse(in.RawBody)
	if err != nil {
		return nil, unreadable(err, "body")
	}
	ifVersion, err := in.expected()
	if err != nil {
		return nil, err
	}
	version, warnings, err := s.save(ctx, in.Portal, doc, in.ChangeInput, ifVersion)
	if err != nil {
		return nil, err
	}
	return answerSettings(doc, version, warnings), nil
}

// putSection replaces a section of the newest document. Unless the caller
// says which version it read, a change of another section in the same moment
// must not be lost: the version read here is the condition, and a lost race is
// tried again.
func (s *server) putSection(ctx context.Context, in *putSectionInput) (*versioned[any], error) {
	ifVersion, err := in.expected()
	if err != nil {
		return nil, err
	}
	const tries = 5
	for try := 1; ; try++ {
		doc, newest, err := s.Store.Settings(ctx, in.Portal)
		if err != nil {
			return nil, s.fail(ctx, "settings", err)
		}
		if doc, err = doc.SetSection(in.Section, in.RawBody); err != nil {
			return nil, unreadable(err, "body")
		}
		condition := ifVersion
		if condition == 0 {
			condition = newest
		}
		version, warnings, err := s.save(ctx, in.Portal, doc, in.ChangeInput, condition)
		if err == nil {
			return answerSection(doc, in.Section, version, warnings)
		}
		if ifVersion != 0 || try == tries || statusOf(err) != http.StatusConflict {
			return nil, err
		}
	}
}

// expected is the version the caller read, 0 if it does not care.
func (in ChangeInput) expected() (int, error) {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return in.IfVersion, nil
	}
	version, err := strconv.Atoi(strings.Trim(strings.TrimPrefix(in.IfMatch, "W/"), `"`))
	if err != nil || version <= 0 {
		return 0, huma.Error412PreconditionFailed("If-Match is not an ETag of these settings")
	}
	return version, nil
}

// save validates and writes a new version. The portal is asked last, since
// that is slow; if it does not answer, the settings are kept with a warning.
func (s *server) save(ctx context.Context, portal string, doc settings.Settings, in ChangeInput, ifVersion int) (int, []string, error) {
	if problems := settings.Validate(doc); len(problems) > 0 {
		return 0, nil, invalid(problems, "body")
	}
	problems, warnings := s.checkPortal(ctx, portal, doc)
	if len(problems) > 0 {
		return 0, nil, invalid(problems, "body")
	}
	version, err := s.Store.SaveSettings(ctx, portal, doc, callerOf(ctx).Actor, in.Reason, ifVersion)
	if errors.Is(err, store.ErrConflict) && in.IfMatch != "" {
		return 0, nil, huma.Error412PreconditionFailed("the settings were changed meanwhile; read them again")
	}
	if err != nil {
		return 0, nil, s.fail(ctx, "settings", err)
	}
	s.portals.forget(portal)
	s.auditSettings(ctx, portal, in.Reason, version)
	return version, warnings, nil
}

// auditSettings puts the change beside what else people did. The version
// itself holds author and reason already, so a failure is only logged.
func (s *server) auditSettings(ctx context.Context, portal, reason string, version int) {
	err := s.Store.Audit(ctx, store.AuditEntry{
		Portal: portal, Actor: callerOf(ctx).Actor, Action: "settings.save", Subject: "settings", Reason: reason,
		After: json.RawMessage(fmt.Sprintf(`{"version":%d}`, version)),
	})
	if err != nil {
		s.log.ErrorContext(ctx, "change of settings not in the audit log", "portal", portal, "version", version, "error", err)
	}
}

func (s *server) checkPortal(ctx context.Context, portal string, doc settings.Settings) ([]settings.Problem, []string) {
	if s.Validator == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	problems, err := s.Validator.ValidateSettings(ctx, portal, doc)
	if err == nil {
		return problems, nil
	}
	s.log.WarnContext(ctx, "settings not checked against the portal", "portal", portal, "error", err)
	return problems, []string{"not everything could be checked against the portal: it did not answer"}
}

// unreadable names what cannot be read: 422 with fields where they are known,
// else 400.
func unreadable(err error, prefix string) error {
	var problems settings.Problems
	if errors.As(err, &problems) {
		return invalid(problems, prefix)
	}
	return huma.Error400BadRequest(err.Error())
}

func statusOf(err error) int {
	var se huma.StatusError
	if errors.As(err, &se) {
		return se.GetStatus()
	}
	return 0
}

func answerSettings(doc settings.Settings, version int, warnings []string) *versioned[settings.Settings] {
	out := &versioned[settings.Settings]{ETag: etag(version)}
	out.Body.Version, out.Body.Settings, out.Body.Warnings = version, doc, warnings
	return out
}

func answerSection(doc settings.Settings, name string, version int, warnings []string) (*versioned[any], error) {
	section, err := doc.Section(name)
	if err != nil {
		return nil, huma.Error404NotFound(err.Error())
	}
	out := &versioned[any]{ETag: etag(version)}
	out.Body.Version, out.Body.Settings, out.Body.Warnings = version, section, warnings
	return out, nil
}

func etag(version int) string { return fmt.Sprintf("%q", strconv.Itoa(version)) }
