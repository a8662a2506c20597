package simulator

import _ "embed"

//go:embed example.yaml
var exampleDocument []byte
