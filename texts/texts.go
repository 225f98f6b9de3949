// Package texts holds what clients, operators and the CRM timeline read, in
// English, Spanish, Russian and Portuguese (product F8).
//
// A text is known by its id. Every language has the same ids with the same
// placeholders; a portal can override each text. Placeholders are written as
// in text/template, {{.name}}, and nothing else of that language is allowed:
// an override can neither loop nor call anything.
package texts

import (
	"maps"
	"slices"
	"strings"
	"text/template"
)

// Fallback is the language of a portal that names none, or one we do not speak.
const Fallback = "en"

// Bundle is the texts of one portal: a language and its overrides. The zero
// Bundle speaks English. It is safe for concurrent use.
type Bundle struct {
	lang      string
	overrides map[string]*template.Template
}

// For returns the texts in lang ("es", "pt-BR" and "ES" are understood) with
// the overrides, message id → text, put over them. An unknown language falls
// back to English; an override that Check refuses is left out, so that a bad
// text never keeps a transcript from being written.
func For(lang string, overrides map[string]string) Bundle {
	b := Bundle{lang: pick(lang)}
	for id, text := range overrides {
		if Check(id, text) != nil {
			continue
		}
		if b.overrides == nil {
			b.overrides = make(map[string]*template.Template, len(overrides))
		}
		b.overrides[id] = template.Must(parseText(id, text))
	}
	return b
}

// Lang is the language the bundle speaks: en, es, ru or pt.
func (b Bundle) Lang() string {
	if b.lang == "" {
		return Fallback
	}
	return b.lang
}

// T returns the text with the given id and its placeholders filled from data.
// A placeholder without a value becomes nothing; an unknown id is returned as
// it is, so that the mistake is seen.
func (b Bundle) T(id string, data map[string]any) string {
	t := b.overrides[id]
	if t == nil {
		t = catalogs()[b.Lang()][id]
	}
	if t == nil {
		return id
	}
	var out strings.Builder
	if err := t.Execute(&out, filled(id, data)); err != nil {
		return id
	}
	return out.String()
}

// Languages lists the languages there are, sorted.
func Languages() []string {
	return slices.Sorted(maps.Keys(catalogs()))
}

// Known says whether lang is written exactly as one of Languages.
func Known(lang string) bool {
	_, ok := catalogs()[lang]
	return ok
}

// IDs lists the ids of all texts, sorted.
func IDs() []string {
	return slices.Sorted(maps.Keys(catalogs()[Fallback]))
}

// filled gives every placeholder of the text a value: text/template would
// write "<no value>" for a missing one.
func filled(id string, data map[string]any) map[string]any {
	out := make(map[string]any, len(data))
	for _, name := range Placeholders(id) {
		out[name] = ""
	}
	maps.Copy(out, data)
	return out
}

func pick(lang string) string {
	base, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(lang)), "-")
	base, _, _ = strings.Cut(base, "_")
	if Known(base) {
		return base
	}
	return Fallback
}
