package chat2desk

import (
	"encoding/json"
	"net/url"
	pathpkg "path"
	"slices"
	"strings"
)

// mediaSlots are the single files of a message beside its attachment list
// (reference §5.2).
var mediaSlots = []string{"photo", "video", "audio", "pdf"}

// readAttachments merges the slots and the list. A file often stands in both,
// relative in the slot and absolute in the list, so a slot whose file name is
// in the list is dropped. Files of the same name within the list are different
// files unless their links are equal.
func readAttachments(o object) []Attachment {
	var list []Attachment
	listed := map[string]bool{} // file names and links of the list
	for _, raw := range o.list("attachments") {
		item := readAttachment(raw)
		if item.Link == "" || listed[item.Link] {
			continue
		}
		list = append(list, item)
		listed[item.Link], listed[fileName(item.Link)] = true, true
	}
	var slots []Attachment
	for _, slot := range mediaSlots {
		link := strings.TrimSpace(o.text(slot))
		if link == "" || listed[link] || listed[fileName(link)] {
			continue
		}
		listed[link] = true
		slots = append(slots, Attachment{Name: fileName(link), Link: link})
	}
	return slices.Concat(slots, list)
}

// readAttachment reads {name, link}, or a link alone.
func readAttachment(raw json.RawMessage) Attachment {
	if link := flexText(raw); link != "" {
		return Attachment{Name: fileName(link), Link: strings.TrimSpace(link)}
	}
	o := readObject(raw)
	a := Attachment{Name: o.text("name"), Link: strings.TrimSpace(o.text("link"))}
	if a.Link == "" {
		a.Link = strings.TrimSpace(o.text("url"))
	}
	if a.Name == "" {
		a.Name = fileName(a.Link)
	}
	return a
}

// fileName is the last part of a link's path, unescaped, without its query.
func fileName(link string) string {
	name, _, _ := strings.Cut(link, "?")
	name, _, _ = strings.Cut(name, "#")
	name = strings.TrimRight(name, "/")
	if name == "" {
		return link
	}
	name = pathpkg.Base(name)
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// ResolveLinks makes relative links absolute against the storage host of the
// account and repairs doubled ones (reference §5.2), in the list itself. With
// an empty host the links stay as they are.
func ResolveLinks(storage string, list []Attachment) []Attachment {
	for i := range list {
		list[i].Link = resolveLink(storage, list[i].Link)
	}
	return list
}

// ResolveLinks is as the function of that name, with the account's own storage
// host: for attachments that came by webhook.
func (a *API) ResolveLinks(list []Attachment) []Attachment {
	return ResolveLinks(a.cfg.StorageURL, list)
}

func resolveLink(storage, link string) string {
	link = strings.ReplaceAll(link, " ", "%20")
	storage = strings.TrimRight(storage, "/")
	if storage != "" {
		// https://storage.example/https://storage.example/a.jpg
		if rest, ok := strings.CutPrefix(link, storage); ok && isAbsolute(strings.TrimLeft(rest, "/")) {
			return strings.TrimLeft(rest, "/")
		}
	}
	switch {
	case isAbsolute(link), storage == "":
		return link
	case strings.HasPrefix(link, "//"):
		return "https:" + link
	default:
		return storage + "/" + strings.TrimLeft(link, "/")
	}
}

func isAbsolute(link string) bool {
	lower := strings.ToLower(link[:min(len(link), 8)])
	return strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://")
}
