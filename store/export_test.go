package store

import "gorm.io/gorm"

// DB lets tests look over gorm's shoulder.
func (s *Store) DB() *gorm.DB { return s.db }

// DriverOf gives driver and data source name of a database URL.
func DriverOf(url string) (driver, dsn string) {
	d, err := parseURL(url)
	if err != nil {
		panic(err)
	}
	return d.driver, d.dsn
}

// The parsers of foreign text.
var (
	Clean       = clean
	ParseCursor = parseCursor
	Cursor      = cursor
	EscapeLike  = escapeLike
)
