#!/usr/bin/env bash
# build.sh OUT.apk: the release APK for arm64, signed with schemes v2 and v3.
# ANDROID_NDK_HOME and ANDROID_HOME name the tool chain; without them: the one that toolchain.sh makes of Debian packages.
# The key: CLOUDKEY_KEYSTORE (file), CLOUDKEY_KEY_ALIAS, CLOUDKEY_KEY_PASS (read by apksigner from the environment);
# without them: a key made for this run and thrown away, for which Android refuses an update of an installed app.
set -euo pipefail
cd "$(dirname "$0")/.."
out=$(realpath -m "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "${ANDROID_NDK_HOME:-}" ]; then
	./android/toolchain.sh build/android
	export ANDROID_NDK_HOME=$PWD/build/android/ndk ANDROID_HOME=$PWD/build/android/sdk
fi
fyne=$(go tool -modfile=tools/go.mod -n fyne)

# The fyne tool counts Build up in FyneApp.toml and puts the APK beside it: let it do so in a copy.
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
	[ ! -e "$file" ] || printf '%s\0' "$file"
done | xargs -0 cp --parents -t "$work"
(
	cd "$work"
	export CGO_LDFLAGS='-Wl,--no-undefined -Wl,-z,max-page-size=16384'
	"$fyne" package -os android/arm64 --release --tags no_emoji
)

# fyne's signature is v1 with a public key, and it packs the assets folder that the program embeds already: drop both. The
# library is compressed, a third of its size; the system unpacks it at installation (extractNativeLibs). Then align and sign.
made=$(ls "$work"/*.apk)
zip -qd "$made" 'META-INF/*' 'assets/*' || true
unzip -q "$made" 'lib/*' -d "$work/unpacked"
(cd "$work/unpacked" && zip -q9 "$made" lib/*/*.so)
zipalign -f 4 "$made" "$work/aligned"
if [ -z "${CLOUDKEY_KEYSTORE:-}" ]; then
	export CLOUDKEY_KEYSTORE=$work/throwaway.p12 CLOUDKEY_KEY_ALIAS=throwaway
	CLOUDKEY_KEY_PASS=$(openssl rand -hex 16)
	export CLOUDKEY_KEY_PASS
	keytool -genkeypair -keystore "$CLOUDKEY_KEYSTORE" -storetype PKCS12 -storepass:env CLOUDKEY_KEY_PASS \
		-alias "$CLOUDKEY_KEY_ALIAS" -keyalg EC -groupname secp256r1 -validity 3650 -dname CN=throwaway 2>/dev/null
	echo 'Signed with a key made for this build alone.'
fi
mkdir -p "$(dirname "$out")"
apksigner sign --ks "$CLOUDKEY_KEYSTORE" --ks-key-alias "$CLOUDKEY_KEY_ALIAS" --ks-pass env:CLOUDKEY_KEY_PASS \
	--v1-signing-enabled false --v2-signing-enabled true --v3-signing-enabled true --out "$out" "$work/aligned"
rm -f "$out.idsig"
echo "$out: $(stat -c %s "$out") bytes"
