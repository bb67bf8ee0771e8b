#!/usr/bin/env bash
# Fails when the code in api/gen is not what api/openapi.yaml gives with the pinned generator.
set -euo pipefail
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
fail=0
for part in types client server; do
	CGO_ENABLED=0 go tool -modfile=tools/go.mod oapi-codegen -config "api/gen/$part.yaml" -o "$fresh/$part.gen.go" api/openapi.yaml
	if ! cmp -s "$fresh/$part.gen.go" "api/gen/$part.gen.go"; then
		echo "api/gen/$part.gen.go is not what api/openapi.yaml gives: run make generate" >&2
		fail=1
	fi
done
exit $fail
