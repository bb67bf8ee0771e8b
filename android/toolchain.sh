#!/usr/bin/env bash
# toolchain.sh OUT: makes OUT/ndk (for ANDROID_NDK_HOME) and OUT/sdk (for ANDROID_HOME) from Debian packages and the headers
# in android/ndk/include, for arm64 and API 24 alone. It is what CI compiles and links the app with; releases are built
# with Google's NDK.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
api=24
llvm=/usr/lib/llvm-19/bin
bin=$out/ndk/toolchains/llvm/prebuilt/linux-x86_64/bin
lib=$out/lib system=$out/system
rm -rf "$lib" "$system" "$out/ndk" "$out/sdk"
mkdir -p "$lib" "$system" "$bin" "$out/sdk/build-tools/29.0.3" "$out/sdk/platforms/android-29"

ln -s /usr/include/{EGL,GLES2,GLES3,KHR} /usr/include/android/android /usr/include/android/nativehelper/jni.h "$system"
ln -s /usr/aarch64-linux-gnu/include/{linux,asm,asm-generic} "$system"

clang=$bin/aarch64-linux-android$api-clang
cat >"$clang" <<WRAPPER
#!/bin/sh
exec $llvm/clang --target=aarch64-linux-android$api --sysroot=$out/none -nostdlibinc \\
	-isystem $here/ndk/include -isystem $system -B$lib -L$lib -fuse-ld=$llvm/ld.lld -rtlib=libgcc -unwindlib=none \\
	-mno-outline-atomics -Werror=implicit-function-declaration -Werror=unguarded-availability \\
	-Wno-unused-command-line-argument "\$@"
WRAPPER
chmod +x "$clang"
cp "$clang" "$clang++"
# The fyne tool looks for the compilers of all four architectures before it builds for one.
for target in armv7a-linux-androideabi i686-linux-android x86_64-linux-android; do
	printf '#!/bin/sh\necho "this tool chain is for arm64 only" >&2\nexit 1\n' >"$bin/$target$api-clang"
	chmod +x "$bin/$target$api-clang"
	cp "$bin/$target$api-clang" "$bin/$target$api-clang++"
done
ln -s $llvm/llvm-nm "$bin/llvm-nm"

python3 "$here/ndk/stubs.py" "$clang" "$here/ndk/headers.c" "$lib" "$here/ndk/include" "$system"
"$clang" -O2 -fPIC -c -o "$lib/crtbegin_so.o" "$here/ndk/crtbegin_so.c"
"$clang" -c -x c -o "$lib/crtend_so.o" /dev/null
$llvm/llvm-ar rc "$lib/libgcc.a"
ln -s /usr/bin/aapt2 /usr/bin/zipalign "$out/sdk/build-tools/29.0.3"
cp /usr/share/android-framework-res/framework-res.apk "$out/sdk/platforms/android-29/android.jar"
