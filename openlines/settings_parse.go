package openlines

import (
	"slices"

	"puente/internal/strictdoc"
)

// Problem is one thing that is wrong with settings. Field is the JSON path of
// the value (special_days.2026-12-24[1]), "" for the document as a whole.
type Problem = strictdoc.Problem

// Problems is a list of problems that can be returned as an error.
type Problems = strictdoc.Problems

// Parse reads the settings of a line in JSON (they begin with a brace) or YAML.
// What the document leaves out has its default; a week that is given is the
// whole week, so a day that it leaves out is closed. It is strict: unknown
// keys, values of a wrong type and a second document are errors, of type
// Problems where the path is known. Parse does not Validate.
func Parse(data []byte) (Settings, error) {
	s := Default()
	keys, err := strictdoc.Keys(data)
	if err != nil {
		return Settings{}, err
	}
	if slices.Contains(keys, "week") {
		s.Week = Week{}
	}
	if err := strictdoc.Decode(data, &s); err != nil {
		return Settings{}, err
	}
	return s, nil
}
