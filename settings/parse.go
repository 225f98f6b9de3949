package settings

import "puente/internal/strictdoc"

// Parse reads a settings document in JSON (it begins with a brace) or YAML.
// What the document leaves out has its default. It is strict: unknown keys,
// values of a wrong type, duplicate keys and a second document are errors, of
// type Problems where the path is known. Parse does not Validate.
func Parse(data []byte) (Settings, error) {
	s := Default()
	if err := strictdoc.Decode(data, &s); err != nil {
		return Settings{}, err
	}
	return s, nil
}
