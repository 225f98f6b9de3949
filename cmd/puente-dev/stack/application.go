package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"puente/sandbox/bitrix24"
	"puente/store"
)

// What a start waits for the installation: a worker that catches up may use up the portal's rate limit for a moment.
const (
	installPatience = 30 * time.Second
	installPause    = time.Second
)

// installApp installs the sandbox portal's OAuth application, as an administrator would: the portal calls the
// installation address and hands over tokens. It does so at every start, since data of an earlier one may be gone on
// either side. Where the API or the portal runs elsewhere, whoever runs it installs.
func (s *Stack) installApp(ctx context.Context) error {
	if !s.cfg.Has(Bitrix24) || !s.cfg.Has(API) || !s.cfg.Has(Portal) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, installPatience)
	defer cancel()
	for {
		answer, err := InstallApp(ctx, s.Addresses)
		switch {
		case err != nil:
			return fmt.Errorf("install the application of the sandbox portal: %w", err)
		case answer.Status == http.StatusOK:
			return nil
		}
		select {
		case <-time.After(installPause):
		case <-ctx.Done():
			return fmt.Errorf("install the application of the sandbox portal: the API answered %d: %s", answer.Status, answer.Body)
		}
	}
}

// InstallApp asks the sandbox portal to install its application at the demo portal's installation address. It gives
// what the API answered to the portal.
func InstallApp(ctx context.Context, at Addresses) (answer bitrix24.HandlerAnswer, err error) {
	body, err := json.Marshal(map[string]string{"handler_url": InstallAddress(at.API), "client_id": bitrix24.DemoClientID})
	if err != nil {
		return answer, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, at.Bitrix24+"/sandbox/install", bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer, err
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return answer, err
	}
	if response.StatusCode != http.StatusOK {
		return answer, fmt.Errorf("HTTP %d: %s", response.StatusCode, raw)
	}
	return answer, json.Unmarshal(raw, &answer)
}

// InstallAddress is where the demo portal hands over the tokens of its application; `puente portal install demo`
// shows the same.
func InstallAddress(api string) string {
	key := store.Portal{Slug: Slug, ContactCenterSecret: HMACKey}.InstallKey()
	return api + "/webhooks/bitrix24/" + Slug + "/install/" + key
}
