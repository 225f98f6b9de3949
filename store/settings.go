package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"gorm.io/gorm"

	"puente/settings"
)

// SettingsChange is one version of a portal's settings, without the document.
type SettingsChange struct {
	Portal    string    `json:"portal"`
	Version   int       `json:"version"` // from 1, without gaps
	Author    string    `json:"author" gorm:"serializer:text"`
	Reason    string    `json:"reason" gorm:"serializer:text"`
	CreatedAt time.Time `json:"created_at" gorm:"serializer:micros;autoCreateTime:false"`
}

type settingsRow struct {
	SettingsChange `gorm:"embedded"`
	Document       string
}

const settingsTable = "settings"

// Settings gives the newest settings of a portal and their version;
// ErrNotFound if none were saved yet.
func (s *Store) Settings(ctx context.Context, portal string) (settings.Settings, int, error) {
	var row settingsRow
	err := s.read(ctx).Table(settingsTable).Where("portal = ?", portal).Order("version DESC").Take(&row).Error
	if err != nil {
		return settings.Settings{}, 0, fail(err, "settings of %s", portal)
	}
	doc, err := row.parse()
	return doc, row.Version, fail(err, "settings of %s", portal)
}

// SettingsVersion gives the settings as they were at a version.
func (s *Store) SettingsVersion(ctx context.Context, portal string, version int) (settings.Settings, error) {
	var row settingsRow
	err := s.read(ctx).Table(settingsTable).Where("portal = ? AND version = ?", portal, version).Take(&row).Error
	if err != nil {
		return settings.Settings{}, fail(err, "settings of %s, version %d", portal, version)
	}
	doc, err := row.parse()
	return doc, fail(err, "settings of %s, version %d", portal, version)
}

// parse gives a section that an older version did not have yet its defaults.
func (r settingsRow) parse() (settings.Settings, error) {
	doc := settings.Default()
	err := json.Unmarshal([]byte(r.Document), &doc)
	return doc, err
}

// SaveSettings stores doc as the next version and gives its number. ifVersion
// is the version the change is based on: if it is no longer the newest one,
// nothing is saved and the error is ErrConflict; 0 = save in any case. The
// document is taken as it is: validate it before. ErrNotFound if there is no
// such portal.
func (s *Store) SaveSettings(
	ctx context.Context, portal string, doc settings.Settings, author, reason string, ifVersion int,
) (version int, err error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return 0, fail(err, "save settings of %s", portal)
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		newest, err := s.lockSettings(tx, portal)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != newest {
			return ErrConflict
		}
		version = newest + 1
		return tx.Table(settingsTable).Create(&settingsRow{
			SettingsChange: SettingsChange{Portal: portal, Version: version, Author: author, Reason: reason, CreatedAt: now()},
			Document:       clean(string(raw)),
		}).Error
	})
	if err != nil {
		version = 0
	}
	return version, fail(err, "save settings of %s", portal)
}

// lockSettings serialises the savers of one portal by the portal's row and
// gives the newest version, 0 if there is none.
func (s *Store) lockSettings(tx *gorm.DB, portal string) (newest int, err error) {
	if err := s.lockPortal(tx, portal); err != nil {
		return 0, err
	}
	err = tx.Table(settingsTable).Where("portal = ?", portal).Select("COALESCE(MAX(version), 0)").Scan(&newest).Error
	return newest, err
}

// lockPortal lets the transaction work on a portal alone. No such portal is
// gorm.ErrRecordNotFound.
func (s *Store) lockPortal(tx *gorm.DB, portal string) error {
	var slug string
	found := tx.Raw("SELECT slug FROM portals WHERE slug = ?"+s.d.lock, portal).Scan(&slug)
	if found.Error == nil && slug == "" {
		return gorm.ErrRecordNotFound
	}
	return found.Error
}

// SettingsHistory lists who changed the settings and why, newest first.
func (s *Store) SettingsHistory(ctx context.Context, portal string, page Page) (changes []SettingsChange, next string, err error) {
	query := s.read(ctx).Table(settingsTable).Where("portal = ?", portal).Order("version DESC").Limit(page.size() + 1)
	if page.After != "" {
		version, _, err := parseCursor(page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("version < ?", version)
	}
	if err := query.Find(&changes).Error; err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return nil, "", fail(err, "settings history of %s", portal)
	}
	changes, next = cut(changes, page, func(c SettingsChange) string { return cursor(int64(c.Version), "") })
	return changes, next, nil
}
