package stack

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/pflag"
)

// Part is something that runs inside and may be left out, because it runs somewhere else or is not needed.
type Part string

// The parts. A part that is left out is still used at its configured address: with Temporal outside, for example,
// TemporalAddr is where the API and the worker look for it.
const (
	Temporal   Part = "temporal" // the server and its UI
	TemporalUI Part = "ui"
	Bitrix24   Part = "bitrix24"  // the sandbox portal
	Chat2Desk  Part = "chat2desk" // the sandbox account
	Portal     Part = "portal"    // migrations and the demo portal
	API        Part = "api"
	Worker     Part = "worker"
)

// Parts lists all parts in the order in which they start.
func Parts() []Part { return []Part{Temporal, TemporalUI, Portal, Bitrix24, Chat2Desk, Worker, API} }

// Config says where everything listens and what it keeps (design §7). Port 0 takes a free port. What the service
// itself reads (PUENTE_BITRIX24_TIMEOUT and others, see service.Config) works here too.
type Config struct {
	APIAddr        string `env:"PUENTE_API_ADDR"               envDefault:"127.0.0.1:8080"`
	TemporalAddr   string `env:"PUENTE_TEMPORAL_ADDR"          envDefault:"127.0.0.1:7233"`
	TemporalUIAddr string `env:"PUENTE_TEMPORAL_UI_ADDR"       envDefault:"127.0.0.1:8233"`
	Bitrix24Addr   string `env:"PUENTE_SANDBOX_BITRIX24_ADDR"  envDefault:"127.0.0.1:8091"`
	Chat2DeskAddr  string `env:"PUENTE_SANDBOX_CHAT2DESK_ADDR" envDefault:"127.0.0.1:8092"`
	// DataDir holds all state: three SQLite files and the sandboxes' files.
	DataDir string `env:"PUENTE_DATA_DIR" envDefault:".puente"`
	// DatabaseURL is Puente's own database; "" = an SQLite file in DataDir.
	DatabaseURL string `env:"PUENTE_DATABASE_URL"`
	SecretKey   string `env:"PUENTE_SECRET_KEY" envDefault:"puente-dev: not a secret, fine for a sandbox"`
	// Without names the parts that are left out.
	Without []Part `env:"PUENTE_DEV_WITHOUT"`
	// LineMinute is what counts as a minute in the settings of open lines; 0 = a minute. See service.Config.
	LineMinute time.Duration `env:"PUENTE_LINE_MINUTE"`
	// ReadyFile is written as JSON ([Addresses]) when everything answers, and removed at the end; "" = none.
	ReadyFile string     `env:"PUENTE_DEV_READY_FILE"`
	LogLevel  slog.Level `env:"PUENTE_LOG_LEVEL" envDefault:"WARN"`
}

// FromEnv reads the environment; what is not set has its default.
func FromEnv() (Config, error) {
	c, err := env.ParseAs[Config]()
	if err != nil {
		return Config{}, fmt.Errorf("environment: %w", err)
	}
	return c, nil
}

// Flags makes a flag for each setting. What the config holds is the default, so a flag wins over the environment.
func (c *Config) Flags(f *pflag.FlagSet) {
	text := func(to *string, name, help string) { f.StringVar(to, name, *to, help) }
	text(&c.APIAddr, "api-addr", "API ($PUENTE_API_ADDR)")
	text(&c.TemporalAddr, "temporal-addr", "Temporal's gRPC ($PUENTE_TEMPORAL_ADDR)")
	text(&c.TemporalUIAddr, "temporal-ui-addr", "Temporal's UI ($PUENTE_TEMPORAL_UI_ADDR)")
	text(&c.Bitrix24Addr, "bitrix24-addr", "sandbox Bitrix24 ($PUENTE_SANDBOX_BITRIX24_ADDR)")
	text(&c.Chat2DeskAddr, "chat2desk-addr", "sandbox Chat2Desk ($PUENTE_SANDBOX_CHAT2DESK_ADDR)")
	text(&c.DataDir, "data-dir", "directory of all state ($PUENTE_DATA_DIR)")
	text(&c.DatabaseURL, "database-url", "Puente's database, postgres://… or sqlite://…; empty: in the data directory ($PUENTE_DATABASE_URL)")
	text(&c.SecretKey, "secret-key", "encrypts the portal's tokens in the database ($PUENTE_SECRET_KEY)")
	text(&c.ReadyFile, "ready-file", "file to write the addresses to when everything answers ($PUENTE_DEV_READY_FILE)")
	f.DurationVar(&c.LineMinute, "line-minute", c.LineMinute, "what counts as a minute in the settings of open lines ($PUENTE_LINE_MINUTE); "+
		"0: a minute, in the demo a second")
	f.Var(partsFlag{&c.Without}, "without", "parts to leave out: "+join(Parts())+" ($PUENTE_DEV_WITHOUT)")
	f.TextVar(&c.LogLevel, "log-level", c.LogLevel, "DEBUG, INFO, WARN or ERROR ($PUENTE_LOG_LEVEL)")
}

// Has tells whether a part runs inside.
func (c Config) Has(p Part) bool {
	if p == TemporalUI && !c.Has(Temporal) {
		return false
	}
	return !slices.Contains(c.Without, p)
}

// withDefaults checks the names of parts and fills what depends on other settings.
func (c Config) withDefaults() (Config, error) {
	for _, p := range c.Without {
		if !slices.Contains(Parts(), p) {
			return c, fmt.Errorf("there is no part %q; there are: %s", p, join(Parts()))
		}
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = "sqlite://" + filepath.Join(c.DataDir, "puente.sqlite")
	}
	return c, nil
}

// partsFlag is a flag of names with commas between them.
type partsFlag struct{ to *[]Part }

func (p partsFlag) String() string {
	if p.to == nil {
		return ""
	}
	return join(*p.to)
}

func (partsFlag) Type() string { return "parts" }

func (p partsFlag) Set(names string) error {
	*p.to = nil
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*p.to = append(*p.to, Part(name))
		}
	}
	return nil
}

func join(parts []Part) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		names[i] = string(p)
	}
	return strings.Join(names, ",")
}
