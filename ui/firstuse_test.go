package ui_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"cloudkey/client"
	"cloudkey/ui/drive"
)

func TestM01_AccountIsChecked(t *testing.T) {
	for _, c := range []struct{ account, says string }{
		{"", "请输入用户 ID 或工号。"},
		{"   ", "请输入用户 ID 或工号。"},
		{"10 001", "工号中不能有空格"},
		{"0123456789012345678901234567890123456789012345678901234567890123456789", "工号太长"},
	} {
		a := start(t, nil)
		a.see("下载您的数字证书")
		a.typed("用户 ID/工号", c.account)
		a.tap("下一步")
		a.see(c.says)
		if a.ui.Current() != "下载证书" {
			t.Errorf("%q left the page", c.account)
		}
		a.never("BeginEnrolment")
	}
}

func TestM01_NextOpensTheScannerWithoutOrganisation(t *testing.T) {
	a := start(t, nil)
	a.see("尚未选择用户单位")
	a.typed("用户 ID/工号", "10001")
	a.tap("下一步")
	a.page("扫描二维码")
}

func TestM01_NextSendsTheSMSWithOrganisation(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Orgs = []client.Organisation{f.Offer.Organisation} })
	a.see("示范医院")
	a.typed("用户 ID/工号", "10001")
	a.tap("下一步")
	a.see("138****0001")
}

func TestM01_OrganisationIsChosenAmongSeveral(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Own(); f.Certs = nil })
	a.see("示范医院")
	a.tap("示范医院")
	a.tap("国家税务总局示范市税务局")
	a.typed("用户 ID/工号", "10001")
	a.tap("下一步")
	a.see("账号 10001 · 国家税务总局示范市税务局")
}

func TestM01_LanguageIsSwitchedAndRemembered(t *testing.T) {
	a := start(t, nil)
	a.see("下载您的数字证书")
	a.typed("用户 ID/工号", "10001")
	a.tap("Switch to English")
	a.see("Get your digital certificate")
	a.sees(true, "10001")
	if got := a.prefs.String("language"); got != "en" {
		t.Errorf("language remembered: %q", got)
	}
}

// toConfirm goes to the page that shows what a pasted code says.
func toConfirm(a *app) {
	a.t.Helper()
	a.see("下载您的数字证书")
	a.typed("用户 ID/工号", "10001")
	a.tap("下一步")
	a.tap("粘贴文字")
	a.typed("二维码中的文字", "CK1:some text")
	a.tap("下一步")
}

func toCode(a *app) {
	a.t.Helper()
	toConfirm(a)
	a.tap("确认并继续")
	a.see("输入短信密码")
}

func toPassword(a *app) {
	a.t.Helper()
	toCode(a)
	a.secret("短信密码", "482915")
	a.tap("下载")
	a.see("设置您自己的密码")
}

func TestM02_PictureIsDecodedAndConfirmed(t *testing.T) {
	a := start(t, nil)
	a.see("下载您的数字证书")
	a.typed("用户 ID/工号", "10001")
	a.tap("下一步")
	a.files.Picture = drive.Open("qr.png", bytes.NewReader(qrPicture(t, "CK1:some text")))
	a.tap("选择图片")
	a.page("确认用户单位")
	for _, shown := range []string{"示范医院", "ca.hospital.example:8443", "3FA4 916C", "示范医院 QR"} {
		a.sees(true, shown)
	}
	a.never("AcceptInit")
	a.tap("确认并继续")
	a.see("输入短信密码")
}

func TestM02_PictureWithoutCode(t *testing.T) {
	a := start(t, nil)
	a.tap("尚未选择用户单位")
	a.files.Picture = drive.Open("x.png", bytes.NewReader([]byte("no picture")))
	a.tap("选择图片")
	a.see("这不是可以识别的图片")
	a.never("ReadInit")
}

func TestM02_GivingUpTheChooserChangesNothing(t *testing.T) {
	a := start(t, nil)
	a.tap("尚未选择用户单位")
	a.tap("选择图片")
	a.page("扫描二维码")
	a.sees(false, "未能完成")
}

func TestM02_RefusedCodeChangesNothing(t *testing.T) {
	for reason, says := range map[client.QRReason]string{
		client.QRNotOurs: "这不是用户单位的初始化二维码", client.QRDamaged: "不完整或已损坏", client.QRExpired: "二维码已过期",
		client.QRBadSigner: "签名无效", client.QRNewerVersion: "更新版本", client.QRNotHTTPS: "不安全", client.QRUnsupported: "不支持",
	} {
		a := start(t, func(f *drive.Fake) { f.Fail("ReadInit", &client.QRError{Reason: reason}) })
		toConfirm(a)
		a.see(says)
		a.tap("知道了")
		a.page("粘贴二维码文字")
		a.never("AcceptInit")
	}
}

func TestM02_StrangeSignerNeedsTheCode(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Offer.NeedsCode = true })
	toConfirm(a)
	a.see("首次使用验证码")
	a.tap("确认并继续")
	a.see("验证码是 8 位")
	a.never("AcceptInit")
	a.fake.Fail("AcceptInit", &client.QRError{Reason: client.QRWrongCode})
	a.typed("首次使用验证码", "abcd-efgh")
	a.tap("确认并继续")
	a.see("验证码不正确")
	a.page("确认用户单位")
	a.fake.Fail("AcceptInit", nil)
	a.tap("确认并继续")
	a.see("输入短信密码")
}

func TestM02_ServiceDisagrees(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Fail("AcceptInit", &client.QRError{Reason: client.QRDisagrees}) })
	toConfirm(a)
	a.tap("确认并继续")
	a.see("与二维码不一致")
	a.never("BeginEnrolment")
}

func TestM02_ReplacedConfigurationIsShown(t *testing.T) {
	a := start(t, func(f *drive.Fake) {
		old := f.Offer.Organisation
		old.API = "https://old.example/v1"
		f.Offer.Replaces = &old
	})
	toConfirm(a)
	a.see("本机已有该单位的配置")
	a.sees(true, "https://old.example/v1")
}

func TestM04_FirstUseInTheOrderOfTheManual(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Bound = client.DeviceBinding{} })
	toPassword(a)
	a.secret("新密码", "hospital7")
	a.secret("再次输入新密码", "hospital7")
	a.tap("设置密码")
	a.page("绑定设备")
	a.tap("直接绑定手机")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.page("签名采集")
	a.ok(a.Ink(writing(), func() { a.clock.Advance(10 * time.Millisecond) }))
	a.tap("提交")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.page("云密钥")
	a.see("张伟")
	want := []string{"AcceptInit", "BeginEnrolment", "Enrol", "SetFirstPassword", "Bind", "SubmitInk", "Select"}
	var got []string
	for _, c := range a.fake.Calls() {
		if slices.Contains(want, c) {
			got = append(got, c)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("order %q, want %q", got, want)
	}
	if len(a.fake.Drawn.PNG) == 0 || len(a.fake.Drawn.Strokes) != 2 {
		t.Errorf("ink: %d bytes, %d strokes", len(a.fake.Drawn.PNG), len(a.fake.Drawn.Strokes))
	}
}

// writing is two curves, as parts of the canvas.
func writing() [][]fyne.Position {
	return [][]fyne.Position{
		{{X: .2, Y: .4}, {X: .3, Y: .3}, {X: .4, Y: .5}, {X: .3, Y: .6}, {X: .25, Y: .45}, {X: .4, Y: .4}},
		{{X: .5, Y: .3}, {X: .6, Y: .5}, {X: .7, Y: .3}, {X: .8, Y: .55}},
	}
}

func TestM05_BothStepsAreSkippable(t *testing.T) {
	a := start(t, nil)
	a.fake.Bound = client.DeviceBinding{}
	toPassword(a)
	a.secret("新密码", "hospital7")
	a.secret("再次输入新密码", "hospital7")
	a.tap("设置密码")
	a.page("绑定设备")
	a.tap("跳过")
	a.page("签名采集")
	a.tap("跳过")
	a.page("云密钥")
	a.never("Bind")
	a.never("SubmitInk")
}

func TestM05_ChoicesTakeTheStepsOut(t *testing.T) {
	a := start(t, nil)
	a.tap("绑定设备")
	a.tap("采集签名")
	toPassword(a)
	a.secret("新密码", "hospital7")
	a.secret("再次输入新密码", "hospital7")
	a.tap("设置密码")
	a.page("云密钥")
	a.never("Binding")
	if a.prefs.BoolWithFallback("firstUse.bind", true) {
		t.Error("the choice is not remembered for a restart")
	}
}

func TestM05_BlankSignatureIsRefused(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Own() })
	a.tap("签名采集")
	a.tap("提交")
	a.see("还没有签名")
	a.ok(a.Ink([][]fyne.Position{{{X: .5, Y: .5}, {X: .52, Y: .5}}}, nil))
	a.tap("提交")
	a.see("笔迹太少")
	a.tap("清除")
	a.ok(a.Ink(writing(), nil))
	a.tap("撤销")
	a.tap("提交")
	a.see("身份认证")
	a.never("SubmitInk")
}

func TestM04_WrongCodeSaysTheTriesLeft(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Fail("Enrol", &client.CodeError{AttemptsLeft: 3}) })
	toCode(a)
	a.secret("短信密码", "000000")
	a.tap("下载")
	a.see("还可以试 3 次")
	a.fake.Fail("Enrol", nil)
	a.secret("短信密码", "482915")
	a.tap("下载")
	a.see("设置您自己的密码")
}

func TestM04_ResendCountsDown(t *testing.T) {
	a := start(t, nil)
	toCode(a)
	a.see("重新发送 (01:00)")
	for range 60 {
		a.clock.Advance(time.Second)
		a.Loop.Run()
	}
	a.tap("重新发送")
	a.called("ResendCode")
	a.see("重新发送 (0")
	a.fake.Fail("ResendCode", &client.RateError{RetryAfter: 90 * time.Second})
	for range 60 {
		a.clock.Advance(time.Second)
		a.Loop.Run()
	}
	a.tap("重新发送")
	a.see("操作太频繁，请等待2 分钟后再试")
}

func TestM04_LostAnswerIsResumedWithoutSecondEnrolment(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Fail("Enrol", &client.UncertainError{}) })
	toCode(a)
	a.secret("短信密码", "482915")
	a.tap("下载")
	a.see("连接在收到答复之前中断")
	keyed := a.fake.Issued
	keyed.Profile = client.ProfileKeyed
	a.fake.PendingState = client.Pending{Certificate: &keyed}
	a.tap("重试")
	a.see("设置您自己的密码")
	if n := a.count("Enrol"); n != 1 {
		t.Errorf("Enrol called %d times", n)
	}
	if n := a.count("ResumeEnrol"); n != 1 {
		t.Errorf("ResumeEnrol called %d times", n)
	}
}

func TestM04_CancelKeepsTheProgress(t *testing.T) {
	a := start(t, func(f *drive.Fake) { f.Hold("Enrol") })
	toCode(a)
	a.secret("短信密码", "482915")
	a.tap("下载")
	a.called("Enrol")
	a.tap("取消")
	a.see("下载已取消")
	a.tap("重试")
	a.within("second try", func() bool { return a.count("Enrol") == 2 })
}

func TestM04_KilledProcessResumesAtTheCode(t *testing.T) {
	a := start(t, func(f *drive.Fake) {
		f.Orgs = []client.Organisation{f.Offer.Organisation}
		e := f.Enrolment
		f.PendingState.Enrolment = &e
	})
	a.see("输入短信密码")
	a.never("BeginEnrolment")
	a.ui.Back()
	a.see("账号 10001 的下载还没有完成")
	a.tap("继续下载")
	a.see("输入短信密码")
}

func TestM04_KilledProcessResumesAtThePassword(t *testing.T) {
	a := start(t, func(f *drive.Fake) {
		c := f.Issued
		c.Profile = client.ProfileMustPassword
		f.PendingState.Certificate = &c
	})
	a.see("设置您自己的密码")
	a.fake.Fail("SetFirstPassword", &client.PasswordError{AttemptsLeft: 2})
	a.secret("短信密码", "482916")
	a.secret("新密码", "hospital7")
	a.secret("再次输入新密码", "hospital7")
	a.tap("设置密码")
	a.see("还可以试 2 次")
	a.fake.Fail("SetFirstPassword", nil)
	a.secret("短信密码", "482915")
	a.tap("设置密码")
	a.page("绑定设备")
}

func TestM04_LostCodeAfterRestartHasAWayOut(t *testing.T) {
	for _, state := range []client.ProfileState{client.ProfileKeyed, client.ProfileMustPassword} {
		a := start(t, func(f *drive.Fake) {
			c := f.Issued
			c.Profile = state
			f.PendingState.Certificate = &c
		})
		if state == client.ProfileKeyed {
			a.see("再次输入收到的短信密码")
			a.tap("换一个账号")
		} else {
			a.tap("没有短信密码了？放弃并重新下载")
		}
		a.see("将从本机删除")
		a.tap("放弃下载")
		a.page("下载证书")
		a.called("Delete")
	}
}

func TestM04_AbandonGoesBackToTheAccount(t *testing.T) {
	a := start(t, nil)
	toCode(a)
	a.tap("换一个账号")
	a.tap("放弃下载")
	a.page("下载证书")
	a.called("AbandonEnrolment")
}

func TestM04_PasswordRulesAreShownWhileTyping(t *testing.T) {
	a := start(t, nil)
	toPassword(a)
	for _, c := range []struct {
		new, again string
		enabled    bool
	}{
		{"12345", "12345", false},
		{"123456", "123456", false},
		{"111111", "111111", false},
		{"fedcba", "fedcba", false},
		{"482915", "482915", false}, // the SMS password itself
		{"482916", "482917", false},
		{"482916", "482916", true},
		{"Hospital7", "Hospital7", true},
	} {
		a.secret("新密码", c.new)
		a.secret("再次输入新密码", c.again)
		if got := a.Enabled("设置密码"); got != c.enabled {
			t.Errorf("%s/%s: enabled %v", c.new, c.again, got)
		}
	}
	a.secret("再次输入新密码", "x")
	a.see("两次输入的密码不一致")
}
