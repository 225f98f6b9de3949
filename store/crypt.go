package store

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// sealVersion is the first byte of each sealed value, so that the scheme can change.
const sealVersion = 1

// sealer encrypts secrets with AES-256-GCM under a key derived from the secret
// key by HKDF-SHA-256. The zero sealer has no key: all it does fails with ErrNoKey.
type sealer struct {
	aead  cipher.AEAD
	alias []byte // key of pseudonyms; nil = without a secret key
}

func newSealer(secret []byte) (sealer, error) {
	if len(secret) == 0 {
		return sealer{}, nil
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "puente store secrets v1", 32)
	if err != nil {
		return sealer{}, fmt.Errorf("store: derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return sealer{}, fmt.Errorf("store: cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return sealer{}, fmt.Errorf("store: cipher: %w", err)
	}
	alias, err := hkdf.Key(sha256.New, secret, nil, "puente store pseudonyms v1", 32)
	if err != nil {
		return sealer{}, fmt.Errorf("store: derive key: %w", err)
	}
	return sealer{aead: aead, alias: alias}, nil
}

// Pseudonym stands for a value that must not be shown, such as a phone: equal
// values of a portal have equal pseudonyms, and nobody who lacks the secret key
// can try values out. It changes with the secret key.
func (s *Store) Pseudonym(portal, value string) string {
	mac := hmac.New(sha256.New, s.seal.alias)
	mac.Write(additional(portal, value))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// seal encrypts a secret for one place: it opens only under the same portal and name.
func (s sealer) seal(portal, name string, plain []byte) ([]byte, error) {
	if s.aead == nil {
		return nil, ErrNoKey
	}
	sealed := []byte{sealVersion}
	return s.aead.Seal(sealed, nil, plain, additional(portal, name)), nil //nolint:gosec // this AEAD makes a random nonce itself
}

// open decrypts what seal made. Another key, place or a changed value is ErrWrongKey.
func (s sealer) open(portal, name string, sealed []byte) ([]byte, error) {
	if s.aead == nil {
		return nil, ErrNoKey
	}
	if len(sealed) == 0 || sealed[0] != sealVersion {
		return nil, fmt.Errorf("secret %s: unknown format", name)
	}
	plain, err := s.aead.Open(nil, nil, sealed[1:], additional(portal, name))
	if err != nil {
		return nil, fmt.Errorf("secret %s: %w", name, ErrWrongKey)
	}
	return plain, nil
}

// additional binds a value to its place. A slug has no NUL, so no two places are alike.
func additional(portal, name string) []byte { return []byte(portal + "\x00" + name) }
