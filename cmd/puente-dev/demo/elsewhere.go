package demo

import (
	"context"
	"net"
	"net/http"
	"time"
)

// elsewhere is a client that looks into the CRM from another address of this
// machine. A portal counts requests per source: what the player reads would
// otherwise be taken from the budget that Puente has. Systems that know only
// 127.0.0.1 read from there.
func elsewhere(limit time.Duration) *http.Client {
	other := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	return &http.Client{Timeout: limit, Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := other.DialContext(ctx, network, address)
			if err != nil {
				return (&net.Dialer{}).DialContext(ctx, network, address)
			}
			return conn, nil
		},
	}}
}
