#!/usr/bin/env python3
"""check.py APK: holds a signed APK against android/expect.toml and FyneApp.toml, by aapt, apksigner, zipalign, dexdump and
readelf. Prints a line for each check; exits 1 when one has failed. Nothing is executed on a phone."""
import os
import re
import subprocess
import sys
import tempfile
import tomllib
import zipfile

here = os.path.dirname(os.path.abspath(__file__))


def toml(path):
    with open(path, "rb") as f:
        return tomllib.load(f)


want = toml(f"{here}/expect.toml")
app = toml(f"{here}/../FyneApp.toml")["Details"]
apk = sys.argv[1]
failed = False


def tool(*command):
    return subprocess.run(command, capture_output=True, text=True)


def check(name, good, seen):
    global failed
    failed |= not good
    print(f"{'ok  ' if good else 'FAIL'} {name}: {seen}", flush=True)


size = os.path.getsize(apk)
check("size", size <= want["max_bytes"], f"{size} of {want['max_bytes']} bytes")

verified = tool("apksigner", "verify", "--verbose", "--min-sdk-version", str(want["min_sdk"]), apk)
schemes = {s for s in ("v2", "v3") if re.search(rf"Verified using {s} scheme.*: true", verified.stdout)}
check("signature", verified.returncode == 0 and schemes == {"v2", "v3"}, f"{sorted(schemes)} {verified.stderr.strip()[:200]}")
check("zip-alignment", tool("zipalign", "-c", "-p", "4", apk).returncode == 0, "4 bytes, libraries on pages")

badging = tool("aapt", "dump", "badging", apk).stdout
tree = tool("aapt", "dump", "xmltree", apk, "AndroidManifest.xml").stdout


def named(pattern):
    return sorted(re.findall(pattern, badging, re.M))


def flag(attribute):
    """A boolean attribute of the manifest: True, False, None where it is not set."""
    found = re.search(rf"A: android:{attribute}\(\w+\)=\(type 0x12\)(\w+)", tree)
    return None if found is None else found[1] != "0x0"


package = re.search(r"^package: name='(.*?)' versionCode='(.*?)' versionName='(.*?)'", badging)
seen = package.groups() if package else None
# The fyne tool counts the build up before it packages.
check("identity", seen and seen[0] == app["ID"] and int(seen[1]) > 0 and seen[2] == app["Version"], seen)
check("label", named(r"^application-label:'(.*)'") == [app["Name"]], named(r"^application-label:'(.*)'"))
sdk = named(r"^sdkVersion:'(\d+)'") + named(r"^targetSdkVersion:'(\d+)'")
check("sdk", sdk == [str(want["min_sdk"]), str(want["target_sdk"])], sdk)
permissions = named(r"^uses-permission(?:-sdk-\d+)?: name='(.*?)'")
check("permissions", permissions == ["android.permission." + p for p in sorted(want["permissions"])], permissions)
for attribute, where in (("allowBackup", "allowBackup"), ("usesCleartextTraffic", "usesCleartextTraffic")):
    check(attribute, flag(attribute) is False, flag(attribute))
check("debuggable", not flag("debuggable"), flag("debuggable"))
entry = re.findall(r'"android.app.func_name".*\n.*android:value\(\w+\)="(.*?)"', tree)
check("entry", entry == ["cloudkey_onCreate"], entry)

with tempfile.TemporaryDirectory() as work, zipfile.ZipFile(apk) as archive:
    names = archive.namelist()
    icons = set(re.findall(r"^application-icon-\d+:'(.*?)'", badging, re.M))
    check("icon", icons and icons <= set(names), sorted(icons))
    libraries = [n for n in names if n.endswith(".so")]
    check("one-library", libraries == ["lib/arm64-v8a/libcloudkey.so"], libraries)
    for name in libraries[:1] + ["classes.dex"]:
        archive.extract(name, work)
    so = f"{work}/{libraries[0]}"

    header = tool("readelf", "-hW", so).stdout
    check("machine", "AArch64" in header and "DYN" in header, (re.findall(r"Machine:\s*(.*)", header) or ["none"])[0])
    dynamic = tool("readelf", "-dW", so).stdout
    needed = re.findall(r"NEEDED.*\[(.*)\]", dynamic)
    check("public-libraries", needed and set(needed) <= set(want["libraries"]), sorted(needed))
    check("no-text-relocations", "TEXTREL" not in dynamic and dynamic != "", "none" if "TEXTREL" not in dynamic else "TEXTREL")
    loads = re.findall(r"^\s*LOAD.*\s(0x\w+)$", tool("readelf", "-lW", so).stdout, re.M)
    check("pages", loads and all(int(a, 16) % want["page"] == 0 for a in loads), loads)
    symbols = re.findall(r"^\s*\d+: .* (?!UND)\S+ (\S+)$", tool("readelf", "--dyn-syms", "-W", so).stdout, re.M)
    missing = set(want["entries"]) - set(symbols)
    check("exports", not missing, f"missing {sorted(missing)}" if missing else want["entries"])

    natives, owner, method = set(), "", ""
    for line in tool("dexdump", f"{work}/classes.dex").stdout.splitlines():
        if found := re.search(r"Class descriptor\s*: 'L(.*);'", line):
            owner = found[1].replace("/", "_")
        elif found := re.search(r"name\s*: '(.*)'", line):
            method = found[1]
        elif "access" in line and "NATIVE" in line:
            natives.add(f"Java_{owner}_{method}")
    java = {s for s in symbols if s.startswith("Java_")}
    check("dex-fits-library", natives and natives == java, f"{len(natives)} methods, differing {sorted(natives ^ java)}")
    with open(so, "rb") as f:
        binary = f.read()
    found = [name for name in want["absent"] if name.encode() in binary]
    check("desktop-parts-absent", not found and b"cloudkey/client" in binary, found)

sys.exit(failed)
