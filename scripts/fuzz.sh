#!/usr/bin/env bash
# Runs every fuzz target of the module, one after the other, for the time given (go test -fuzztime).
set -euo pipefail
cd "$(dirname "$0")/.."
for package in $(CGO_ENABLED=0 go list ./...); do
	dir=.${package#cloudkey}
	for target in $(cat "$dir"/*_test.go 2>/dev/null | sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p'); do
		echo "$package $target"
		CGO_ENABLED=0 go test -tags no_emoji -run '^$' -fuzz "^$target\$" -fuzztime "$1" -fuzzminimizetime 1s "$package"
	done
done
