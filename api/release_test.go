package api

import (
	"errors"
	"strings"
	"testing"
	"time"

	"cloudkey/api/gen"
)

func TestM22_ReleaseSignature(t *testing.T) {
	org, stranger := newOrganisation(t, false), newOrganisation(t, false)
	release := gen.Release{
		Version: "1.2.0", Url: "https://ca.hospital.example/app.apk", Size: 7, Sha256: strings.Repeat("5c", 32), Published: qrTime,
	}
	sign := func(o organisation, r gen.Release, platform string) gen.Release {
		signed, err := SignRelease(r, platform, o.key, o.leaf)
		if err != nil {
			t.Fatal(err)
		}
		r.Signed = signed
		return r
	}
	signer, err := ParseSigner(org.leaf)
	if err != nil {
		t.Fatal(err)
	}
	good := sign(org, release, "android")
	if err := VerifyRelease(good, "android", signer, qrTime); err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*gen.Release)) gen.Release {
		r := good
		change(&r)
		return r
	}
	for name, c := range map[string]struct {
		release gen.Release
		want    QRReason
	}{
		"hash":         {changed(func(r *gen.Release) { r.Sha256 = strings.Repeat("5d", 32) }), QRDisagrees},
		"size":         {changed(func(r *gen.Release) { r.Size++ }), QRDisagrees},
		"version":      {changed(func(r *gen.Release) { r.Version = "1.2.1" }), QRDisagrees},
		"address":      {changed(func(r *gen.Release) { r.Url = "https://evil.example/app.apk" }), QRDisagrees},
		"date":         {changed(func(r *gen.Release) { r.Published = r.Published.Add(time.Hour) }), QRDisagrees},
		"platform":     {sign(org, release, "linux"), QRDisagrees},
		"stranger":     {sign(stranger, release, "android"), QRBadSigner},
		"unsigned":     {changed(func(r *gen.Release) { r.Signed = "" }), QRDamaged},
		"signature":    {changed(func(r *gen.Release) { r.Signed = r.Signed[:len(r.Signed)-4] + "AAAA" }), QRBadSigner},
		"an init QR's": {changed(func(r *gen.Release) { r.Signed = org.signRaw(t, typInit, claimsOf(release, "android")) }), QRDamaged},
	} {
		var refused *QRError
		if err := VerifyRelease(c.release, "android", signer, qrTime); !errors.As(err, &refused) || refused.Reason != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestM22_NewerVersion(t *testing.T) {
	for _, c := range []struct {
		version, current string
		want             bool
	}{
		{"1.0.1", "1.0.0", true},
		{"1.10.0", "1.9.9", true},
		{"1.0.0", "1.0.0", false},
		{"0.9.9", "1.0.0", false},
		{"1.0.0", "1.0.0-rc.1", true},
		{"1.0.0-rc.2", "1.0.0", false},
		{"v2.0.0", "1.0.0", false},
		{"", "1.0.0", false},
		{"latest", "1.0.0", false},
	} {
		if got := NewerVersion(c.version, c.current); got != c.want {
			t.Errorf("%q after %q: %v", c.version, c.current, got)
		}
	}
}
