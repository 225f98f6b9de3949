package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Every write of a sync, by the methods that carry it, meets every fault once;
// afterwards there is exactly one of everything.
func TestOneOfEverythingWhateverFailsAtWhateverWrite(t *testing.T) {
	t.Parallel()
	s := start(t, options{env: []string{"PUENTE_BITRIX24_TIMEOUT=2s"}})
	faults := map[string]map[string]any{
		"answer lost after commit": {"kind": "lost_answer", "when": "after"},
		"connection reset":         {"kind": "reset", "when": "before"},
		"reset after commit":       {"kind": "reset", "when": "after"},
		"502 HTML":                 {"kind": "html", "status": 502, "when": "before"},
		"502 HTML after commit":    {"kind": "html", "status": 502, "when": "after"},
		"503 limit":                {"kind": "status", "status": 503, "when": "before"},
		"429 operating limit":      {"kind": "status", "status": 429, "when": "before"},
		"401 expired":              {"kind": "status", "status": 401, "when": "before"},
		"timeout after commit":     {"kind": "delay", "delay_ms": 4000, "when": "after"},
	}
	writes := map[string]func(i int) chatDialog{
		"crm.item.add":             func(i int) chatDialog { return talk("New", fmt.Sprintf("+7999300%04d", i), whatsapp) },
		"crm.timeline.comment.add": func(i int) chatDialog { return talk("New", fmt.Sprintf("+7999301%04d", i), whatsapp) },
		"crm.item.update": func(i int) chatDialog {
			phone := fmt.Sprintf("+7999302%04d", i)
			s.syncOf(s.play(talk("Known", phone, whatsapp)).Request, 60*time.Second)
			d := talk("Known", phone, whatsapp)
			d.Client.Custom = map[string]any{"6": "Perm"}
			return d
		},
	}
	n := 0
	for write, dialog := range writes {
		for name, fault := range faults {
			n++
			d := dialog(n)
			rule := map[string]any{"method": write, "times": 1, "probability": 1}
			for k, v := range fault {
				rule[k] = v
			}
			contacts, deals := len(s.ours(contactType)), len(s.ours(dealType))
			if write == "crm.item.update" {
				contacts, deals = contacts-1, deals-1 // the dialog is the client's second
			}
			s.fault(rule)
			row := s.syncOf(s.play(d).Request, 2*time.Minute)
			require.Equal(t, "done", row.Status, "%s × %s: %s", write, name, row.Error.Text)
			require.Len(t, s.ours(contactType), contacts+1, "%s × %s", write, name)
			require.Len(t, s.ours(dealType), deals+1, "%s × %s", write, name)
			want := 1
			if write == "crm.item.update" {
				want = 2
			}
			require.Len(t, s.comments("deal", row.entity("deal")), want, "%s × %s", write, name)
		}
	}
}

// The same for the conversion of a lead.
func TestLeadIsMadeOnceWhateverFails(t *testing.T) {
	t.Parallel()
	s := start(t, options{env: []string{"PUENTE_BITRIX24_TIMEOUT=2s"}})
	for i, fault := range []map[string]any{
		{"method": "crm.item.add", "kind": "lost_answer", "times": 1, "when": "after"},
		{"method": "crm.timeline.bindings.bind", "kind": "lost_answer", "times": 1, "when": "after"},
		{"method": "crm.timeline.bindings.bind", "kind": "html", "status": 502, "times": 1},
	} {
		s.fault(fault)
		row := s.syncOf(s.play(talk("Lead", fmt.Sprintf("+799930400%02d", i), widget)).Request, 2*time.Minute)
		require.Equal(t, "done", row.Status, row.Error.Text)
		require.Len(t, s.ours(leadType), i+1)
		require.NotZero(t, row.entity("deal"))
		require.Len(t, s.comments("deal", row.entity("deal")), 1)
	}
}
