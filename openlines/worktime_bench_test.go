package openlines_test

import (
	"testing"
	"time"

	"puente/openlines"
)

// The cost of a call grows with the days that it crosses, not with minutes.
func BenchmarkDue(b *testing.B) {
	line := madrid()
	line.SpecialDays = map[string][]openlines.Interval{"2026-12-24": {"09:00-14:00"}}
	schedule := compiled(b, line)
	start := time.Date(2026, 11, 20, 16, 58, 0, 0, time.UTC)
	for _, span := range []struct {
		name string
		d    time.Duration
	}{
		{"5 minutes over a weekend", 5 * time.Minute},
		{"1 week", 45 * time.Hour},
		{"1 year", 52 * 45 * time.Hour},
		{"10 years", 520 * 45 * time.Hour},
	} {
		b.Run(span.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := schedule.Due(start, span.d); !ok {
					b.Fatal("the line opens each week")
				}
			}
		})
	}
}

func BenchmarkDueNever(b *testing.B) {
	line := madrid()
	line.Week = openlines.Week{}
	schedule := compiled(b, line)
	start := time.Date(2026, 11, 20, 16, 58, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := schedule.Due(start, time.Minute); ok {
			b.Fatal("the line never opens")
		}
	}
}

func BenchmarkBetweenOverTenYears(b *testing.B) {
	schedule := compiled(b, madrid())
	start := time.Date(2026, 11, 20, 16, 58, 0, 0, time.UTC)
	end := start.AddDate(10, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if schedule.Between(start, end) == 0 {
			b.Fatal("the line opens each week")
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	schedule := compiled(b, madrid())
	at := time.Date(2026, 11, 20, 16, 58, 0, 0, time.UTC)
	b.ReportAllocs()
	for b.Loop() {
		if !schedule.Open(at) {
			b.Fatal("the line is open")
		}
	}
}

func BenchmarkNewSchedule(b *testing.B) {
	line := madrid()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := openlines.NewSchedule(line); err != nil {
			b.Fatal(err)
		}
	}
}
