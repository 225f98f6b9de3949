package bitrix24

import (
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// file is an uploaded file as the portal's Drive keeps it.
type file struct {
	ID, Author    int
	Name, Created string
	Data          []byte

	// A large file is on disk instead: see blobs.
	Blob, SHA256 string `json:",omitempty"`
	Size         int64  `json:",omitempty"`
}

// size is the length in bytes.
func (f *file) size() int64 { return f.Size + int64(len(f.Data)) }

// storeFile keeps a pair [name, base64]; what is no such pair is no file.
func (p *Portal) storeFile(pair *dict, author int) (*file, bool) {
	name, okName := pair.get("0")
	content, okContent := pair.get("1")
	if !okName || !okContent || toStr(name) == "" {
		return nil, false
	}
	data, ok := decodeBase64(toStr(content))
	if !ok {
		return nil, false
	}
	f := &file{ID: p.state.files.newID(), Author: author, Name: path.Base(toStr(name)), Created: p.stamp(), Data: data}
	p.state.files.put(f.ID, f)
	return f, true
}

// decodeBase64 is as lenient as PHP: line breaks and missing padding do not matter.
func decodeBase64(s string) ([]byte, bool) {
	s = strings.TrimRight(strings.NewReplacer("\r", "", "\n", "", " ", "+").Replace(s), "=")
	data, err := base64.RawStdEncoding.DecodeString(s)
	return data, err == nil
}

// diskRow is a file as the timeline shows it.
func (c *call) diskRow(f *file) *dict {
	kind := "file"
	if strings.HasPrefix(mime.TypeByExtension(path.Ext(f.Name)), "image/") {
		kind = "image"
	}
	link := func(action string) string {
		return c.base + "/disk/" + action + "/" + strconv.Itoa(f.ID) + "/?&ncc=1&filename=" + url.QueryEscape(f.Name)
	}
	return newDict(
		"id", f.ID, "date", c.p.shown(f.Created), "type", kind, "name", f.Name, "size", f.size(),
		"authorId", f.Author, "authorName", c.p.state.userName(f.Author),
		"urlPreview", link("showFile"), "urlShow", link("showFile"), "urlDownload", link("downloadFile"),
	)
}

// shownFile is the value of a file field.
func (c *call) shownFile(v any) any {
	f, ok := c.p.state.files.get(toID(v))
	if !ok {
		return nil
	}
	link := c.base + "/disk/downloadFile/" + strconv.Itoa(f.ID) + "/"
	return newDict("id", f.ID, "url", link, "urlMachine", link)
}

// soundTypes are the files that showFile plays.
var soundTypes = map[string]string{".wav": "audio/wav", ".mp3": "audio/mpeg"}

// serveFile gives the content of a file. The real portal wants a session or a
// signed link; here everybody may read.
func (p *Portal) serveFile(w http.ResponseWriter, r *http.Request) {
	p.mu.RLock()
	f, ok := p.state.files.get(toID(r.PathValue("id")))
	p.mu.RUnlock()
	if !ok {
		writeHTML(w, http.StatusNotFound)
		return
	}
	kind, show := "application/octet-stream", "attachment"
	if sound, ok := soundTypes[strings.ToLower(path.Ext(f.Name))]; ok && r.PathValue("action") == "showFile" {
		kind, show = sound, "inline" // so that a player can play it
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Disposition", mime.FormatMediaType(show, map[string]string{"filename": f.Name}))
	p.serveContent(w, r, f)
}
