package activities

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"puente/bitrix24"
	"puente/contactcenter"
	"puente/dialog"
)

// placed names the field that the portal complains of, where its words tell: by
// the field's name, or by the title that people gave it, in quotes.
func (d *desk) placed(ctx context.Context, kind dialog.Kind, err error) error {
	var e *bitrix24.Error
	if !errors.As(err, &e) || e.Kind != bitrix24.KindInvalid {
		return err
	}
	field := contactcenter.FieldIn(e.Description)
	if field == "" {
		field = d.titled(ctx, kind, e.Description)
	}
	if field == "" {
		return err
	}
	return &fieldError{field: "body." + field, err: err}
}

// quoted is a title in the words of the portal, in the quotes of its languages.
var quoted = regexp.MustCompile(`["«“„]([^"«»“”„]+)["»”“]`)

// titled finds the key of the input of a field by its quoted title. The fields
// are asked for anew: the portal may complain of one that somebody has just
// added. Who cannot tell says "": the error itself is what matters.
func (d *desk) titled(ctx context.Context, kind dialog.Kind, words string) string {
	match := quoted.FindStringSubmatch(words)
	if match == nil {
		return ""
	}
	command := fieldsCommand(kind)
	res, err := d.batch(ctx, false, command)
	if err != nil {
		return ""
	}
	var got struct {
		Fields map[string]struct {
			Title string `json:"title"`
			Upper string `json:"upperName"`
		} `json:"fields"`
	}
	if res.read(command.Key, &got) != nil {
		return ""
	}
	for name, f := range got.Fields {
		if strings.EqualFold(f.Title, match[1]) {
			return inputKey(name, f.Upper)
		}
	}
	return ""
}

// inputKey is where a CRM field stands in an input; upper is its classic name.
func inputKey(name, upper string) string {
	if key := contactcenter.FieldIn(upper); key != "" {
		return key
	}
	return "fields." + name
}
