package chat2desk

import (
	"slices"
	"strings"
)

// channelsPage is where GET /channels stops, and a second page is empty (§2.6).
const channelsPage = 15

func (c *Company) listChannels(q *call) answer {
	var kept []Channel
	for _, ch := range c.s.Channels {
		if q.matches("phone", ch.Phone) {
			kept = append(kept, ch)
		}
	}
	ans := pageOf(kept, min(q.limit(), channelsPage), 0, plain[Channel])
	if q.offset() > 0 {
		ans = pageOf(kept, 0, 0, plain[Channel])
	}
	return ans
}

func (c *Company) getChannel(q *call) answer {
	ch := c.channel(q.path("id"))
	if ch == nil {
		return unknown("Channel", q.r.PathValue("id"))
	}
	return one(*ch)
}

// customClientFields says "ok" where all others say "success" (case G16).
func (c *Company) customClientFields(*call) answer {
	return bare(object{"status": "ok", "data": c.s.CustomFields})
}

// apiInfo has the keys of the old answer and those newer ones add.
func (c *Company) apiInfo(*call) answer {
	info := c.s.Company
	return one(object{
		"mode": info.Mode, "hook": orNull(info.Hook), "chat_close_web_hook": orNull(info.CloseHook), "current_version": 1,
		"requests_this_month": c.s.Used, "channels": len(c.s.Channels), "company_name": info.Name, "companyID": info.ID,
		"partnerID": info.PartnerID, "admin_email": info.AdminEmail,
		"api_calls": object{"used": c.s.Used, "limit": c.s.Settings.Quota},
	})
}

func (c *Company) companyInfo(*call) answer {
	info := c.s.Company
	fields := info.CustomFields
	if fields == nil {
		fields = object{}
	}
	return one(object{
		"id": info.ID, "partner_id": info.PartnerID, "name": info.Name, "admin_email": info.AdminEmail, "mode": info.Mode,
		"custom_fields": fields,
	})
}

func (c *Company) updateCompany(q *call) answer {
	if c.s.Company.CustomFields == nil {
		c.s.Company.CustomFields = map[string]any{}
	}
	for key, value := range q.object("custom_fields") {
		c.s.Company.CustomFields[key] = value
	}
	return done()
}

func (c *Company) switchMode(q *call) answer {
	known := slices.ContainsFunc(apiModes, func(mode object) bool { return mode["name"] == q.text("mode") })
	if !known {
		return invalid("mode", "mode is incorrect")
	}
	c.s.Company.Mode = q.text("mode")
	return done()
}

// legacyHook and legacyCloseHook keep the single webhooks of before 2018. They
// are reported by api_info and never called: their bodies are not documented.
func (c *Company) legacyHook(q *call) answer {
	c.s.Company.Hook = q.text("url")
	return done()
}

func (c *Company) legacyCloseHook(q *call) answer {
	c.s.Company.CloseHook = q.text("url")
	return done()
}

// webAnalytics is GET /web_analytics_data in the shape of reference §3.8.
func (c *Company) webAnalytics(q *call) answer {
	var kept []analyticsRow
	for _, row := range c.s.Analytics {
		day := row.Created.In(c.options.TimeZone).Format("2006-01-02")
		if q.matchesID("client_id", row.ClientID) && (!q.has("date_from") || isoDate(q.text("date_from")) <= day) &&
			(!q.has("date_to") || day <= isoDate(q.text("date_to"))) {
			kept = append(kept, row)
		}
	}
	return listed(ordered(kept, q.params), q.params, restAnalytics)
}

// isoDate accepts dd-mm-yyyy beside yyyy-mm-dd: which one the service wants
// here is not known.
func isoDate(text string) string {
	parts := strings.Split(text, "-")
	if len(parts) == 3 && len(parts[2]) == 4 {
		return parts[2] + "-" + parts[1] + "-" + parts[0]
	}
	return text
}

// restAnalytics has all keys of the sample; "client_id" of the values is the
// analytics system's and shows up as google_id, for the row has its own.
func restAnalytics(row analyticsRow) object {
	out := object{
		"url": nil, "utm_source": nil, "utm_medium": nil, "utm_campaign": nil, "utm_term": nil, "utm_content": nil,
		"google_id": nil, "yandex_id": nil, "roistat_id": nil,
	}
	for key, value := range row.Values {
		if key == "client_id" {
			key = "google_id"
		}
		out[key] = value
	}
	out["client_id"], out["request_id"], out["created_at"] = row.ClientID, row.RequestID, stamp(row.Created)
	return out
}
