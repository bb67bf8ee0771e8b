#!/usr/bin/env bash
# Writes assets/licences.txt: the licence texts of every module that is linked into the app, for 关于. Run after a change of
# dependencies; the test of this package notices when a module is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
out=assets/licences.txt
: > "$out"
CGO_ENABLED=1 go list -deps -tags x11,no_emoji -f '{{with .Module}}{{if not .Main}}{{.Path}}	{{.Version}}	{{.Dir}}{{end}}{{end}}' . |
	LC_ALL=C sort -u | while IFS=$'\t' read -r path version dir; do
	printf '%s %s\n\n' "$path" "$version" >> "$out"
	found=$(find "$dir" -maxdepth 1 -iname 'licen[cs]e*' -o -maxdepth 1 -iname 'copying*' | LC_ALL=C sort | head -n 1)
	[ -n "$found" ] || { echo "no licence file in $path $version" >&2; exit 1; }
	tr -d '\r' < "$found" | sed 's/[[:space:]]*$//' | cat -s >> "$out"
	printf '\n\n\n' >> "$out"
done
