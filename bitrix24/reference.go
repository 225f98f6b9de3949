package bitrix24

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	// referencePattern finds "$result[key]" (bitrix24 reference §2.4).
	referencePattern = regexp.MustCompile(`\$result\[[^\[\]]+\]`)
	unsafeInKey      = regexp.MustCompile(`[^A-Za-z0-9_]`)
)

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

// wireKey is the name of a command inside the request. The documentation shows references with letters, digits and
// underscores only, so nothing else is sent.
func wireKey(prefix, key string) string { return prefix + unsafeInKey.ReplaceAllString(key, "_") }

// rename gives plain commands their wire keys, and every reference to one of them the same. Groups that travel together
// need the prefix, because each of them was free to call its first command "contact".
func rename(commands []Command, prefix string) []Command {
	names := make(map[string]string, len(commands))
	for _, c := range commands {
		names[c.Key] = wireKey(prefix, c.Key)
	}
	out := make([]Command, len(commands))
	for i, c := range commands {
		params, _ := renameIn(c.Params, names).(map[string]any)
		out[i] = Command{Key: names[c.Key], Method: c.Method, Params: params}
	}
	return out
}

// wired returns commands that can be sent as they are, renamed if a key is not safe.
func wired(commands []Command) ([]Command, error) {
	for _, c := range commands {
		if unsafeInKey.MatchString(c.Key) {
			plain, _, err := plainCommands(commands)
			return rename(plain, ""), err
		}
	}
	return commands, nil
}

// renameIn rewrites the references inside a value of plain JSON. A key that is not one of the group's own is no
// reference of it and stays.
func renameIn(v any, names map[string]string) any {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			v[name] = renameIn(inner, names)
		}
	case []any:
		for i, inner := range v {
			v[i] = renameIn(inner, names)
		}
	case string:
		return renameText(v, names)
	}
	return v
}

func renameText(text string, names map[string]string) string {
	return referencePattern.ReplaceAllStringFunc(text, func(found string) string {
		key := found[len("$result[") : len(found)-1]
		name, own := names[key]
		if !own {
			return found
		}
		return "$result[" + name + "]"
	})
}
