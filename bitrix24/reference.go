package bitrix24

import (
	"encoding/json"
	"regexp"
	"strings"
)

// referencePattern finds "$result[key]" and captures the key (bitrix24 reference §2.4).
var referencePattern = regexp.MustCompile(`\$result\[([^\[\]]+)\]`)

// Ref is a reference to the result of an earlier command of the same group: Ref("c") is the whole result, and
// Ref("c", "item", "id") a part of it.
func Ref(key string, path ...string) string {
	return "$result[" + strings.Join(append([]string{key}, path...), "][") + "]"
}

// Literal makes foreign text safe to send inside a batch: a client who writes "$result[contact]" must read exactly that
// in the transcript, and not the id of somebody's contact. It puts an invisible word joiner behind the dollar sign;
// text without such a sequence is returned unchanged.
func Literal(text string) string {
	return strings.ReplaceAll(text, "$result[", "$\u2060result[")
}

// plainCommands copies commands with their parameters reduced to plain JSON, and tells how many bytes they are.
func plainCommands(commands []Command) ([]Command, int, error) {
	out, size := make([]Command, len(commands)), 0
	for i, c := range commands {
		raw, err := json.Marshal(c.Params)
		if err != nil {
			return nil, 0, refuse(c.Method, "the parameters cannot be written as JSON: %v", err)
		}
		plain, err := decodePlain(raw)
		if err != nil {
			return nil, 0, refuse(c.Method, "the parameters cannot be written as JSON: %v", err)
		}
		params, _ := plain.(map[string]any)
		out[i], size = Command{Key: c.Key, Method: c.Method, Params: params}, size+len(raw)
	}
	return out, size, nil
}

// rename prefixes every key of plain commands, and every reference to one of them. Groups that travel together need it,
// because each of them was free to call its first command "contact".
func rename(commands []Command, prefix string) []Command {
	own := make(map[string]bool, len(commands))
	for _, c := range commands {
		own[c.Key] = true
	}
	out := make([]Command, len(commands))
	for i, c := range commands {
		params, _ := renameIn(c.Params, own, prefix).(map[string]any)
		out[i] = Command{Key: prefix + c.Key, Method: c.Method, Params: params}
	}
	return out
}

// renameIn rewrites the references inside a value of plain JSON. A key that is not one of the group's own is no
// reference of it and stays.
func renameIn(v any, own map[string]bool, prefix string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = renameIn(inner, own, prefix)
		}
	case []any:
		for i, inner := range v {
			v[i] = renameIn(inner, own, prefix)
		}
	case string:
		return renameText(v, own, prefix)
	}
	return v
}

func renameText(text string, own map[string]bool, prefix string) string {
	return referencePattern.ReplaceAllStringFunc(text, func(found string) string {
		key := found[len("$result[") : len(found)-1]
		if !own[key] {
			return found
		}
		return "$result[" + prefix + key + "]"
	})
}
