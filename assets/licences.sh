#!/usr/bin/env bash
# Collects the licences of all modules that are linked into the app into licences.txt: parts separated by a form feed, the
# first line of each the module and its version. Needed when go.mod changes.
set -euo pipefail
cd "$(dirname "$0")/.."
out=assets/licences.txt
: > "$out"
CGO_ENABLED=1 go list -deps -tags x11,no_emoji -f '{{with .Module}}{{if not .Main}}{{.Path}}|{{.Version}}|{{.Dir}}{{end}}{{end}}' . | LC_ALL=C sort -u |
while IFS='|' read -r path version dir; do
	file=$(find "$dir" -maxdepth 1 -iname 'licen[sc]e*' -o -maxdepth 1 -iname 'copying*' | sort | head -1)
	[ -n "$file" ] || { echo "no licence found for $path" >&2; exit 1; }
	printf '%s %s\n\n' "$path" "$version" >> "$out"
	tr -d '\f\r' < "$file" >> "$out"
	printf '\f' >> "$out"
done
