package chat2desk_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puente/chat2desk"
)

// The check vector of reference §4.3 (G21).
const (
	vectorToken = "demo-token-0001"
	vectorTime  = "1767323045"
	vectorBody  = `{"hook_type":"inbox","message_id":501,"type":"from_client","text":"hola","client_id":77,"dialog_id":9,"request_id":31,` +
		`"event_time":"2026-01-02T03:04:05.678901Z"}`
	vectorHexKey = "e2c0a0f24daac8d866157aefb1c8fad150fec87cea1271b3007125f714b4fee5"
	vectorRawKey = "cdd58f3bd6fa77b4dbf98dbc7ec2b57b6fb5708d38b7efec94012d358df93d3f"
)

func TestSignatureOfTheCheckVector(t *testing.T) {
	t.Parallel()
	require.Len(t, vectorBody, 161)
	require.Equal(t, vectorHexKey, chat2desk.Sign(vectorToken, []byte(vectorBody), vectorTime))
	for _, signature := range []string{vectorHexKey, vectorRawKey, strings.ToUpper(vectorHexKey), " " + vectorRawKey + "\n"} {
		require.True(t, chat2desk.VerifySignature(vectorToken, []byte(vectorBody), vectorTime, signature), signature)
	}
}

func TestSignatureIsRefused(t *testing.T) {
	t.Parallel()
	body := []byte(vectorBody)
	require.False(t, chat2desk.VerifySignature(vectorToken, append(body, '\n'), vectorTime, vectorHexKey), "another body")
	require.False(t, chat2desk.VerifySignature(vectorToken, body, "1767323046", vectorHexKey), "another time")
	require.False(t, chat2desk.VerifySignature("other", body, vectorTime, vectorHexKey), "another token")
	require.False(t, chat2desk.VerifySignature(vectorToken, body, vectorTime, ""), "none")
	require.False(t, chat2desk.VerifySignature(vectorToken, body, vectorTime, "zz"), "not hex")
	require.False(t, chat2desk.VerifySignature(vectorToken, body, vectorTime, vectorHexKey[:62]), "too short")
	require.False(t, chat2desk.VerifySignature("", body, vectorTime, chat2desk.Sign("", body, vectorTime)), "no token")
}
