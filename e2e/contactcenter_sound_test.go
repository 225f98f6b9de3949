package e2e

import (
	"bytes"
	"crypto/sha256"
	bin "encoding/binary"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// wavHead is the head of a wav file of size bytes: 8000 samples of 16 bits a second, one channel.
func wavHead(size int) []byte {
	head := bytes.NewBuffer(make([]byte, 0, 44))
	head.WriteString("RIFF")
	for _, part := range []any{
		uint32(size - 8), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(8000), uint32(16000), uint16(2), uint16(16),
		[]byte("data"), uint32(size - 44),
	} {
		_ = bin.Write(head, bin.LittleEndian, part) // into memory
	}
	return head.Bytes()
}

// wav is a wav file of size bytes that is never in memory as a whole; its sound
// depends on the seed, so that no two are the same file.
func wav(size int, seed byte) io.Reader {
	return io.MultiReader(bytes.NewReader(wavHead(size)), io.LimitReader(&hum{seed: seed}, int64(size-44)))
}

// hum is an endless sound.
type hum struct {
	seed byte
	at   int
}

func (h *hum) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte((h.at+i)>>8) ^ h.seed
	}
	h.at += len(p)
	return len(p), nil
}

// sounds counts the uploads, so that each is another file.
var sounds atomic.Int32

// sound is a recording that was uploaded.
type sound struct {
	ID     string `json:"recording_id"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// upload streams a recording of size bytes to the API.
func (c *center) upload(size int) sound {
	c.t.Helper()
	seed := byte(sounds.Add(1))
	status, raw := c.form(wav(size, seed))
	require.Equal(c.t, http.StatusCreated, status, string(raw))
	got := decode[sound](c.t, reply{status: status, raw: raw})
	want := soundOf(c.t, wav(size, seed))
	want.ID = got.ID
	require.Equal(c.t, want, got)
	return got
}

// soundOf measures a recording.
func soundOf(t testing.TB, file io.Reader) sound {
	t.Helper()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	require.NoError(t, err)
	return sound{Bytes: n, SHA256: hex.EncodeToString(sum.Sum(nil))}
}

// form uploads a file as browsers do, without ever having it whole.
func (c *center) form(file io.Reader) (int, []byte) {
	c.t.Helper()
	read, write := io.Pipe()
	form := multipart.NewWriter(write)
	go func() {
		part, err := form.CreateFormFile("file", "talk.wav")
		if err == nil {
			_, err = io.Copy(part, file)
		}
		if err == nil {
			err = form.Close()
		}
		_ = write.CloseWithError(err) // the reader sees it
	}()
	req, err := http.NewRequest(http.MethodPost, "http://"+c.api+"/v1/portals/demo/contact-center/recordings", read) //nolint:noctx // bounded by the test
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", form.FormDataContentType())
	req.Header.Set("Authorization", "Bearer demo-key")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(c.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, raw
}
