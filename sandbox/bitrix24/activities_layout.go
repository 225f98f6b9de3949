package bitrix24

import (
	"regexp"
	"slices"
)

// shape checks one part of a layout; at is where it stands, for the error.
type shape func(at string, v any) error

// layoutShape is LayoutDto of a configurable activity and all that it is made
// of, as the official docs describe it under
// api-reference/crm/timeline/activities/configurable/structure.
var layoutShape = objectOf(map[string]shape{
	"icon!": objectOf(map[string]shape{"code!": anyText}),
	"header!": objectOf(map[string]shape{
		"title!": translation, "titleAction": actionShape,
		"tags": keyed(0, 2, objectOf(map[string]shape{
			"title!": translation, "type!": oneOf("warning", "success", "failure", "primary", "secondary"), "action": actionShape,
			"scope": scopeShape, "hideIfReadonly": yesNo,
		})),
	}),
	"body!": objectOf(map[string]shape{
		"logo!":  objectOf(map[string]shape{"code!": anyText, "action": actionShape}),
		"blocks": keyed(1, 20, block()),
	}),
	"footer": objectOf(map[string]shape{
		"buttons": keyed(0, 2, objectOf(map[string]shape{
			"title!": translation, "type!": oneOf("primary", "secondary"), "action!": actionShape, "scope": scopeShape, "hideIfReadonly": yesNo,
		})),
		"menu": objectOf(map[string]shape{
			"showPinItem": yesNo, "showPostponeItem": yesNo, "showDeleteItem": yesNo,
			"items": keyed(0, maxVars, objectOf(map[string]shape{
				"title!": translation, "action!": actionShape, "scope": scopeShape, "hideIfReadonly": yesNo,
			})),
		}),
	}),
})

// actionShape is ActionDto.
var actionShape = byType("type", map[string]shape{
	"redirect":  objectOf(map[string]shape{"type!": anyText, "uri": anyText}),
	"restEvent": objectOf(map[string]shape{"type!": anyText, "id!": anyText, "actionParams": anything, "animationType": anyText}),
	"openRestApp": objectOf(map[string]shape{
		"type!": anyText, "actionParams": anything,
		"sliderParams": objectOf(map[string]shape{"width": anyText, "leftBoundary": anyText, "title": anyText}),
	}),
})

var (
	scopeShape  = oneOf("web", "mobile")
	simpleBlock = []string{"text", "link", "deadline"}
)

// block is ContentBlockDto of one of the types, by default of any.
func block(types ...string) shape {
	all := map[string]shape{
		"text": objectOf(map[string]shape{
			"value!": translation, "multiline": yesNo, "title": translation, "bold": yesNo, "size": oneOf("xs", "sm", "md"),
			"color": oneOf("base_50", "base_60", "base_70", "base_90"), "scope": scopeShape,
		}),
		"largeText": objectOf(map[string]shape{"value!": translation, "scope": scopeShape}),
		"link":      objectOf(map[string]shape{"text!": translation, "action!": actionShape, "bold": yesNo, "scope": scopeShape}),
		"deadline":  objectOf(map[string]shape{"readonly": yesNo, "scope": scopeShape}),
	}
	if len(types) == 0 {
		inner := block(simpleBlock...)
		all["withTitle"] = objectOf(map[string]shape{"title!": translation, "block!": inner, "inline": yesNo, "scope": scopeShape})
		all["lineOfBlocks"] = objectOf(map[string]shape{"blocks!": keyed(1, maxVars, inner), "scope": scopeShape})
	} else {
		delete(all, "largeText")
	}
	byKind := map[string]shape{}
	for name, properties := range all {
		byKind[name] = objectOf(map[string]shape{"type!": anyText, "properties": properties})
	}
	return byType("type", byKind)
}

// objectOf is an object with certain fields and no others; a name that ends in
// "!" must be there.
func objectOf(parts map[string]shape) shape {
	return func(at string, v any) error {
		d, ok := v.(*dict)
		if !ok {
			return badRequest("WRONG_FIELD_VALUE", "Wrong value of field %s", at)
		}
		for _, key := range d.keys {
			check := parts[key]
			if check == nil {
				check = parts[key+"!"]
			}
			if check == nil {
				return badRequest("FIELD_IS_REDUNDANT", "Field %s.%s is redundant", at, key)
			}
			if err := check(at+"."+key, d.vals[key]); err != nil {
				return err
			}
		}
		return required(at, d, parts)
	}
}

func required(at string, d *dict, parts map[string]shape) error {
	for name := range parts {
		key := name[:len(name)-1]
		if _, ok := d.get(key); name[len(name)-1] == '!' && !ok {
			return badRequest("FIELD_IS_REQUIRED", "Field %s.%s is required", at, key)
		}
	}
	return nil
}

// layoutKey is what the keys of a map may look like.
var layoutKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// keyed is a map with a limited number of items.
func keyed(least, most int, item shape) shape {
	return func(at string, v any) error {
		d, ok := v.(*dict)
		switch {
		case !ok:
			return badRequest("WRONG_FIELD_VALUE", "Wrong value of field %s", at)
		case d.len() > most:
			return badRequest("TOO_MANY_ITEMS", "Field %s has more than %d items", at, most)
		case d.len() < least:
			return badRequest("FIELD_IS_REQUIRED", "Field %s has less than %d items", at, least)
		}
		for _, key := range d.keys {
			if !layoutKey.MatchString(key) {
				return badRequest("KEY_CONTAIN_WRONG_SYMBOLS", "Key of field %s contains wrong symbols", at)
			}
			if err := item(at+"."+key, d.vals[key]); err != nil {
				return err
			}
		}
		return nil
	}
}

// byType is an object whose field name says which shape it has.
func byType(name string, shapes map[string]shape) shape {
	return func(at string, v any) error {
		kind, ok := asDict(v).get(name)
		if !ok {
			return badRequest("FIELD_IS_REQUIRED", "Field %s.%s is required", at, name)
		}
		check := shapes[toStr(kind)]
		if check == nil {
			return badRequest("ENUM_FIELD", "Field %s.%s has an unknown value", at, name)
		}
		return check(at, v)
	}
}

func oneOf(values ...string) shape {
	return func(at string, v any) error {
		if !slices.Contains(values, toStr(v)) {
			return badRequest("ENUM_FIELD", "Field %s has an unknown value", at)
		}
		return nil
	}
}

func anything(string, any) error { return nil }

func anyText(at string, v any) error {
	if toStr(v) == "" {
		return badRequest("WRONG_FIELD_VALUE", "Wrong value of field %s", at)
	}
	return nil
}

func yesNo(at string, v any) error {
	if _, ok := toBool(v); !ok {
		return badRequest("WRONG_FIELD_VALUE", "Wrong value of field %s", at)
	}
	return nil
}

// translation is a text, or a map of texts by language.
func translation(at string, v any) error {
	d, ok := v.(*dict)
	if !ok {
		return anyText(at, v)
	}
	if d.len() == 0 {
		return badRequest("WRONG_FIELD_VALUE", "Wrong value of field %s", at)
	}
	for _, key := range d.keys {
		if !slices.Contains(languages, key) {
			return badRequest("WRONG_LANG", "Field %s has an unknown language", at)
		}
	}
	return nil
}

// translated is the text of a translation in English, else in its first language.
func translated(v any) string {
	d, ok := v.(*dict)
	if !ok {
		return toStr(v)
	}
	if text, ok := d.get("en"); ok {
		return toStr(text)
	}
	for _, text := range d.values() {
		return toStr(text)
	}
	return ""
}
