package store

import (
	"context"
	"log/slog"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"
)

// slowQuery is what is worth a line in the log.
const slowQuery = time.Second

// slowLog tells slow statements to slog, with placeholders in the place of
// values: they may be personal data. Errors are not logged, they are returned.
type slowLog struct{ log *slog.Logger }

var (
	_ logger.Interface  = slowLog{}
	_ gorm.ParamsFilter = slowLog{}
)

func (l slowLog) LogMode(logger.LogLevel) logger.Interface { return l }
func (slowLog) Info(context.Context, string, ...any)       {}
func (slowLog) Warn(context.Context, string, ...any)       {}
func (slowLog) Error(context.Context, string, ...any)      {}

// Trace is called by gorm after each statement.
func (l slowLog) Trace(ctx context.Context, begin time.Time, statement func() (string, int64), _ error) {
	took := time.Since(begin)
	if took < slowQuery {
		return
	}
	sql, rows := statement()
	l.log.WarnContext(ctx, "slow database statement", "took", took, "rows", rows, "sql", sql)
}

// ParamsFilter drops the values of a statement before it is shown.
func (slowLog) ParamsFilter(_ context.Context, sql string, _ ...any) (string, []any) {
	return sql, nil
}
