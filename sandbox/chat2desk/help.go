package chat2desk

import "slices"

// transports is the live list of reference §6.
var transports = []string{
	"whatsapp", "wa_dialog", "wa_gupshup", "wa_infobip", "wa_cm", "wa_clickatell", "wa_tr", "wa_wavy", "wa_botmaker", "viber",
	"viber_public", "viber_business", "viber_tr", "viber_infobip", "telegram", "tg_user", "facebook", "vkontakte", "vk", "ok",
	"insta_direct", "insta_i2crm", "insta_local", "wechat", "skype", "yandex_dialogs", "email", "sms", "sms_infobip", "widget",
	"vox_implant", "external", "system",
}

var apiModes = []object{
	{"name": "demo", "description": "A few calls to try the API"},
	{"name": "standard", "description": "The calls of the plan"},
	{"name": "extended", "description": "More calls"},
}

func (c *Company) helpTransports(*call) answer { return one(transports) }
func (c *Company) helpModes(*call) answer      { return one(apiModes) }

func (c *Company) helpRoles(*call) answer {
	return one([]string{"unconfirmed", "operator", "supervisor", "admin", "disabled", "deleted"})
}

func (c *Company) helpDialogStates(*call) answer { return one([]string{stateOpen, stateClosed}) }

func (c *Company) helpMessageTypes(*call) answer {
	return one([]string{typeClient, typeOperator, typeAutoreply, typeSystem, typeComment})
}

func (c *Company) helpTickets(*call) answer { return one(object{"statuses": ticketStatuses}) }

func (c *Company) countries(q *call) answer {
	rows := []object{{"id": 1, "name": "España"}, {"id": 2, "name": "Россия"}, {"id": 3, "name": "Казахстан"}, {"id": 4, "name": "Brasil"}}
	return listed(rows, q.params, func(row object) object { return row })
}

func (c *Company) regions(q *call) answer {
	rows := []object{{"id": 1, "name": "Madrid", "country_id": 1}, {"id": 2, "name": "Москва", "country_id": 2}}
	return listed(rows, q.params, func(row object) object { return row })
}

func (c *Company) listTemplates(q *call) answer {
	return listed(c.s.Templates, q.params, plain[Template])
}

func (c *Company) getTemplate(q *call) answer {
	for _, t := range c.s.Templates {
		if t.ID == q.path("id") {
			return one(t)
		}
	}
	return unknown("Template", q.r.PathValue("id"))
}

func (c *Company) menuItems(q *call) answer {
	var kept []MenuItem
	for _, item := range c.s.MenuItems {
		if (item.ChannelID == 0 || q.matchesID("channel_id", item.ChannelID)) && q.matchesID("level", item.Level) {
			kept = append(kept, item)
		}
	}
	return listed(kept, q.params, plain[MenuItem])
}

// sendMenuItem answers the client with a menu item, as the bot would.
func (c *Company) sendMenuItem(q *call) answer {
	cl, ok := c.s.Clients.get(q.id("client_id"))
	if !ok {
		return unknown("Client", q.text("client_id"))
	}
	i := slices.IndexFunc(c.s.MenuItems, func(item MenuItem) bool { return item.ID == q.id("menu_item_id") })
	if i < 0 {
		return unknown("Menu item", q.text("menu_item_id"))
	}
	d, bad := c.targetDialog(q, cl)
	if d == nil {
		return bad
	}
	c.openRequest(d, false)
	return one(sentMessage(c.say(d, &message{Type: typeAutoreply, Text: c.s.MenuItems[i].Answer, Status: "sent"})))
}

// decodeQR knows the pictures of Seed.QRCodes: the sandbox reads no images.
func (c *Company) decodeQR(q *call) answer {
	text, ok := c.s.QRCodes[q.text("image_path")]
	if !ok {
		return invalid("image_path", "QR code not found")
	}
	return one(object{"text": text})
}
