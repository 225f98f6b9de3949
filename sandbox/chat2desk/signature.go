package chat2desk

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the vendor's key is the MD5 of the token
	"crypto/sha256"
	"encoding/hex"
)

// Sign is the X-Signature of a webhook body (reference §4.3): the lower-case
// hex HMAC-SHA256 over body and timestamp without a separator; the key is the
// MD5 of the API token, as hex text or as its 16 raw bytes. SignatureOff gives "".
func Sign(mode SignatureMode, token string, body []byte, timestamp string) string {
	if mode == SignatureOff {
		return ""
	}
	sum := md5.Sum([]byte(token)) //nolint:gosec // see the import
	key := sum[:]
	if mode == SignatureHex {
		key = []byte(hex.EncodeToString(sum[:]))
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	mac.Write([]byte(timestamp))
	return hex.EncodeToString(mac.Sum(nil))
}
