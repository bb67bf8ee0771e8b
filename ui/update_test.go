package ui_test

import (
	"strings"
	"testing"

	"cloudkey/client"
	"cloudkey/ui/drive"
)

func TestM22_CheckForUpdates(t *testing.T) {
	a := start(t, owned)
	a.tap("关于")
	a.see("立即检查更新")
	a.tap("立即检查更新")
	a.see("已是最新版本")
	offered := client.Release{Version: "1.2.0", Notes: "更快的扫描", Size: 3 << 20, SHA256: strings.Repeat("ab", 32), URL: "https://ca.hospital.example/app.apk"}
	a.fake.Offered = offered
	a.tap("立即检查更新")
	a.see("有新版本 1.2.0")
	for _, shown := range []string{"更快的扫描", "3 MB", "abab abab", offered.URL} {
		a.sees(true, shown)
	}
	a.tap("以后再说")
	a.fake.Fail("CheckUpdate", &client.TrustError{Host: "ca.hospital.example"})
	a.tap("立即检查更新")
	a.see("身份与二维码中登记的不符")
}

func TestM22_ChecksByItselfWhenDue(t *testing.T) {
	offered := client.Release{Version: "1.2.0", Notes: "更快的扫描", Size: 1, SHA256: strings.Repeat("00", 32), URL: "https://ca.hospital.example/app.apk"}
	a := start(t, func(f *drive.Fake) { owned(f); f.Due, f.Offered = true, offered })
	a.see("有新版本 1.2.0")
	a = start(t, func(f *drive.Fake) { owned(f); f.Offered = offered })
	a.see("功能")
	a.sees(false, "有新版本")
	a.never("CheckUpdate")
}
