package chat2desk

import (
	"context"
	"strings"
)

// Channels returns the company's channels (GET /channels). One cluster is
// known to give only a part of them and no second page (reference §2.6): for
// one that is missing ask Channel.
func (a *API) Channels(ctx context.Context) ([]Channel, error) {
	list, err := a.listAll(ctx, path("channels"))
	return convert(list, readChannel), err
}

// Channel returns one channel (GET /channels/:id).
func (a *API) Channel(ctx context.Context, id int64) (Channel, error) {
	o, _, err := a.getObject(ctx, path("channels/%d", id))
	if err != nil {
		return Channel{}, err
	}
	return readChannel(o), nil
}

func readChannel(o object) Channel {
	return Channel{ID: o.int("id"), Name: o.text("name"), Phone: o.text("phone"), Transports: o.texts("transports")}
}

// Tags returns all tags of the company (GET /tags).
func (a *API) Tags(ctx context.Context) ([]Tag, error) {
	list, err := a.listAll(ctx, path("tags"))
	return convert(list, readTag), err
}

func readTag(o object) Tag {
	return Tag{
		ID: o.int("id"), GroupID: o.int("group_id"), GroupName: o.text("group_name"),
		Label: o.text("label"), Description: o.text("description"),
	}
}

// CustomClientFields returns the company's own client fields (GET
// /custom_client_fields, whose status is "ok").
func (a *API) CustomClientFields(ctx context.Context) ([]CustomField, error) {
	list, err := a.listAll(ctx, path("custom_client_fields"))
	return convert(list, readCustomField), err
}

func readCustomField(o object) CustomField {
	return CustomField{
		ID: o.int("id"), Name: o.text("name"), Type: o.text("type"), Value: o.text("value"),
		Editable: o.bool("editable"), Viewable: o.bool("viewable"), TrackingField: o.bool("tracking_field"),
	}
}

// APIInfo tells about the company and its quota (GET /companies/api_info).
func (a *API) APIInfo(ctx context.Context) (Info, error) {
	o, raw, err := a.getObject(ctx, path("companies/api_info"))
	if err != nil {
		return Info{}, err
	}
	return Info{
		CompanyID: o.int("company_id"), PartnerID: o.int("partner_id"), CompanyName: o.text("company_name"),
		Mode: o.text("mode"), RequestsThisMonth: o.int("requests_this_month"), Raw: raw,
	}, nil
}

// Role is what an operator may do.
type Role string

// The roles of operators (reference §1).
const (
	RoleOperator    Role = "operator"
	RoleSupervisor  Role = "supervisor"
	RoleAdmin       Role = "admin"
	RoleDisabled    Role = "disabled"
	RoleDeleted     Role = "deleted"
	RoleUnconfirmed Role = "unconfirmed"
)

// Operators returns all operators, whatever their role (GET /operators).
func (a *API) Operators(ctx context.Context) ([]Operator, error) {
	list, err := a.listAll(ctx, path("operators"))
	return convert(list, a.readOperator), err
}

func (a *API) readOperator(o object) Operator {
	return Operator{
		ID: o.int("id"), Email: o.text("email"), Phone: o.text("phone"),
		FirstName: o.text("first_name"), LastName: o.text("last_name"), Role: readRole(o),
		Online: o.bool("online"), OfflineType: o.text("offline_type"), StatusID: o.int("status_id"),
		ExternalID: o.text("external_id"), LastVisit: o.time("last_visit", a.cfg.Location),
	}
}

// Name is the operator's full name, else the e-mail address.
func (op Operator) Name() string {
	if name := strings.TrimSpace(op.FirstName + " " + op.LastName); name != "" {
		return name
	}
	return op.Email
}

// Active reports whether the operator may work at all; online is another
// matter, and stale for some accounts (reference §1.2).
func (op Operator) Active() bool {
	return op.Role != RoleDisabled && op.Role != RoleDeleted && op.Role != RoleUnconfirmed
}

// Stems of the localised names of access rights: en, es, pt, ru.
var (
	supervisorStems = []string{"supervi", "супервай", "супервиз"}
	adminStems      = []string{"admin", "админ"}
)

// readRole resolves both generations of operator rows (reference §1.2): in the
// old one role is the truth; in the new one it is status with the localised
// name of the access right, and role may say operator for everybody.
func readRole(o object) Role {
	role := Role(strings.ToLower(o.text("role")))
	status := strings.ToLower(o.text("status"))
	right := strings.ToLower(o.text("access_right_name"))
	switch {
	case status == "deleted" || status == "disabled" || status == "admin":
		return Role(status)
	case containsAny(right, adminStems):
		return RoleAdmin
	case containsAny(right, supervisorStems):
		return RoleSupervisor
	case role == "":
		return RoleOperator
	default:
		return role
	}
}

func containsAny(text string, stems []string) bool {
	for _, stem := range stems {
		if strings.Contains(text, stem) {
			return true
		}
	}
	return false
}
