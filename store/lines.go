package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"puente/openlines"
)

// Line is an open line of a portal with its settings in force.
type Line struct {
	Portal    string             `json:"portal"`
	ID        openlines.LineID   `json:"id"`      // slug, unique in the portal
	Version   int                `json:"version"` // from 1, without gaps
	Settings  openlines.Settings `json:"settings"`
	UpdatedAt time.Time          `json:"updated_at"`
}

// LineChange is one version of a line, without the document.
type LineChange struct {
	Portal    string           `json:"portal"`
	ID        openlines.LineID `json:"id"`
	Version   int              `json:"version"`
	Author    string           `json:"author" gorm:"serializer:text"`
	Reason    string           `json:"reason" gorm:"serializer:text"`
	CreatedAt time.Time        `json:"created_at" gorm:"serializer:micros;autoCreateTime:false"`
}

type lineRow struct {
	Portal    string
	ID        openlines.LineID `gorm:"serializer:text"`
	Version   int
	Document  string
	UpdatedAt time.Time `gorm:"serializer:micros;autoUpdateTime:false"`
}

type lineVersionRow struct {
	LineChange `gorm:"embedded"`
	Document   string
}

const (
	linesTable        = "lines"
	lineVersionsTable = "line_versions"
)

// MaxLines bounds the lines of one portal, which are read as a whole.
const MaxLines = 500

// ChannelTakenError means that a channel belongs to another line of the portal
// (openlines reference §2). It is an ErrDuplicate.
type ChannelTakenError struct {
	Channel int64
	Line    openlines.LineID // that has it
}

// Error names the channel and the line that has it.
func (e *ChannelTakenError) Error() string {
	return fmt.Sprintf("channel %d belongs to the line %s", e.Channel, e.Line)
}

// Unwrap makes it an ErrDuplicate.
func (e *ChannelTakenError) Unwrap() error { return ErrDuplicate }

// SaveLine stores the settings of a line as its next version, 1 for a new line,
// and gives its number. ifVersion is the version the change is based on: if it
// is no longer the newest one, nothing is saved and the error is ErrConflict;
// 0 = save in any case. A channel that another line of the portal has is a
// *ChannelTakenError; a line beyond MaxLines is ErrTooMany; ErrNotFound if
// there is no such portal. The settings are taken as they are: validate them
// before.
func (s *Store) SaveLine(
	ctx context.Context, portal string, id openlines.LineID, doc openlines.Settings, author, reason string, ifVersion int,
) (version int, err error) {
	raw, err := json.Marshal(doc)
	if err != nil {
		return 0, fail(err, "save line %s of %s", id, portal)
	}
	change := lineVersionRow{
		LineChange: LineChange{Portal: portal, ID: id, Author: author, Reason: reason, CreatedAt: now()},
		Document:   clean(string(raw)),
	}
	err = s.write(ctx, func(tx *gorm.DB) error {
		newest, err := s.lockLineOf(tx, portal, id)
		if err != nil {
			return err
		}
		if ifVersion != 0 && ifVersion != newest {
			return ErrConflict
		}
		change.Version = newest + 1
		return saveLine(tx, change, doc.Channels)
	})
	if err != nil {
		return 0, fail(err, "save line %s of %s", id, portal)
	}
	return change.Version, nil
}

// lockLineOf serialises the savers of the lines of one portal, because channels
// are shared between them, and gives the newest version of a line, 0 for a new
// one.
func (s *Store) lockLineOf(tx *gorm.DB, portal string, id openlines.LineID) (newest int, err error) {
	if err := s.lockPortal(tx, portal); err != nil {
		return 0, err
	}
	err = tx.Raw("SELECT COALESCE(MAX(version), 0) FROM lines WHERE portal = ? AND id = ?", portal, string(id)).Scan(&newest).Error
	if err != nil || newest > 0 {
		return newest, err
	}
	var count int
	err = tx.Raw("SELECT COUNT(*) FROM lines WHERE portal = ?", portal).Scan(&count).Error
	if err == nil && count >= MaxLines {
		err = fmt.Errorf("%w: a portal can have %d lines", ErrTooMany, MaxLines)
	}
	return newest, err
}

func saveLine(tx *gorm.DB, change lineVersionRow, channels []int64) error {
	if err := moveChannels(tx, change.Portal, change.ID, channels); err != nil {
		return err
	}
	err := tx.Exec(`INSERT INTO lines (portal, id, version, document, updated_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (portal, id) DO UPDATE SET version = excluded.version, document = excluded.document, updated_at = excluded.updated_at`,
		change.Portal, string(change.ID), change.Version, change.Document, micros(change.CreatedAt)).Error
	if err != nil {
		return err
	}
	return tx.Table(lineVersionsTable).Create(&change).Error
}

// moveChannels gives a line its channels and takes back those it had.
func moveChannels(tx *gorm.DB, portal string, id openlines.LineID, channels []int64) error {
	if err := tx.Exec("DELETE FROM line_channels WHERE portal = ? AND line = ?", portal, string(id)).Error; err != nil {
		return err
	}
	for _, channel := range channels {
		var owner string
		err := tx.Raw("SELECT line FROM line_channels WHERE portal = ? AND channel = ?", portal, channel).Scan(&owner).Error
		if err != nil {
			return err
		}
		if owner != "" && owner != string(id) {
			return &ChannelTakenError{Channel: channel, Line: openlines.LineID(owner)}
		}
		err = tx.Exec("INSERT INTO line_channels (portal, channel, line) VALUES (?, ?, ?) ON CONFLICT (portal, channel) DO NOTHING",
			portal, channel, string(id)).Error
		if err != nil {
			return err
		}
	}
	return nil
}

// Line gives a line of a portal with its newest settings.
func (s *Store) Line(ctx context.Context, portal string, id openlines.LineID) (Line, error) {
	var row lineRow
	err := s.read(ctx).Table(linesTable).Where("portal = ? AND id = ?", portal, clean(string(id))).Take(&row).Error
	if err != nil {
		return Line{}, fail(err, "line %s of %s", id, portal)
	}
	line, err := row.line()
	return line, fail(err, "line %s of %s", id, portal)
}

// Lines gives all lines of a portal, active or not, by id.
func (s *Store) Lines(ctx context.Context, portal string) ([]Line, error) {
	var rows []lineRow
	err := s.read(ctx).Table(linesTable).Where("portal = ?", portal).Order("id").Limit(MaxLines).Find(&rows).Error
	if err != nil {
		return nil, fail(err, "lines of %s", portal)
	}
	all := make([]Line, len(rows))
	for i, row := range rows {
		if all[i], err = row.line(); err != nil {
			return nil, fail(err, "lines of %s", portal)
		}
	}
	return all, nil
}

// LineVersion gives the settings of a line as they were at a version.
func (s *Store) LineVersion(ctx context.Context, portal string, id openlines.LineID, version int) (openlines.Settings, error) {
	var row lineVersionRow
	err := s.read(ctx).Table(lineVersionsTable).
		Where("portal = ? AND id = ? AND version = ?", portal, clean(string(id)), version).Take(&row).Error
	if err != nil {
		return openlines.Settings{}, fail(err, "line %s of %s, version %d", id, portal, version)
	}
	doc, err := lineSettings(row.Document)
	return doc, fail(err, "line %s of %s, version %d", id, portal, version)
}

// LineHistory lists who changed a line and why, newest first. next is the
// cursor of the next page, "" at the end.
func (s *Store) LineHistory(ctx context.Context, portal string, id openlines.LineID, page Page) (changes []LineChange, next string, err error) {
	query := s.read(ctx).Table(lineVersionsTable).Where("portal = ? AND id = ?", portal, clean(string(id))).
		Order("version DESC").Limit(page.size() + 1)
	if page.After != "" {
		version, _, err := parseCursor(page.After)
		if err != nil {
			return nil, "", err
		}
		query = query.Where("version < ?", version)
	}
	err = query.Find(&changes).Error
	changes, next = cut(changes, page, func(c LineChange) string { return cursor(int64(c.Version), "") })
	return changes, next, fail(err, "history of line %s of %s", id, portal)
}

// LineOfChannel finds the line that a channel belongs to, active or not. It is
// one small read, fit for each event.
func (s *Store) LineOfChannel(
	ctx context.Context, portal string, channel int64,
) (id openlines.LineID, doc openlines.Settings, found bool, err error) {
	var row lineRow
	err = s.read(ctx).Raw(`SELECT lines.* FROM line_channels JOIN lines ON lines.portal = line_channels.portal AND lines.id = line_channels.line
		WHERE line_channels.portal = ? AND line_channels.channel = ?`, portal, channel).Take(&row).Error
	if errors.Is(err, gorm.ErrRecordNotFound) {
		return "", openlines.Settings{}, false, nil
	}
	if err == nil {
		doc, err = lineSettings(row.Document)
	}
	return row.ID, doc, err == nil, fail(err, "line of channel %d of %s", channel, portal)
}

func (r lineRow) line() (Line, error) {
	doc, err := lineSettings(r.Document)
	return Line{Portal: r.Portal, ID: r.ID, Version: r.Version, Settings: doc, UpdatedAt: r.UpdatedAt}, err
}

// lineSettings gives a setting that an older version did not have yet its
// default. The week is always stored as a whole.
func lineSettings(raw string) (openlines.Settings, error) {
	doc := openlines.Default()
	doc.Week = openlines.Week{}
	err := json.Unmarshal([]byte(raw), &doc)
	return doc, err
}
