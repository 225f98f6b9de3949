package setup

import _ "embed" // for Example

// Example is a portal file with every key explained.
//
//go:embed portal.example.yaml
var Example string
