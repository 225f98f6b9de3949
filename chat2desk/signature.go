package chat2desk

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the vendor derives the key so; the signature itself is HMAC-SHA256
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Sign signs a webhook body as Chat2Desk does (reference §4.3): HMAC-SHA256
// over the body followed by the timestamp of X-Timestamp, in lower-case hex.
// The key is the hex text of the token's MD5.
func Sign(token string, body []byte, timestamp string) string {
	hexKey, _ := signatureKeys(token)
	return hex.EncodeToString(sign(hexKey, body, timestamp))
}

// VerifySignature reports whether signature, the value of X-Signature, belongs
// to the body as received. The vendor does not say whether the MD5 is used as
// hex text or as raw bytes, so both are accepted, each in constant time. An
// old timestamp is no reason to refuse: retries come two hours late. An empty
// token accepts nothing.
func VerifySignature(token string, body []byte, timestamp, signature string) bool {
	given, err := hex.DecodeString(strings.TrimSpace(signature))
	if err != nil || token == "" {
		return false
	}
	hexKey, rawKey := signatureKeys(token)
	asHex := hmac.Equal(given, sign(hexKey, body, timestamp))
	asRaw := hmac.Equal(given, sign(rawKey, body, timestamp))
	return asHex || asRaw
}

func signatureKeys(token string) (hexKey, rawKey []byte) {
	sum := md5.Sum([]byte(token)) //nolint:gosec // see the import
	return []byte(hex.EncodeToString(sum[:])), sum[:]
}

func sign(key, body []byte, timestamp string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return mac.Sum(nil)
}
