#!/usr/bin/env bash
# Import directions: no package knows the one above it. Left of the colon who, right of it what its dependencies may never
# hold (prefix match on import paths).
set -euo pipefail
cd "$(dirname "$0")/.."
fail=0
never() { # never WHO FORBIDDEN...
	local who=$1 deps hit
	shift
	deps=$(CGO_ENABLED=0 go list -deps -tags no_emoji "./$who") || exit 1
	for forbidden in "$@"; do
		if hit=$(grep -E "^$forbidden(/|\$)" <<<"$deps"); then
			echo "$who must not depend on $forbidden:" $hit >&2
			fail=1
		fi
	done
}
never cosign cloudkey/api cloudkey/keystore cloudkey/client cloudkey/ui cloudkey/authz fyne.io net/http os/exec go.etcd.io
never keystore cloudkey/api cloudkey/cosign cloudkey/client cloudkey/ui cloudkey/authz fyne.io net/http
never api cloudkey/keystore cloudkey/client cloudkey/ui cloudkey/api/refca fyne.io go.etcd.io
never api/refca cloudkey/keystore cloudkey/client cloudkey/ui fyne.io
never internal/boltfile cloudkey/api cloudkey/keystore fyne.io net/http go.etcd.io
never client cloudkey/ui cloudkey/api/refca fyne.io
never ui cloudkey/api/refca cloudkey/tour fyne.io/fyne/v2/app
[ ! -d authz ] || never authz cloudkey/api cloudkey/keystore cloudkey/cosign cloudkey/client cloudkey/ui fyne.io net/http
# Only main may open a window.
users=$(CGO_ENABLED=1 go list -tags no_emoji,x11 -f '{{.ImportPath}} {{join .Imports " "}}' ./... | grep ' fyne.io/fyne/v2/app\( \|$\)' | cut -d' ' -f1 || true)
if [ "$users" != cloudkey ]; then
	echo "only main imports fyne/app, found: $users" >&2
	fail=1
fi
exit $fail
