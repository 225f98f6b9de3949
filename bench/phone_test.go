package bench

import (
	"testing"

	"puente/phone"
)

func BenchmarkPhoneNormalize(b *testing.B) {
	for name, raw := range map[string]string{
		"national":  "8 (999) 123-45-67",
		"messenger": "34600111222",
		"junk":      "моб. 8 999 123 45 67 доб. 12 (Анна)",
		"identity":  "[wa_gupshup] KZ.9265551122",
		"text":      "Anna Petrova, accounting",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				phone.Normalize(raw, "RU")
			}
		})
	}
}

func BenchmarkPhoneVariants(b *testing.B) {
	for name, e164 := range map[string]string{"russia": "+79991234567", "mexico": "+525512345678", "germany": "+4915112345678"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				phone.Variants(phone.Number{E164: e164})
			}
		})
	}
}
