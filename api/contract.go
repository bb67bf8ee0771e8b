package api

import _ "embed"

//go:embed openapi.yaml
var contract string

// Contract is openapi.yaml, for validators and for services that show it. A program that does not call it does not carry it.
func Contract() string { return contract }
