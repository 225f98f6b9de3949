package settings

// Where links of notifications open (General.OpenLinksIn).
const (
	OpenInChat2Desk = "chat2desk"
	OpenInBitrix24  = "bitrix24"
)

// DefaultSettleSeconds is how long a closed cycle waits for late events unless
// the settings say otherwise.
const DefaultSettleSeconds = 5

// Default returns the settings of a portal that has set nothing: English, UTC,
// no country, tags ignored, CRM mode asked from the portal, notifications on,
// links into Chat2Desk. Only Operators.Administrator has no sensible default:
// Validate demands it.
func Default() Settings {
	return Settings{
		General: General{
			Language:       "en",
			TimeZone:       "UTC",
			NotifyIncoming: true,
			OpenLinksIn:    OpenInChat2Desk,
			SettleSeconds:  DefaultSettleSeconds,
		},
		Tags: Tags{Mode: TagsIgnore},
		CRM:  CRM{Mode: ModeAuto},
		ContactCenter: ContactCenter{
			Ambiguous: FirstByRule, Notify: true,
			Recordings: Recordings{MaxMiB: 512, QuotaMiB: 10 << 10, RetentionDays: 7},
		},
	}
}
