package demo

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"net"
	"net/http"
	"strings"
	"time"
)

// sampleRate of the made recordings; one byte for each sample.
const sampleRate = 8000

// sound is a recording: a wav file with a tone that swells and fades, so that a person who plays it hears something.
type sound struct {
	Name string
	Body []byte
}

// SHA256 is the checksum of the file in hex.
func (s sound) SHA256() string {
	sum := sha256.Sum256(s.Body)
	return hex.EncodeToString(sum[:])
}

// makeSound makes so many seconds of a tone of so many hertz.
func makeSound(name string, seconds int, hertz float64) sound {
	samples := make([]byte, seconds*sampleRate)
	for i := range samples {
		at := float64(i) / sampleRate
		swell := math.Sin(math.Pi * at) // one rise and fall a second
		samples[i] = byte(128 + 90*swell*math.Sin(2*math.Pi*hertz*at))
	}
	var b bytes.Buffer
	write := func(v any) { _ = binary.Write(&b, binary.LittleEndian, v) } // a buffer takes everything
	length := uint32(len(samples))                                        //nolint:gosec // some seconds
	b.WriteString("RIFF")
	write(36 + length)
	b.WriteString("WAVEfmt ")
	write(uint32(16)) // size of this part
	write(uint16(1))  // PCM
	write(uint16(1))  // one channel
	write(uint32(sampleRate))
	write(uint32(sampleRate)) // bytes a second
	write(uint16(1))          // bytes of a sample
	write(uint16(8))          // bits of a sample
	b.WriteString("data")
	write(length)
	b.Write(samples)
	return sound{name, b.Bytes()}
}

// shelf serves recordings, as a contact center's own archive does.
type shelf struct {
	base   string
	server *http.Server
}

// openShelf serves sounds on a free port of this machine until it is closed.
func openShelf(ctx context.Context, sounds []sound) (*shelf, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &shelf{base: "http://" + listener.Addr().String() + "/", server: &http.Server{ReadHeaderTimeout: requestLimit}}
	s.server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, one := range sounds {
			if strings.TrimPrefix(r.URL.Path, "/") == one.Name {
				http.ServeContent(w, r, one.Name, time.Time{}, bytes.NewReader(one.Body))
				return
			}
		}
		http.NotFound(w, r)
	})
	go func() { _ = s.server.Serve(listener) }() // ends when it is closed
	return s, nil
}

func (s *shelf) close() error {
	if err := s.server.Close(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
