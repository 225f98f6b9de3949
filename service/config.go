// Package service puts the parts of one process together: store, Temporal
// client, portals, API and worker. cmd/puente and cmd/puente-dev differ only
// in what they put into the Config.
package service

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/caarlos0/env/v11"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// Config is everything a process can be told. LoadConfig reads it from the
// environment.
type Config struct {
	// DatabaseURL is postgres://… or sqlite://path.
	DatabaseURL string `env:"PUENTE_DATABASE_URL"`
	// SecretKey encrypts the secrets of portals: 32 random bytes or a long passphrase.
	SecretKey string `env:"PUENTE_SECRET_KEY"`
	// APIAddr is where the API listens.
	APIAddr string `env:"PUENTE_API_ADDR" envDefault:":8080"`
	// WorkerAddr serves /healthz, /readyz and /metrics of a worker without API; "" = nothing.
	WorkerAddr string `env:"PUENTE_WORKER_ADDR"`
	// TemporalUI is the address of the Temporal UI, for links; "" = no links.
	TemporalUI string `env:"PUENTE_TEMPORAL_UI_URL"`
	LogLevel   string `env:"PUENTE_LOG_LEVEL" envDefault:"info"`  // debug, info, warn or error
	LogFormat  string `env:"PUENTE_LOG_FORMAT" envDefault:"text"` // text or json
	// DataDir holds what is not in the database.
	DataDir string `env:"PUENTE_DATA_DIR" envDefault:".puente"`
	// RecordingsDir keeps recordings of calls until they are in the portal; all
	// processes of an installation must see the same directory. "" = recordings
	// in DataDir.
	RecordingsDir string `env:"PUENTE_RECORDINGS_DIR"`
	// AllowPrivateURLs lets recordings be fetched from private addresses and
	// without encryption: for development on one machine only.
	AllowPrivateURLs bool `env:"PUENTE_ALLOW_PRIVATE_URLS"`
	// Migrate brings the schema up at start; else a process with an old schema refuses to start.
	Migrate bool `env:"PUENTE_MIGRATE" envDefault:"true"`
	// MaxConnections to the database; 0 = the store's default.
	MaxConnections   int           `env:"PUENTE_DATABASE_CONNECTIONS"`
	Bitrix24Timeout  time.Duration `env:"PUENTE_BITRIX24_TIMEOUT" envDefault:"60s"`
	Chat2DeskTimeout time.Duration `env:"PUENTE_CHAT2DESK_TIMEOUT" envDefault:"30s"`
	// Chat2DeskRate is requests a second to one Chat2Desk account.
	Chat2DeskRate float64 `env:"PUENTE_CHAT2DESK_RATE" envDefault:"10"`
	// Source names the address from which portals see this process; processes
	// behind one address share one rate budget.
	Source string `env:"PUENTE_SOURCE" envDefault:"default"`
	// LineMinute is what counts as a minute of the settings of open lines, so that
	// development need not wait; hours of the week and votes stay as they are. 0 = 1m.
	LineMinute time.Duration `env:"PUENTE_LINE_MINUTE" envDefault:"1m"`
	// StopTimeout is how long running activities may finish.
	StopTimeout time.Duration `env:"PUENTE_STOP_TIMEOUT" envDefault:"65s"`

	// Temporal says how to reach the cluster (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TLS …).
	Temporal client.Options `env:"-"`
	// Listening is called with the address of the API when it takes requests; may be nil.
	Listening func(addr string) `env:"-"`
	// Version is told to portals and shown by the metrics.
	Version string `env:"-"`
}

// LoadConfig reads the environment: PUENTE_* and the standard TEMPORAL_*.
func LoadConfig() (Config, error) {
	c, err := env.ParseAs[Config]()
	if err != nil {
		return Config{}, fmt.Errorf("the environment: %w", err)
	}
	if c.Temporal, err = envconfig.LoadDefaultClientOptions(); err != nil {
		return Config{}, fmt.Errorf("the environment: TEMPORAL_*: %w", err)
	}
	return c, nil
}

// recordingsDir is where recordings are kept.
func (c Config) recordingsDir() string {
	if c.RecordingsDir == "" {
		return filepath.Join(c.DataDir, "recordings")
	}
	return c.RecordingsDir
}

// check says everything that is missing at once, and what to do.
func (c Config) check() error {
	var wrong []error
	if c.DatabaseURL == "" {
		wrong = append(wrong, errors.New("PUENTE_DATABASE_URL is not set: postgres://user:password@host/database or sqlite://path"))
	}
	if c.SecretKey == "" {
		wrong = append(wrong, errors.New("PUENTE_SECRET_KEY is not set: make one with `openssl rand -base64 32` and keep it"))
	}
	if c.LineMinute < 0 || c.LineMinute > time.Minute {
		wrong = append(wrong, fmt.Errorf("PUENTE_LINE_MINUTE is %s; it is 1m, or less for a trial", c.LineMinute))
	}
	return errors.Join(wrong...)
}
