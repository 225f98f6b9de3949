package chat2desk

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"
)

// SignatureMode says how webhooks are signed (chat2desk reference §4.3). In
// JSON it is one of the constants, or a boolean: true means SignatureHex.
type SignatureMode string

// The signature modes; the key is the MD5 of the token, as hex text or as raw bytes.
const (
	SignatureOff SignatureMode = "off"
	SignatureHex SignatureMode = "hex"
	SignatureRaw SignatureMode = "raw"
)

// UnmarshalJSON accepts a mode by name, and true or false.
func (m *SignatureMode) UnmarshalJSON(raw []byte) error {
	var on bool
	if json.Unmarshal(raw, &on) == nil {
		*m = SignatureOff
		if on {
			*m = SignatureHex
		}
		return nil
	}
	return json.Unmarshal(raw, (*string)(m))
}

// When the webhooks that an API call causes leave: after its answer or before it.
const (
	EchoAfter  = "after"
	EchoBefore = "before"
)

// Where UTM data of a scripted dialog shows up (reference §3.8 names the ways).
const (
	UTMInAnalytics = "analytics"
	UTMInExtraData = "extra_data"
	UTMInBoth      = "both"
)

// Settings are the switches of the sandbox (PUT /sandbox/settings). Absent
// keys of a PUT keep their values.
type Settings struct {
	Signature SignatureMode `json:"signature"`
	Echo      string        `json:"echo"`
	// Rating opens and closes a rating request after each close of a dialog.
	Rating bool `json:"rating"`
	// RetryScale multiplies the waits of 10 s, 5 min and 2 h; DisableScale the 5 h.
	RetryScale   float64 `json:"retry_scale"`
	DisableScale float64 `json:"disable_scale"`
	// SenderTimeoutMS is how long a receiver of webhooks may take to answer.
	SenderTimeoutMS int `json:"sender_timeout_ms"`
	// Quota is the number of API calls per month, 0 = without limit.
	Quota int `json:"quota"`
	// RatePerSecond refuses calls above it with "Number of API requests exceeded"; 0 = without limit.
	RatePerSecond int `json:"rate_per_second"`
	// StringIDs writes ids as text, EmptyLists writes [] for {}; in answers and webhooks.
	StringIDs  bool `json:"string_ids"`
	EmptyLists bool `json:"empty_lists"`
	// ErrorsWith200 answers every error of the API with HTTP 200.
	ErrorsWith200 bool `json:"errors_with_200"`
	// NullDialogID leaves dialog_id null in inbox events until an operator has the dialog.
	NullDialogID bool `json:"null_dialog_id"`
	// NoEventTime leaves event_time out of webhooks.
	NoEventTime bool `json:"no_event_time"`
	// OutboxStatus sends outbox_status after each message to a client.
	OutboxStatus bool `json:"outbox_status"`
	// UTM says where UTM data of scripted dialogs shows up.
	UTM string `json:"utm"`
	// Deliver is how webhooks travel unless a script says otherwise.
	Deliver Deliver `json:"deliver"`
}

// Deliver disturbs the way of webhooks to their receivers.
type Deliver struct {
	Duplicate Copies `json:"duplicate"` // extra copies of each webhook; true = 1
	Shuffle   bool   `json:"shuffle"`   // random order, sent side by side
	Drop      Drop   `json:"drop"`
	DelayMS   int    `json:"delay_ms"`
}

// Copies is a number of extra copies; JSON true means 1.
type Copies int

// UnmarshalJSON accepts a number or a boolean.
func (n *Copies) UnmarshalJSON(raw []byte) error {
	var on bool
	if json.Unmarshal(raw, &on) == nil {
		*n = 0
		if on {
			*n = 1
		}
		return nil
	}
	return json.Unmarshal(raw, (*int)(n))
}

// Drop says which webhooks are never sent. In JSON: a probability from 0 to 1,
// a boolean (all or none), one hook_type, or a list of hook_types.
type Drop struct {
	Probability float64
	Hooks       []string
}

// MarshalJSON writes the shortest form that reads back as the same value.
func (d Drop) MarshalJSON() ([]byte, error) {
	if len(d.Hooks) > 0 {
		return json.Marshal(d.Hooks)
	}
	return json.Marshal(d.Probability)
}

// UnmarshalJSON accepts the forms named at the type.
func (d *Drop) UnmarshalJSON(raw []byte) error {
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	*d = Drop{}
	switch v := value.(type) {
	case nil:
	case bool:
		if v {
			d.Probability = 1
		}
	case float64:
		d.Probability = v
	case string:
		d.Hooks = []string{v}
	case []any:
		return json.Unmarshal(raw, &d.Hooks)
	default:
		return fmt.Errorf("drop: want a probability, a boolean, a hook_type or a list of them, got %s", raw)
	}
	return nil
}

func defaultSettings() Settings {
	return Settings{
		Signature: SignatureHex, Echo: EchoAfter, Rating: true, RetryScale: 1, DisableScale: 1,
		SenderTimeoutMS: 10_000, UTM: UTMInAnalytics,
	}
}

// check names the first setting that makes no sense.
func (s Settings) check() error {
	switch {
	case !slices.Contains([]SignatureMode{SignatureOff, SignatureHex, SignatureRaw}, s.Signature):
		return fmt.Errorf("signature: %q is none of off, hex, raw", s.Signature)
	case s.Echo != EchoAfter && s.Echo != EchoBefore:
		return fmt.Errorf("echo: %q is none of after, before", s.Echo)
	case !slices.Contains([]string{UTMInAnalytics, UTMInExtraData, UTMInBoth}, s.UTM):
		return fmt.Errorf("utm: %q is none of analytics, extra_data, both", s.UTM)
	case s.RetryScale < 0 || s.DisableScale < 0:
		return fmt.Errorf("retry_scale and disable_scale must not be negative")
	case s.SenderTimeoutMS <= 0:
		return fmt.Errorf("sender_timeout_ms must be positive")
	}
	return s.Deliver.check()
}

func (d Deliver) check() error {
	if d.Duplicate < 0 || d.DelayMS < 0 || d.Drop.Probability < 0 || d.Drop.Probability > 1 {
		return fmt.Errorf("deliver: duplicate and delay_ms must not be negative, drop must be from 0 to 1")
	}
	return nil
}

// The schedule of the vendor: three more attempts, then the event is gone; a
// webhook without any success for five hours is switched off (reference §4.2).
var retryWaits = []time.Duration{10 * time.Second, 5 * time.Minute, 2 * time.Hour}

const disableAfter = 5 * time.Hour

// retryWait is the pause after the given attempt (from 1); false when it was the last.
func (s Settings) retryWait(attempt int) (time.Duration, bool) {
	if attempt > len(retryWaits) {
		return 0, false
	}
	return scaled(retryWaits[attempt-1], s.RetryScale), true
}

func (s Settings) disableWait() time.Duration { return scaled(disableAfter, s.DisableScale) }

func scaled(d time.Duration, factor float64) time.Duration {
	return time.Duration(float64(d) * factor)
}
