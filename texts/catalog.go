package texts

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"
)

//go:embed catalogs/*.json
var files embed.FS

// catalogs is language → id → text, read once. The files are part of the
// program and tested, so a bad one is a mistake of ours: it panics.
var catalogs = sync.OnceValue(func() map[string]map[string]*template.Template {
	entries, err := files.ReadDir("catalogs")
	if err != nil {
		panic(err)
	}
	all := make(map[string]map[string]*template.Template, len(entries))
	for _, entry := range entries {
		lang := strings.TrimSuffix(entry.Name(), ".json")
		all[lang] = readCatalog(path.Join("catalogs", entry.Name()))
	}
	return all
})

// placeholders is id → the placeholder names of the English text, sorted.
var placeholders = sync.OnceValue(func() map[string][]string {
	all := make(map[string][]string)
	for id, t := range catalogs()[Fallback] {
		names, err := namesIn(t)
		if err != nil {
			panic(err)
		}
		all[id] = names
	}
	return all
})

// Placeholders lists the names that the text with this id can show, sorted; an
// override may use each of them or leave it out. Nil for an unknown id.
func Placeholders(id string) []string {
	return placeholders()[id]
}

// Check says whether text can stand in for the text with this id: the id is
// known, the text is not empty, is well formed and uses only placeholders
// which that text has. The error is a sentence for the person who wrote it.
func Check(id, text string) error {
	known, ok := placeholders()[id]
	if !ok {
		return fmt.Errorf("there is no text with the id %q", id)
	}
	if strings.TrimSpace(text) == "" {
		return fmt.Errorf("the text is empty")
	}
	t, err := parseText(id, text)
	if err != nil {
		return fmt.Errorf("the text cannot be read: %w", err)
	}
	names, err := namesIn(t)
	if err != nil {
		return err
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("unknown placeholder {{.%s}}; this text has: %s", name, listed(known))
		}
	}
	return nil
}

func listed(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return "{{." + strings.Join(names, "}}, {{.") + "}}"
}

func readCatalog(name string) map[string]*template.Template {
	raw, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	var entries map[string]string
	if err := json.Unmarshal(raw, &entries); err != nil {
		panic(fmt.Errorf("%s: %w", name, err))
	}
	parsed := make(map[string]*template.Template, len(entries))
	for id, text := range entries {
		parsed[id] = template.Must(parseText(id, text))
	}
	return parsed
}

func parseText(id, text string) (*template.Template, error) {
	return template.New(id).Parse(text)
}

// namesIn lists the placeholders of a text and refuses everything else that
// text/template can do.
func namesIn(t *template.Template) ([]string, error) {
	var names []string
	if len(t.Templates()) > 1 || t.Tree == nil {
		return nil, fmt.Errorf("only placeholders like {{.client}} are allowed")
	}
	for _, node := range t.Root.Nodes {
		if node.Type() == parse.NodeText {
			continue
		}
		name, ok := fieldName(node)
		if !ok {
			return nil, fmt.Errorf("only placeholders like {{.client}} are allowed, not %s", node)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// fieldName is the name in a node that is exactly {{.name}}.
func fieldName(node parse.Node) (string, bool) {
	action, ok := node.(*parse.ActionNode)
	if !ok || len(action.Pipe.Decl) > 0 || len(action.Pipe.Cmds) != 1 || len(action.Pipe.Cmds[0].Args) != 1 {
		return "", false
	}
	field, ok := action.Pipe.Cmds[0].Args[0].(*parse.FieldNode)
	if !ok || len(field.Ident) != 1 {
		return "", false
	}
	return field.Ident[0], true
}
