package strictdoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"
)

// Tree reads one JSON document, and nothing behind it, into maps, slices,
// strings, booleans and json.Numbers. An empty document, and null, is an empty
// object.
func Tree(data []byte) (any, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		return map[string]any{}, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var tree any
	if err := decoder.Decode(&tree); err != nil {
		return nil, fmt.Errorf("the JSON cannot be read: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("only one JSON document is allowed")
	}
	if tree == nil {
		return map[string]any{}, nil
	}
	return tree, nil
}

// Fill puts a tree into dst, a pointer to a struct. Unknown keys and values of
// a wrong type are refused, all of them, each with its path: the error is then
// of type Problems. null stands for what is not given.
func Fill(tree, dst any) error {
	var c Check
	c.shape("", tree, reflect.TypeOf(dst).Elem())
	if len(c.Problems) > 0 {
		return Problems(c.Problems)
	}
	data, err := json.Marshal(tree)
	if err != nil {
		return fmt.Errorf("the document cannot be read: %w", err)
	}
	return typeProblems(json.Unmarshal(data, dst))
}

// timeType is told apart from other structs: it is written as text.
var timeType = reflect.TypeFor[time.Time]()

// shape wants a tree to have the keys and types of t.
func (c *Check) shape(path string, tree any, t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case tree == nil:
	case t == timeType:
		c.time(path, tree)
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		c.object(path, tree, t)
	case t.Kind() == reflect.Slice:
		c.list(path, tree, t)
	default:
		c.scalar(path, tree, t)
	}
}

func (c *Check) time(path string, tree any) {
	var moment time.Time
	text, ok := tree.(string)
	if !ok || moment.UnmarshalText([]byte(text)) != nil {
		c.Add(path, "must be a time with its zone, like 2026-01-31T10:00:00+03:00")
	}
}

func (c *Check) object(path string, tree any, t reflect.Type) {
	keys, ok := tree.(map[string]any)
	if !ok {
		c.wrongType(path, tree, t)
		return
	}
	if t.Kind() == reflect.Struct {
		c.eachKey(path, keys, t, c.shape)
		return
	}
	for _, key := range SortedKeys(keys) {
		c.shape(strings.TrimPrefix(path+"."+key, "."), keys[key], t.Elem())
	}
}

func (c *Check) list(path string, tree any, t reflect.Type) {
	rows, ok := tree.([]any)
	if !ok {
		c.wrongType(path, tree, t)
		return
	}
	for i, row := range rows {
		c.shape(fmt.Sprintf("%s[%d]", path, i), row, t.Elem())
	}
}

func (c *Check) scalar(path string, tree any, t reflect.Type) {
	ok := false
	switch value := tree.(type) {
	case string:
		ok = t.Kind() == reflect.String
	case bool:
		ok = t.Kind() == reflect.Bool
	case json.Number:
		ok = json.Unmarshal([]byte(value), reflect.New(t).Interface()) == nil
	}
	if !ok {
		c.wrongType(path, tree, t)
	}
}

func (c *Check) wrongType(path string, tree any, t reflect.Type) {
	c.Add(path, "must be of type %s, not %s", typeName(t), given(tree))
}

// given names a value of a tree; numbers are shown, since their size may be what is wrong.
func given(tree any) string {
	switch value := tree.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case []any:
		return "list"
	case json.Number:
		if len(value) > 30 {
			return "a number of that size"
		}
		return "number " + value.String()
	}
	return "object"
}
