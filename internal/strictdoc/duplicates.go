package strictdoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// Duplicates names the keys that an object of a JSON document gives more than
// once: of the values, readers take the first or the last, so that two of them
// may understand something different. What is not JSON has none.
func Duplicates(data []byte) []Problem {
	var c Check
	decoder := json.NewDecoder(bytes.NewReader(data))
	if !json.Valid(data) || c.duplicates(decoder, "") != nil {
		return nil
	}
	return c.Problems
}

// duplicates reads one value.
func (c *Check) duplicates(decoder *json.Decoder, path string) error {
	token, err := decoder.Token()
	if err != nil {
		return err
	}
	switch token {
	case json.Delim('{'):
		err = c.duplicateKeys(decoder, path)
	case json.Delim('['):
		for i := 0; err == nil && decoder.More(); i++ {
			err = c.duplicates(decoder, fmt.Sprintf("%s[%d]", path, i))
		}
	default:
		return nil
	}
	if err == nil {
		_, err = decoder.Token() // the end of the object or list
	}
	return err
}

func (c *Check) duplicateKeys(decoder *json.Decoder, path string) error {
	times := map[string]int{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return err
		}
		key := fmt.Sprint(token)
		at := strings.TrimPrefix(path+"."+key, ".")
		if times[key]++; times[key] == 2 {
			c.Add(at, "is given more than once")
		}
		if err := c.duplicates(decoder, at); err != nil {
			return err
		}
	}
	return nil
}
