package store

import (
	"context"
	"encoding/json"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// secretRow is one sealed value. Names are part of the encryption: never rename one.
type secretRow struct {
	Portal    string `gorm:"primaryKey"`
	Name      string `gorm:"primaryKey"`
	Value     []byte
	UpdatedAt int64 `gorm:"autoUpdateTime:false"`
}

const (
	secretsTable = "secrets"
	// tokenSecret holds the OAuth tokens as one value, so that they change together.
	tokenSecret = "bitrix24.token" //nolint:gosec // a name
	// checkSecret, under the portal "", proves that the key is the one used before.
	checkSecret = "key-check"
)

// secretFields are the single secrets of a portal by name.
func (p *Portal) secretFields() map[string]*string {
	return map[string]*string{
		"bitrix24.webhook_url":       &p.Bitrix24.WebhookURL,
		"bitrix24.client_secret":     &p.Bitrix24.ClientSecret,
		"bitrix24.application_token": &p.Bitrix24.ApplicationToken,
		"chat2desk.token":            &p.Chat2Desk.Token,
		"chat2desk.webhook_secret":   &p.Chat2Desk.WebhookSecret,
		"contact_center.secret":      &p.ContactCenterSecret,
	}
}

// saveSecrets replaces all secrets of a portal; oldApp is the app that the held
// tokens are of.
func (s *Store) saveSecrets(tx *gorm.DB, p Portal, oldApp string) error {
	if err := s.checkKey(tx); err != nil {
		return err
	}
	for name, value := range p.secretFields() {
		if err := s.saveSecret(tx, p.Slug, name, []byte(*value)); err != nil {
			return err
		}
	}
	held, err := s.heldToken(tx, p.Slug)
	if err != nil {
		return err
	}
	useless := p.Bitrix24.webhookOnly() || oldApp != p.Bitrix24.ClientID
	if held = held.enter(p.Bitrix24.token(), useless); held.Token == (Token{}) {
		return s.saveSecret(tx, p.Slug, tokenSecret, nil)
	}
	return s.saveSecret(tx, p.Slug, tokenSecret, mustJSON(held))
}

// saveSecret seals and stores one value; an empty one is deleted.
func (s *Store) saveSecret(tx *gorm.DB, portal, name string, value []byte) error {
	if len(value) == 0 {
		return tx.Exec("DELETE FROM secrets WHERE portal = ? AND name = ?", portal, name).Error
	}
	sealed, err := s.seal.seal(portal, name, value)
	if err != nil {
		return err
	}
	row := secretRow{Portal: portal, Name: name, Value: sealed, UpdatedAt: micros(now())}
	return tx.Table(secretsTable).Clauses(clause.OnConflict{UpdateAll: true}).Create(&row).Error
}

// loadSecrets fills in the secrets of a portal.
func (s *Store) loadSecrets(tx *gorm.DB, p *Portal) error {
	var rows []secretRow
	if err := tx.Table(secretsTable).Where("portal = ?", p.Slug).Find(&rows).Error; err != nil {
		return err
	}
	fields := p.secretFields()
	for _, row := range rows {
		plain, err := s.seal.open(row.Portal, row.Name, row.Value)
		if err != nil {
			return err
		}
		if row.Name == tokenSecret {
			var token Token
			if err := json.Unmarshal(plain, &token); err != nil {
				return err
			}
			p.Bitrix24.setToken(token)
		} else if field := fields[row.Name]; field != nil {
			*field = string(plain)
		}
	}
	return nil
}

// CheckKey tells whether the secret key is the one that the stored secrets were
// encrypted with: ErrWrongKey or ErrNoKey if not. Before the first secret any
// key is right.
func (s *Store) CheckKey(ctx context.Context) error {
	_, err := s.keyChecked(s.read(ctx))
	return fail(err, "check secret key")
}

// checkKey refuses to mix secrets of two keys in one database: the first save
// leaves a value that each later save must be able to open.
func (s *Store) checkKey(tx *gorm.DB) error {
	found, err := s.keyChecked(tx)
	if err != nil || found {
		return err
	}
	return s.saveSecret(tx, "", checkSecret, []byte(checkSecret))
}

// keyChecked opens the check value if there is one.
func (s *Store) keyChecked(tx *gorm.DB) (found bool, err error) {
	var rows []secretRow
	err = tx.Table(secretsTable).Where("portal = ? AND name = ?", "", checkSecret).Find(&rows).Error
	if err != nil || len(rows) == 0 {
		return false, err
	}
	_, err = s.seal.open("", checkSecret, rows[0].Value)
	return true, err
}

// mustJSON is for our own plain structs, which always marshal.
func mustJSON(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}
