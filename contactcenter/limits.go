package contactcenter

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"puente/internal/strictdoc"
)

// check collects problems.
type check struct{ strictdoc.Check }

// limits wants a value to keep what the tags of its type promise (minLength,
// maxLength, minimum, maximum, maxItems, enum): the same tags make the API's
// documentation, so the two cannot differ.
func (c *check) limits(path string, value reflect.Value) {
	if value.Kind() == reflect.Pointer && !value.IsNil() {
		value = value.Elem()
	}
	if value.Kind() != reflect.Struct || value.Type() == reflect.TypeFor[time.Time]() {
		return
	}
	for i := range value.NumField() {
		field := value.Type().Field(i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		at := path
		if name != "" { // an embedded struct has none
			at = strings.TrimPrefix(path+"."+name, ".")
		}
		c.limit(at, field.Tag, value.Field(i))
	}
}

func (c *check) limit(path string, tag reflect.StructTag, value reflect.Value) {
	if value.Kind() == reflect.Pointer && !value.IsNil() && value.Elem().Kind() != reflect.Struct {
		value = value.Elem()
	}
	switch value.Kind() {
	case reflect.String:
		c.text(path, tag, value.String())
	case reflect.Int, reflect.Int64:
		c.number(path, tag, value.Int())
	case reflect.Slice:
		c.list(path, tag, value)
	default:
		c.limits(path, value)
	}
}

func (c *check) text(path string, tag reflect.StructTag, text string) {
	least, most := bound(tag, "minLength"), bound(tag, "maxLength")
	size := int64(utf8.RuneCountInString(text))
	known := strings.Split(tag.Get("enum"), ",")
	switch {
	case size == 0 && (least != nil || tag.Get("enum") != "" && required(tag)):
		c.Add(path, "is missing")
	case most != nil && size > *most:
		c.Add(path, "is %d characters long; at most %d are allowed", size, *most)
	case size > 0 && tag.Get("enum") != "" && !slices.Contains(known, text):
		c.Add(path, "must be one of %s, not %q", strings.Join(known, ", "), shortened(text))
	}
}

func (c *check) number(path string, tag reflect.StructTag, n int64) {
	if least := bound(tag, "minimum"); least != nil && n < *least {
		if n == 0 {
			c.Add(path, "is missing")
			return
		}
		c.Add(path, "must be %d or more, not %d", *least, n)
	}
	if most := bound(tag, "maximum"); most != nil && n > *most {
		c.Add(path, "must be %d or less, not %d", *most, n)
	}
}

func (c *check) list(path string, tag reflect.StructTag, list reflect.Value) {
	if most := bound(tag, "maxItems"); most != nil && int64(list.Len()) > *most {
		c.Add(path, "has %d entries; at most %d are allowed", list.Len(), *most)
		return
	}
	for i := range list.Len() {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch entry := list.Index(i); entry.Kind() {
		case reflect.String: // one of the words of the list
			c.text(at, reflect.StructTag(`minLength:"1" enum:"`+tag.Get("enum")+`"`), entry.String())
		case reflect.Int64: // an id
			c.number(at, `minimum:"1"`, entry.Int())
		default:
			c.limits(at, entry)
		}
	}
}

// bound is the number in a tag; nil if there is none.
func bound(tag reflect.StructTag, name string) *int64 {
	n, err := strconv.ParseInt(tag.Get(name), 10, 64)
	if err != nil {
		return nil
	}
	return &n
}

// required says that a value must be given: its JSON name has no omitempty.
func required(tag reflect.StructTag) bool {
	return !strings.Contains(tag.Get("json"), ",omit")
}

// shortened keeps problems readable.
func shortened(text string) string {
	const most = 60
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}
