package recordings

import (
	"bytes"
	"path"
	"strings"
)

// headSize is how many bytes tell the kind of a file.
const headSize = 12

// kind is a format that the portal plays (bitrix24 reference §5).
type kind struct {
	ext    string
	begins func(head []byte) bool
}

var kinds = []kind{{".wav", beginsWAV}, {".mp3", beginsMP3}}

// kindOf reads the kind from a file name, else ErrFormat.
func kindOf(name string) (kind, error) {
	ext := strings.ToLower(path.Ext(name))
	for _, k := range kinds {
		if k.ext == ext {
			return k, nil
		}
	}
	return kind{}, ErrFormat
}

// KnownName reports whether a file name ends as a recording's does.
func KnownName(name string) bool {
	_, err := kindOf(name)
	return err == nil
}

// kindBy tells the kind by the first bytes of a file, else ErrFormat.
func kindBy(head []byte) (kind, error) {
	for _, k := range kinds {
		if k.begins(head) {
			return k, nil
		}
	}
	return kind{}, ErrFormat
}

// beginsWAV: a RIFF container, or its form for more than 4 GiB, of the type WAVE.
func beginsWAV(head []byte) bool {
	return len(head) == headSize && (bytes.HasPrefix(head, []byte("RIFF")) || bytes.HasPrefix(head, []byte("RF64"))) &&
		string(head[8:12]) == "WAVE"
}

// beginsMP3: an ID3v2 tag, or the first frame: eleven set bits, and neither a
// reserved version nor a reserved layer.
func beginsMP3(head []byte) bool {
	if bytes.HasPrefix(head, []byte("ID3")) {
		return true
	}
	return len(head) > 2 && head[0] == 0xFF && head[1]&0xE0 == 0xE0 && head[1]&0x18 != 0x08 && head[1]&0x06 != 0
}
