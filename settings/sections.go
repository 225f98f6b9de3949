package settings

import (
	"errors"
	"fmt"
	"strings"

	"puente/internal/strictdoc"
)

// ErrUnknownSection is returned for a section name that SectionNames lacks.
var ErrUnknownSection = errors.New("unknown settings section")

// SectionNames lists the sections in the order people know them.
func SectionNames() []string {
	return []string{"general", "tags", "analytics", "fields", "operators", "crm", "contact_center"}
}

// Section returns one section as it stands in the document; marshal it to JSON
// to show it. The error is ErrUnknownSection.
func (s Settings) Section(name string) (any, error) {
	switch name {
	case "general":
		return s.General, nil
	case "tags":
		return s.Tags, nil
	case "analytics":
		return s.Analytics, nil
	case "fields":
		if s.Fields == nil {
			return []Field{}, nil // a list, never null
		}
		return s.Fields, nil
	case "operators":
		return s.Operators, nil
	case "crm":
		return s.CRM, nil
	case "contact_center":
		return s.ContactCenter, nil
	}
	return nil, unknownSection(name)
}

// SetSection returns the settings with one section replaced by data (JSON or
// YAML, read as strictly as by Parse). What data leaves out has its default,
// not the value it had before. Paths in the error begin with the section.
func (s Settings) SetSection(name string, data []byte) (Settings, error) {
	fresh := Default()
	var err error
	switch name {
	case "general":
		err = strictdoc.Decode(data, &fresh.General)
		s.General = fresh.General
	case "tags":
		err = strictdoc.Decode(data, &fresh.Tags)
		s.Tags = fresh.Tags
	case "analytics":
		err = strictdoc.Decode(data, &fresh.Analytics)
		s.Analytics = fresh.Analytics
	case "fields":
		err = strictdoc.Decode(data, &fresh.Fields)
		s.Fields = fresh.Fields
	case "operators":
		err = strictdoc.Decode(data, &fresh.Operators)
		s.Operators = fresh.Operators
	case "crm":
		err = strictdoc.Decode(data, &fresh.CRM)
		s.CRM = fresh.CRM
	case "contact_center":
		err = strictdoc.Decode(data, &fresh.ContactCenter)
		s.ContactCenter = fresh.ContactCenter
	default:
		err = unknownSection(name)
	}
	if err != nil {
		return Settings{}, inSection(name, err)
	}
	return s, nil
}

func unknownSection(name string) error {
	return fmt.Errorf("%w %q; known: %s", ErrUnknownSection, name, strings.Join(SectionNames(), ", "))
}

// inSection puts the section's name before the paths of problems.
func inSection(name string, err error) error {
	var problems Problems
	if !errors.As(err, &problems) {
		return err
	}
	moved := make(Problems, len(problems))
	for i, p := range problems {
		path := name + "." + p.Field
		if p.Field == "" || strings.HasPrefix(p.Field, "[") {
			path = name + p.Field
		}
		moved[i] = Problem{Field: path, Message: p.Message}
	}
	return moved
}
