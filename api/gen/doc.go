// Package gen is made from ../openapi.yaml by oapi-codegen, whose version tools/go.mod pins: types, HTTP client, and chi
// server with its strict interface. Nothing else is written here by hand. Package api wraps the client with what the
// contract asks for beyond shapes (signatures, pins, retry); servers implement StrictServerInterface.
//
// Optional members are zero when absent, but for Problem.AttemptsLeft, where 0 has a meaning of its own.
package gen

//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config types.yaml -o types.gen.go ../openapi.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config client.yaml -o client.gen.go ../openapi.yaml
//go:generate go tool -modfile=../../tools/go.mod oapi-codegen -config server.yaml -o server.gen.go ../openapi.yaml
