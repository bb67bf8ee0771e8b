#!/usr/bin/env python3
"""check_test.py APK: breaks a copy of a good APK in one way per check, and fails when check.py does not notice by the check
named. Each copy is aligned and signed again, so that nothing but the break is wrong with it."""
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

here = os.path.dirname(os.path.abspath(__file__))
apk = sys.argv[1]
LIBRARY, MANIFEST, DEX = "lib/arm64-v8a/libcloudkey.so", "AndroidManifest.xml", "classes.dex"
FRAMEWORK = "/usr/share/android-framework-res/framework-res.apk"
V2V3 = {"v2": "true", "v3": "true"}
with zipfile.ZipFile(apk) as archive:
    good = {name: archive.read(name) for name in archive.namelist()}
with open(f"{here}/../AndroidManifest.xml", encoding="utf-8") as f:
    manifest = f.read()
icon = re.search(r"spec resource (0x\w+) \S+:mipmap/ic_launcher:",
                 subprocess.run(["aapt", "dump", "resources", apk], capture_output=True, text=True, check=True).stdout)[1]
version = re.search(r"versionCode='(.*?)' versionName='(.*?)'",
                    subprocess.run(["aapt", "dump", "badging", apk], capture_output=True, text=True, check=True).stdout).groups()


def replaced(data, old, new):
    if old not in data:
        sys.exit(f"check_test: {old!r} is not there to be broken")
    return data.replace(old, new)


def library(old, new):
    return lambda work: {LIBRARY: replaced(good[LIBRARY], old, new)}


def field(offset, data):
    return lambda work: {LIBRARY: good[LIBRARY][:offset] + data + good[LIBRARY][offset + len(data):]}


def small_pages(work):
    so = bytearray(good[LIBRARY])
    first, = struct.unpack_from("<Q", so, 32)
    for i in range(struct.unpack_from("<H", so, 56)[0]):
        at = first + 56 * i
        if struct.unpack_from("<I", so, at)[0] == 1:  # PT_LOAD
            struct.pack_into("<Q", so, at + 48, 4096)
    return {LIBRARY: bytes(so)}


def text_relocations(work):
    so = bytearray(good[LIBRARY])
    first, = struct.unpack_from("<Q", so, 32)
    for i in range(struct.unpack_from("<H", so, 56)[0]):
        kind, _, at = struct.unpack_from("<IIQ", so, first + 56 * i)
        if kind == 2:  # PT_DYNAMIC; the tag of the hash table, which readelf -d does not need, becomes DT_TEXTREL
            while struct.unpack_from("<Q", so, at)[0] != 0x6FFFFEF5:
                at += 16
            struct.pack_into("<Q", so, at, 22)
    return {LIBRARY: bytes(so)}


def xml(old, new):
    def change(work):
        text = replaced(manifest, old, new)
        with open(f"{work}/{MANIFEST}", "w", encoding="utf-8") as f:
            f.write(text)
        # The manifest names the icon by its number in the APK's own table of resources, which stays.
        with open(f"{work}/ids", "w", encoding="utf-8") as f:
            package = re.search('package="(.*?)"', text)[1]
            f.write(f"{package}:mipmap/ic_launcher = {icon}\n")
        os.makedirs(f"{work}/res/mipmap-xxxhdpi", exist_ok=True)
        shutil.copy(f"{here}/../assets/icon/Icon.png", f"{work}/res/mipmap-xxxhdpi/ic_launcher.png")
        subprocess.run(["aapt2", "compile", "--dir", f"{work}/res", "-o", f"{work}/res.zip"], check=True)
        subprocess.run(["aapt2", "link", "-I", FRAMEWORK, "--manifest", f"{work}/{MANIFEST}", "-o", f"{work}/m.apk",
                        "--stable-ids", f"{work}/ids", "--version-code", version[0], "--version-name", version[1],
                        f"{work}/res.zip"], check=True)
        with zipfile.ZipFile(f"{work}/m.apk") as linked:
            return {MANIFEST: linked.read(MANIFEST)}
    return change


def without_icons(work):
    return {name: None for name in good if name.endswith(".png") or "ic_launcher" in name}


BREAKS = [  # (check that has to fail, what is changed, signature)
    ("size", lambda work: {"assets/ballast": os.urandom(21_000_000)}, V2V3),
    ("signature", lambda work: {}, {"v2": "true", "v3": "false"}),
    ("signature", lambda work: {}, None),
    ("zip-alignment", lambda work: {}, None),  # apksigner would align it
    ("identity", xml('package="app.cloudkey.client"', 'package="app.cloudkey.other"'), V2V3),
    ("label", xml("<application\n\t\tandroid:label=\"云密钥客户端\"", "<application\n\t\tandroid:label=\"Other\""), V2V3),
    ("sdk", xml('minSdkVersion="24"', 'minSdkVersion="21"'), V2V3),
    ("sdk", xml('targetSdkVersion="34"', 'targetSdkVersion="36"'), V2V3),
    ("permissions", xml("permission.VIBRATE", "permission.READ_CONTACTS"), V2V3),
    ("permissions", xml("<uses-feature", '<uses-permission android:name="android.permission.NFC" /><uses-feature'), V2V3),
    ("allowBackup", xml('allowBackup="false"', 'allowBackup="true"'), V2V3),
    ("usesCleartextTraffic", xml('android:usesCleartextTraffic="false"', ""), V2V3),
    ("debuggable", xml('debuggable="false"', 'debuggable="true"'), V2V3),
    ("entry", xml("cloudkey_onCreate\"", "ANativeActivity_onCreate\""), V2V3),
    ("icon", without_icons, V2V3),
    ("one-library", lambda work: {"lib/arm64-v8a/libother.so": good[LIBRARY][:64]}, V2V3),
    ("machine", field(18, b"\x3e\x00"), V2V3),
    ("public-libraries", library(b"\0libEGL.so\0", b"\0libart.so\0"), V2V3),
    ("no-text-relocations", text_relocations, V2V3),
    ("pages", small_pages, V2V3),
    ("exports", library(b"\0cloudkey_onCreate\0", b"\0cloudkey_onCrash!\0"), V2V3),
    ("dex-fits-library", library(b"\0Java_org_", b"\0Java_net_"), V2V3),
    ("desktop-parts-absent", lambda work: {LIBRARY: good[LIBRARY] + b"cloudkey/api/refca.Open"}, V2V3),
]


def checked(work, path):
    """The names of the checks that fail for the APK at path."""
    run = subprocess.run([f"{here}/check.py", path], capture_output=True, text=True)
    names = re.findall(r"^FAIL (\S+):", run.stdout, re.M)
    if (run.returncode != 0) != bool(names) or run.stderr:
        sys.exit(f"check_test: check.py ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    return names


bad = 0
with tempfile.TemporaryDirectory() as work:
    key = f"{work}/key.p12"
    subprocess.run(["keytool", "-genkeypair", "-keystore", key, "-storetype", "PKCS12", "-storepass", "throwaway", "-alias", "k",
                    "-keyalg", "EC", "-groupname", "secp256r1", "-dname", "CN=throwaway"], check=True, capture_output=True)
    for name, change, schemes in BREAKS:
        parts = good | change(work)
        with zipfile.ZipFile(f"{work}/raw", "w") as archive:
            for part, data in parts.items():
                stored = part.endswith((".arsc", ".png")) or name == "zip-alignment"
                if data is not None:
                    archive.writestr(part, data, zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED, 1)
        if name == "zip-alignment":
            os.replace(f"{work}/raw", f"{work}/broken")
        else:
            subprocess.run(["zipalign", "-f", "-p", "4", f"{work}/raw", f"{work}/broken"], check=True)
        if schemes:
            switches = [x for s in schemes for x in (f"--{s}-signing-enabled", schemes[s])]
            subprocess.run(["apksigner", "sign", "--ks", key, "--ks-pass", "pass:throwaway", "--min-sdk-version", "24",
                            "--v1-signing-enabled", "false", *switches, f"{work}/broken"], check=True, capture_output=True)
        noticed = checked(work, f"{work}/broken")
        print(f"{'ok  ' if name in noticed else 'FAIL'} broken {name}: noticed by {', '.join(noticed) or 'nothing'}", flush=True)
        bad += name not in noticed
sys.exit(bad != 0)
