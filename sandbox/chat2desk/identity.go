package chat2desk

import (
	"fmt"
	"hash/fnv"
	"net/url"
	"path"
	"strings"
)

// family groups transports by the form of the client's identity (reference §6).
type family int

const (
	familyPhone family = iota // whatsapp, viber, sms: digits
	familyTelegram
	familyWidget
	familyNetwork // vk, ok, facebook, instagram: "[fb] …"
	familyEmail
	familyOther
)

func familyOf(transport string) family {
	for _, rule := range []struct {
		prefix string
		family family
	}{
		{"wa_", familyPhone},
		{"whatsapp", familyPhone},
		{"viber", familyPhone},
		{"sms", familyPhone},
		{"telegram", familyTelegram},
		{"tg_user", familyTelegram},
		{"widget", familyWidget},
		{"email", familyEmail},
		{"vk", familyNetwork},
		{"ok", familyNetwork},
		{"facebook", familyNetwork},
		{"insta_", familyNetwork},
	} {
		if strings.HasPrefix(transport, rule.prefix) {
			return rule.family
		}
	}
	return familyOther
}

// identityOf is what the API shows as "phone" of a client on that transport,
// and the real phone beside it if the identity is none. Without a phone the
// identity is made from seed, which the caller takes from the next client id.
func identityOf(transport, phone, email, seed string) (identity, clientPhone string) {
	digits := digitsOf(phone)
	if digits != "" {
		seed = digits
	}
	switch familyOf(transport) {
	case familyTelegram:
		return fmt.Sprintf("[tg] %d", 100_000_000+hash(seed)%900_000_000), phone
	case familyWidget:
		return fmt.Sprintf("[chat] %016x", hash(seed)), phone
	case familyNetwork:
		return fmt.Sprintf("[%s] %d", networkMark(transport), 1_000_000+hash(seed)%9_000_000), phone
	case familyEmail:
		if email != "" {
			return email, phone
		}
	case familyPhone, familyOther:
	}
	if digits != "" {
		return digits, ""
	}
	return fmt.Sprintf("[%s] %d", transport, 1_000_000+hash(seed)%9_000_000), ""
}

func networkMark(transport string) string {
	switch {
	case transport == "facebook":
		return "fb"
	case strings.HasPrefix(transport, "vk"):
		return "vk"
	case strings.HasPrefix(transport, "insta_"):
		return "insta"
	}
	return transport
}

func hash(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// fillSlots repeats the first file of a kind in its classic slot, as a path
// relative to the storage host: the service shows such a file twice (§5.2).
func (m *message) fillSlots() {
	for _, a := range m.Attachments {
		slot := m.slotFor(a.Link)
		if slot == nil || *slot != "" {
			continue
		}
		*slot = a.Link
		if u, err := url.Parse(a.Link); err == nil {
			*slot = strings.TrimPrefix(strings.TrimPrefix(u.EscapedPath(), "/"), "storage/")
		}
	}
}

func (m *message) slotFor(link string) *string {
	u, err := url.Parse(link)
	if err != nil {
		return nil
	}
	switch strings.ToLower(path.Ext(u.Path)) {
	case ".jpg", ".jpeg", ".png", ".gif", ".webp":
		return &m.Photo
	case ".mp4", ".mov", ".avi":
		return &m.Video
	case ".mp3", ".ogg", ".wav":
		return &m.Audio
	case ".pdf":
		return &m.PDF
	}
	return nil
}
