package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm/schema"
)

// The serializers by which gorm keeps our values in columns that mean the same
// in both databases. Tags: `gorm:"serializer:micros"` and so on.
func init() {
	schema.RegisterSerializer("micros", microsSerializer{})
	schema.RegisterSerializer("text", textSerializer{})
	schema.RegisterSerializer("rawjson", rawJSONSerializer{})
}

// NewID gives a new UUIDv7 as text. Ids made by one process sort in the order
// in which they were made.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// now is the clock of this process as the store keeps it.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// micros is a time as it is stored: microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// fromMicros undoes micros.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// orNow is t as it is kept, or the present if t is zero.
func orNow(t time.Time) time.Time {
	if t.IsZero() {
		return now()
	}
	return t.UTC().Truncate(time.Microsecond)
}

// clean makes foreign text storable: PostgreSQL takes neither NUL nor broken UTF-8.
func clean(s string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
}

type microsSerializer struct{}

func (microsSerializer) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, value any) error {
	n, ok := value.(int64)
	if !ok {
		return fmt.Errorf("column %s: want microseconds, have %T", field.DBName, value)
	}
	field.ReflectValueOf(ctx, dst).Set(reflect.ValueOf(fromMicros(n)))
	return nil
}

func (microsSerializer) Value(_ context.Context, field *schema.Field, _ reflect.Value, value any) (any, error) {
	t, ok := value.(time.Time)
	if !ok {
		return nil, fmt.Errorf("field %s: want time.Time, have %T", field.Name, value)
	}
	return micros(t), nil
}

type textSerializer struct{}

func (textSerializer) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, value any) error {
	field.ReflectValueOf(ctx, dst).SetString(asText(value))
	return nil
}

func (textSerializer) Value(_ context.Context, _ *schema.Field, _ reflect.Value, value any) (any, error) {
	return clean(asText(value)), nil
}

// rawJSONSerializer keeps json.RawMessage as text, none as ”.
type rawJSONSerializer struct{}

func (rawJSONSerializer) Scan(ctx context.Context, field *schema.Field, dst reflect.Value, value any) error {
	var raw json.RawMessage
	if text := asText(value); text != "" {
		raw = json.RawMessage(text)
	}
	field.ReflectValueOf(ctx, dst).Set(reflect.ValueOf(raw))
	return nil
}

func (rawJSONSerializer) Value(_ context.Context, _ *schema.Field, _ reflect.Value, value any) (any, error) {
	return clean(asText(value)), nil
}

func asText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case json.RawMessage:
		return string(v)
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}
