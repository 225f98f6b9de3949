package devserver

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/log/tag"
)

// logger gives the server's records to slog. The server is talkative when it starts and stops; the level keeps it quiet.
type logger struct {
	out   *slog.Logger
	level slog.Leveler
	quiet *atomic.Bool // set while stopping; shared by all loggers of a server
}

// fatalError is what the server panics with when it cannot go on.
type fatalError string

func (e fatalError) Error() string { return string(e) }

var _ log.WithLogger = (*logger)(nil)

func newLogger(o Options) *logger {
	l := &logger{out: o.Logger, level: o.LogLevel, quiet: new(atomic.Bool)}
	if l.out == nil {
		l.out = slog.Default()
	}
	if l.level == nil {
		l.level = slog.LevelWarn
	}
	return l
}

// SLog lets the server's own SDK workers log through the same place and level.
func (l *logger) SLog() *slog.Logger {
	return slog.New(levelHandler{l.out.Handler(), l.level, l.quiet})
}

// With returns a logger that adds the tags to each record.
func (l *logger) With(tags ...tag.Tag) log.Logger {
	return &logger{out: slog.New(l.out.Handler().WithAttrs(attributes(tags))), level: l.level, quiet: l.quiet}
}

func (l *logger) Debug(msg string, tags ...tag.Tag) { l.write(slog.LevelDebug, msg, tags) }
func (l *logger) Info(msg string, tags ...tag.Tag)  { l.write(slog.LevelInfo, msg, tags) }
func (l *logger) Warn(msg string, tags ...tag.Tag)  { l.write(slog.LevelWarn, msg, tags) }
func (l *logger) Error(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

// DPanic is for states that should not be; outside the server's own development it goes on.
func (l *logger) DPanic(msg string, tags ...tag.Tag) { l.write(slog.LevelError, msg, tags) }

func (l *logger) Panic(msg string, tags ...tag.Tag) {
	l.write(slog.LevelError, msg, tags)
	panic(describe(msg, tags))
}

// Fatal ends the process as the server expects, but by a panic, so that the reason and the place are seen.
func (l *logger) Fatal(msg string, tags ...tag.Tag) { l.Panic(msg, tags...) }

func (l *logger) write(level slog.Level, msg string, tags []tag.Tag) {
	ctx := context.Background()
	if level < l.level.Level() || l.quiet.Load() || !l.out.Enabled(ctx, level) {
		return
	}
	record := slog.NewRecord(time.Now(), level, msg, 0)
	record.AddAttrs(attributes(tags)...)
	_ = l.out.Handler().Handle(ctx, record) // there is no other place to tell about a log that cannot be written
}

// describe puts message and tags into one line.
func describe(msg string, tags []tag.Tag) fatalError {
	var b strings.Builder
	b.WriteString(msg)
	for _, t := range tags {
		fmt.Fprintf(&b, " %s=%v", t.Key(), t.Value())
	}
	return fatalError(b.String())
}

func attributes(tags []tag.Tag) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(tags))
	for _, t := range tags {
		attrs = append(attrs, slog.Any(t.Key(), t.Value()))
	}
	return attrs
}

// levelHandler drops records below a level.
type levelHandler struct {
	slog.Handler
	level slog.Leveler
	quiet *atomic.Bool
}

func (h levelHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return !h.quiet.Load() && level >= h.level.Level() && h.Handler.Enabled(ctx, level)
}

func (h levelHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return levelHandler{h.Handler.WithAttrs(attrs), h.level, h.quiet}
}

func (h levelHandler) WithGroup(name string) slog.Handler {
	return levelHandler{h.Handler.WithGroup(name), h.level, h.quiet}
}
