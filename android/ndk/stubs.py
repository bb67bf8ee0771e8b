#!/usr/bin/env python3
"""stubs.py CLANG HEADERS.c LIBDIR INCLUDE SYSTEM: link-time stand-ins for Android's public libraries.

Every function and variable that the headers declare becomes a symbol of the library the NDK has it in, so that the linker
(with --no-undefined) refuses whatever a phone of the lowest API level would not have.
"""
import collections
import json
import os
import subprocess
import sys

clang, headers, libdir, own, system = sys.argv[1:]
os.makedirs(libdir, exist_ok=True)

# In Debian's headers, which are newer, but not in the libraries of API 24; and the app's own entry points.
NEWER = set("""
ANativeActivity_onCreate AConfiguration_setScreenRound atexit pthread_atfork
__android_log_call_aborter __android_log_default_aborter __android_log_get_minimum_priority __android_log_logd_logger
__android_log_set_aborter __android_log_set_default_tag __android_log_set_logger __android_log_set_minimum_priority
__android_log_stderr_logger __android_log_write_logger_data
eglClientWaitSync eglCreateImage eglCreatePlatformPixmapSurface eglCreatePlatformWindowSurface eglCreateSync
eglDestroyImage eglDestroySync eglGetPlatformDisplay eglGetSyncAttrib eglWaitSync
""".split())
# Called by compiled code without a declaration.
IMPLICIT = "__cxa_finalize __cxa_atexit __register_atfork memcpy memmove memset memcmp __stack_chk_fail".split()


def library(path):
    """The library that has what the header at path declares; None if it is nobody's."""
    root = next((root for root in (own, system) if path.startswith(root + "/")), None)
    if root is None:
        return None
    header = os.path.relpath(path, root)
    exact = {"dlfcn.h": "libdl.so", "math.h": "libm.so", "android/log.h": "liblog.so"}
    folder = {"EGL": "libEGL.so", "GLES2": "libGLESv2.so", "android": "libandroid.so"}
    return exact.get(header) or folder.get(header.split("/")[0]) or ("libc.so" if root == own else None)


tree = json.loads(subprocess.check_output([clang, "-Xclang", "-ast-dump=json", "-fsyntax-only", headers]))
symbols = collections.defaultdict(dict)  # library -> symbol -> ELF type
path = ""
for node in tree["inner"]:
    place = node.get("loc", {})
    place = place.get("spellingLoc", place.get("expansionLoc", place))
    path = place.get("file", path)  # clang names a file only where it changes
    if node["kind"] not in ("FunctionDecl", "VarDecl") or node.get("storageClass") == "static" or node["name"] in NEWER:
        continue
    if any(child.get("kind") == "CompoundStmt" for child in node.get("inner", [])):
        continue  # inline
    if lib := library(path):
        symbols[lib][node["name"]] = "object" if node["kind"] == "VarDecl" else "function"
symbols["libc.so"].update((name, "function") for name in IMPLICIT)

for lib, names in symbols.items():
    source, script = f"{libdir}/{lib}.s", f"{libdir}/{lib}.map"
    with open(source, "w") as f:
        for name, kind in sorted(names.items()):
            section, body = (".data", ".quad 0") if kind == "object" else (".text", "ret")
            f.write(f"{section}\n.globl {name}\n.type {name},%{kind}\n{name}: {body}\n.size {name},.-{name}\n")
    command = [clang, "-shared", "-nostdlib", f"-Wl,-soname,{lib}", "-o", f"{libdir}/{lib}", source]
    if lib in ("libc.so", "libdl.so", "libm.so"):  # these have symbol versions on a phone
        with open(script, "w") as f:
            f.write("LIBC { global: *; };\n")
        command.append(f"-Wl,--version-script={script}")
    subprocess.check_call(command)
