package contactcenter

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// call checks what the tags of Call cannot tell. Statuses other than answered
// have no talk, so their duration must be 0 (bitrix24 reference §5.2).
func (v *validation) call(at string, c Call) {
	v.searchedPhone(under(at, "phone"), c.Phone)
	if c.StartedAt.IsZero() {
		v.Add(under(at, "started_at"), "is missing; write it as 2026-01-31T10:00:00+03:00")
	}
	if c.Duration != 0 && c.Status == "" {
		v.Add(under(at, "duration"), "must be left out while the call has no status")
	}
	if c.Duration != 0 && c.Status != "" && c.Status != Answered {
		v.Add(under(at, "duration"), "must be 0: a call that is %s was not talked", c.Status)
	}
	for i, t := range c.Transfers {
		if t.OperatorID == "" && t.UserID == 0 {
			v.Add(under(at, fmt.Sprintf("transfers[%d]", i)), "give operator_id or user_id: to whom the call was passed")
		}
	}
	if c.Recording != nil {
		v.recording(under(at, "recording"), *c.Recording)
	}
}

// recording wants exactly one source and a kind of file that the portal takes.
// Whether the address is public is found out when it is fetched.
func (v *validation) recording(at string, r Recording) {
	switch {
	case r.URL == "" && r.RecordingID == "":
		v.Add(at, "give url or recording_id")
	case r.URL != "" && r.RecordingID != "":
		v.Add(at, "give url or recording_id, not both")
	}
	if r.URL != "" && !v.fetchable(r.URL) {
		v.Add(under(at, "url"), "must be an https address without user and password")
	}
	if r.FileName != "" && !isSound(r.FileName) {
		v.Add(under(at, "file_name"), "must be the name of a .wav or .mp3 file, without folders")
	}
}

func (v *validation) fetchable(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil {
		return false
	}
	return strings.EqualFold(u.Scheme, "https") || v.plainURLs && strings.EqualFold(u.Scheme, "http")
}

// isSound says whether a file name is one that externalCall.attachRecord takes
// (bitrix24 reference §5.3).
func isSound(name string) bool {
	ext := strings.ToLower(path.Ext(name))
	return (ext == ".wav" || ext == ".mp3") && len(name) > len(ext) && !strings.ContainsAny(name, `/\`)
}
