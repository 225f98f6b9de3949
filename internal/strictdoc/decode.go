package strictdoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Decode reads a document, JSON if it begins with a brace or bracket, else YAML,
// over what is already in dst: a pointer to a struct or a slice of structs with
// equal json and yaml names. What the document leaves out stays as it is. The
// error is of type Problems where the paths are known.
func Decode(data []byte, dst any) error {
	tree, read, err := readTree(data)
	if err != nil {
		return err
	}
	if tree == nil { // an empty document changes nothing
		return nil
	}
	var c Check
	c.unknownKeys("", tree, reflect.TypeOf(dst).Elem())
	if len(c.Problems) > 0 {
		return Problems(c.Problems)
	}
	return typeProblems(read(dst))
}

// Keys lists the top-level keys of a document, sorted: what it sets at all.
func Keys(data []byte) ([]string, error) {
	tree, _, err := readTree(data)
	return SortedKeys(keysOf(tree)), err
}

// readTree parses data into maps and slices, and returns how to read the same
// data into a struct.
func readTree(data []byte) (tree any, read func(any) error, err error) {
	trimmed := bytes.TrimSpace(data)
	if len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		read = func(dst any) error { return json.Unmarshal(trimmed, dst) }
		if err := json.Unmarshal(trimmed, &tree); err != nil {
			return nil, nil, fmt.Errorf("the JSON cannot be read: %w", err)
		}
		if twice := Duplicates(trimmed); len(twice) > 0 {
			return nil, nil, Problems(twice)
		}
		return tree, read, nil
	}
	read = func(dst any) error { return yaml.Unmarshal(data, dst) }
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	if err := decoder.Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("the YAML cannot be read: %w", err)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, nil, errors.New("only one YAML document is allowed")
	}
	return tree, read, nil
}

// unknownKeys reports the keys of tree that t has no field for. It looks at
// names only; wrong types are left to the decoder.
func (c *Check) unknownKeys(path string, tree any, t reflect.Type) {
	switch {
	case t.Kind() == reflect.Struct:
		c.eachKey(path, keysOf(tree), t, c.unknownKeys)
	case t.Kind() == reflect.Slice:
		rows, _ := tree.([]any)
		for i, row := range rows {
			c.unknownKeys(fmt.Sprintf("%s[%d]", path, i), row, t.Elem())
		}
	}
}

// eachKey reports the keys that the struct t has no field for, and goes on with
// each of the others.
func (c *Check) eachKey(path string, keys map[string]any, t reflect.Type, next func(path string, tree any, t reflect.Type)) {
	fields := fieldsOf(t)
	for _, key := range SortedKeys(keys) {
		at := strings.TrimPrefix(path+"."+key, ".")
		if field, ok := fields[key]; ok {
			next(at, keys[key], field)
			continue
		}
		c.Add(at, "unknown key; known here: %s", strings.Join(SortedKeys(fields), ", "))
	}
}

// keysOf is the keys of a map with their values. YAML allows keys that are no
// text; written out they are found to be unknown, instead of being passed over.
func keysOf(tree any) map[string]any {
	keys, _ := tree.(map[string]any)
	if mixed, ok := tree.(map[any]any); ok {
		keys = make(map[string]any, len(mixed))
		for key, value := range mixed {
			keys[fmt.Sprint(key)] = value
		}
	}
	return keys
}

// fieldsOf is JSON name → type of the fields of a struct, with those of the
// structs that it embeds.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := make(map[string]reflect.Type, t.NumField())
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
		if t.Field(i).Anonymous && name == "" {
			maps.Copy(fields, fieldsOf(t.Field(i).Type))
			continue
		}
		fields[name] = t.Field(i).Type
	}
	return fields
}

// typeProblems says where a value of a wrong type stands, in our words.
func typeProblems(err error) error {
	var inJSON *json.UnmarshalTypeError
	if errors.As(err, &inJSON) {
		return Problems{{Field: inJSON.Field, Message: fmt.Sprintf("must be of type %s, not %s", typeName(inJSON.Type), inJSON.Value)}}
	}
	var inYAML *yaml.TypeError
	if errors.As(err, &inYAML) {
		problems := make(Problems, len(inYAML.Errors))
		for i, message := range inYAML.Errors {
			problems[i] = Problem{Message: message}
		}
		return problems
	}
	return err
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "object"
	case reflect.Slice:
		return "list"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Float32, reflect.Float64:
		return "number"
	default:
		return "whole number"
	}
}

// SortedKeys is the keys of a map in alphabetical order.
func SortedKeys[K ~string, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
