#!/usr/bin/env bash
# Checks the three prerequisites and installs the system packages of the named groups: window (building the desktop window),
# openssl (the outside verifier), race (the C compiler that the race detector needs), apk (building and checking the APK).
# Debian and Ubuntu: installed with apt-get. Elsewhere: a list of what to install, and a non-zero exit.
set -euo pipefail

die() { printf '%s\n' "$@" >&2; exit 1; }

for tool in git make go; do
	command -v "$tool" >/dev/null || die "cloudkey needs git, make and Go 1.26 or newer; '$tool' is not on the PATH." \
		"  Go: https://go.dev/doc/install    Debian/Ubuntu: apt-get install git make"
done
version=$(go env GOVERSION 2>/dev/null || true)
if ! printf 'go1.26\n%s\n' "$version" | sort -C -V; then
	die "cloudkey needs Go 1.26 or newer; found ${version:-an older go} ($(command -v go))." \
		"  Install a newer one from https://go.dev/doc/install, or set GOTOOLCHAIN=auto to let go fetch it."
fi

declare -A missing=()
want() { # want PACKAGE TEST...: PACKAGE is missing when TEST fails
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing[$package]=1
}
header() { printf '#include <%s>\n' "$1" | "${CC:-cc}" -E -o /dev/null - ; }
openssl_has_sm2() { openssl version | grep -qE '^OpenSSL [3-9]\.' && openssl ecparam -name SM2 -noout; }

for group in "$@"; do
	case $group in
	openssl)
		want openssl openssl_has_sm2
		want ca-certificates test -e /etc/ssl/certs/ca-certificates.crt -o -e /etc/ssl/cert.pem
		;;
	race)
		want gcc command -v "${CC:-cc}"
		want libc6-dev header stdlib.h
		;;
	window)
		[ "$(uname)" = Linux ] || continue
		want gcc command -v "${CC:-cc}"
		want libc6-dev header stdlib.h
		want pkg-config command -v pkg-config
		want libgl1-mesa-dev header GL/gl.h
		want libx11-dev header X11/Xlib.h
		want libxcursor-dev header X11/Xcursor/Xcursor.h
		want libxrandr-dev header X11/extensions/Xrandr.h
		want libxinerama-dev header X11/extensions/Xinerama.h
		want libxi-dev header X11/extensions/XInput2.h
		want libxxf86vm-dev header X11/extensions/xf86vmode.h
		;;
	apk)
		for tool in aapt apksigner zipalign dexdump zip python3; do
			want $tool command -v $tool
		done
		want clang-19 test -x /usr/lib/llvm-19/bin/clang
		want lld-19 test -x /usr/lib/llvm-19/bin/ld.lld
		want llvm-19 test -x /usr/lib/llvm-19/bin/llvm-nm
		want binutils command -v readelf
		want default-jdk-headless command -v keytool
		want android-framework-res test -e /usr/share/android-framework-res/framework-res.apk
		want android-platform-frameworks-native-headers test -e /usr/include/android/android/native_activity.h
		want android-libnativehelper-dev test -e /usr/include/android/nativehelper/jni.h
		want android-liblog-dev test -e /usr/include/android/android/log.h
		want libegl-dev test -e /usr/include/EGL/egl.h
		want libgles-dev test -e /usr/include/GLES2/gl2.h
		want linux-libc-dev-arm64-cross test -e /usr/aarch64-linux-gnu/include/linux/errno.h
		;;
	*) die "need.sh: unknown group $group" ;;
	esac
done
[ ${#missing[@]} -gt 0 ] || exit 0

packages=$(printf '%s\n' "${!missing[@]}" | sort | tr '\n' ' ')
if ! command -v apt-get >/dev/null; then
	die "Missing system packages (names as on Debian; look for the same under your system's names):" "  $packages" \
		"Install them, then run the same command again."
fi
root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || die "Missing system packages: $packages" "Run as root: apt-get install $packages"
	root=(sudo)
fi
echo "Installing: $packages"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # a list of package names
"${root[@]}" apt-get install -y --no-install-recommends $packages >/dev/null 2>&1 ||
	{ "${root[@]}" apt-get update -q && "${root[@]}" apt-get install -y --no-install-recommends $packages; }
