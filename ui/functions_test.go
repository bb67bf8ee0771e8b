package ui_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"cloudkey/assets"
	"cloudkey/client"
	"cloudkey/ui"
	"cloudkey/ui/drive"
)

func owned(f *drive.Fake) { f.Own(); f.Password = "hospital7" }

func TestM06_CardAndFunctions(t *testing.T) {
	a := start(t, owned)
	a.see("张伟")
	for _, shown := range []string{"工号 10001", "示范医院", "2025-11-18 – 2028-11-18", "有效", "扫一扫", "切换证书", "协同签名", "签名记录", "签名采集", "签章管理", "绑定设备", "修改密码", "证书信息", "关于"} {
		a.sees(true, shown)
	}
	a.sees(false, "剩")
	a.tap("证书信息 张伟") // the card
	a.page("证书信息")
}

func TestM06_WarnsBeforeTheEnd(t *testing.T) {
	a := start(t, func(f *drive.Fake) { owned(f); f.Certs[0].NotAfter = f.Clock.Now().Add(29*24*time.Hour + time.Minute) })
	a.see("剩 29 天")
	a.sees(true, "请联系管理员办理续期")
	b := start(t, func(f *drive.Fake) { owned(f); f.Certs[0].NotAfter = f.Clock.Now().Add(30*24*time.Hour + time.Minute) })
	b.see("张伟")
	b.sees(false, "剩")
}

func TestM06_StatesSayWhatToDo(t *testing.T) {
	for state, says := range map[client.CertState]string{
		client.CertExpired: "不在有效期内", client.CertRevoked: "已被吊销或冻结", client.CertSuspended: "已被吊销或冻结", client.CertNotYetValid: "起生效",
	} {
		a := start(t, func(f *drive.Fake) { owned(f); f.Certs[0].State = state })
		a.see(says)
	}
}

func TestM06_UnfinishedDownloadIsOffered(t *testing.T) {
	a := start(t, func(f *drive.Fake) {
		owned(f)
		e := f.Enrolment
		f.PendingState.Enrolment = &e
	})
	a.tap("继续下载")
	a.see("输入短信密码")
	a.ui.Back()
	a.page("云密钥")
}

func TestM07_RefreshSaysWhatCame(t *testing.T) {
	a := start(t, owned)
	a.see("张伟")
	a.tap("刷新证书")
	a.see("证书已是最新")
	renewed := a.fake.Certs[0]
	renewed.NotAfter = renewed.NotAfter.AddDate(3, 0, 0)
	a.fake.Renewed = &renewed
	a.tap("刷新证书")
	a.see("证书已更新")
	a.sees(true, "有效期至 2031-11-18")
	a.tap("知道了")
	a.see("2025-11-18 – 2031-11-18")
}

func TestM07_PullingDownRefreshes(t *testing.T) {
	a := start(t, owned)
	a.see("张伟")
	pull := func(by float32) {
		var drag fyne.Draggable
		a.Walk(func(o drive.Seen) bool {
			d, ok := o.Object.(fyne.Draggable)
			if ok {
				drag = d
			}
			return !ok
		})
		if drag == nil {
			t.Fatal("nothing to pull")
		}
		for range 4 {
			drag.Dragged(&fyne.DragEvent{Dragged: fyne.NewDelta(0, by/4)})
		}
		drag.DragEnd()
	}
	pull(60) // not far enough
	a.never("Refresh")
	release := a.fake.Hold("Refresh")
	pull(120)
	pull(120) // while the first runs
	release()
	a.see("证书已是最新")
	if n := a.count("Refresh"); n != 1 {
		t.Errorf("refreshed %d times", n)
	}
}

func TestM07_FailureAndGivingUp(t *testing.T) {
	a := start(t, owned)
	a.see("张伟")
	release := a.fake.Hold("Refresh")
	a.tap("刷新证书")
	a.called("Refresh")
	a.ui.Back() // gives up
	release()
	a.page("云密钥")
	a.fake.Fail("Refresh", &client.UnreachableError{Host: "ca.example.org"})
	a.within("a second refresh", func() bool {
		if a.count("Refresh") == 1 { // the first may still be ending
			a.ok(a.Tap("刷新证书"))
		}
		return a.count("Refresh") > 1
	})
	a.see("连接不上 ca.example.org")
	a.sees(true, "张伟")
}

func TestM09_DetailsAndExport(t *testing.T) {
	a := start(t, owned)
	a.tap("证书信息")
	a.see("138****0001")
	a.tap("查看证书")
	a.see("公钥算法")
	for _, shown := range []string{"心内科", "SM2-with-SM3", "数字签名、不可否认", "基本约束", "1.2.156.10260.4.1.1", "SHA-256"} {
		a.sees(true, shown)
	}
	a.tap("复制SM3")
	if got := fyne.CurrentApp().Clipboard().Content(); got != a.fake.Detail.SM3 {
		t.Errorf("copied %q", got)
	}
	a.tap("导出证书 (PEM)")
	a.see("已保存 cert.pem")
	a.tap("导出证书 (DER)")
	a.see("已保存 cert.der")
	a.tap("导出证书链 (PEM)")
	a.see("已保存 chain.pem")
	if string(a.files.Saved["cert.der"]) != string(a.fake.Detail.DER) {
		t.Errorf("DER saved: %x", a.files.Saved["cert.der"])
	}
}

func TestM11_DeletionNamesWhatIsLost(t *testing.T) {
	a := start(t, owned)
	a.tap("证书信息")
	a.tap("删除证书")
	a.see("示范医院 张伟 (10001) 的证书、密钥、绑定、密码、手写签名和签名记录")
	a.tap("取消")
	a.never("Delete")
	a.tap("删除证书")
	a.tap("删除")
	a.called("Delete")
	a.see("证书已删除")
}

func TestM12_SwitchAndNewAccount(t *testing.T) {
	a := start(t, owned)
	a.tap("切换证书")
	a.see("国家税务总局示范市税务局")
	a.tap("李娜")
	a.tap("完成")
	a.page("云密钥")
	a.see("工号 10002")
	a.tap("切换证书")
	a.tap("使用新账号")
	a.page("下载证书")
	a.see("示范医院")
	a.typed("用户 ID/工号", "10003")
	a.tap("下一步")
	a.see("账号 10003")
	a.ui.Back()
	a.ui.Back()
	a.page("切换证书")
}

func TestM12_UnfinishedCertificateIsContinued(t *testing.T) {
	a := start(t, owned)
	a.tap("切换证书")
	a.tap("20417")
	a.see("设置您自己的密码")
	a.ui.Back()
	a.page("切换证书")
}

// signText opens the password dialog for a text.
func signText(a *app) {
	a.t.Helper()
	a.tap("协同签名")
	a.tap("文字")
	a.typed("要签名的文字", "我同意")
	a.tap("签名")
	a.see("身份认证")
}

func TestM13_PadTypesLettersAndDigits(t *testing.T) {
	a := start(t, func(f *drive.Fake) { owned(f); f.Password = "a7B0" })
	signText(a)
	for _, key := range []string{"ABC", "a", "7", "大小写", "B", "x", "删除", "123", "0"} {
		a.tap(map[bool]string{true: "X", false: key}[key == "x"])
	}
	a.tap("确认")
	a.see("签名有效")
}

func TestM13_WrongPasswordStaysAndSaysTheTriesLeft(t *testing.T) {
	a := start(t, owned)
	signText(a)
	a.secret("证书密码", "wrong1")
	a.tap("确认")
	a.see("密码错误，还可以试 4 次")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("签名有效")
}

func TestM13_LockCountsDown(t *testing.T) {
	a := start(t, owned)
	a.fake.Fail("Sign", &client.LockedError{Until: a.clock.Now().Add(65 * time.Second)})
	signText(a)
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("请等待 01:05 后再试")
	a.secret("证书密码", "hospital7")
	if a.Enabled("确认") {
		t.Error("a locked key takes a password")
	}
	for range 66 {
		a.clock.Advance(time.Second)
		a.Loop.Run()
	}
	a.fake.Fail("Sign", nil)
	a.tap("确认")
	a.see("签名有效")
}

func TestM13_LockedForGoodLeadsToRecovery(t *testing.T) {
	a := start(t, func(f *drive.Fake) { owned(f); f.Fail("Sign", &client.LockedError{}) })
	signText(a)
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("找回密码")
}

func TestM13_NoPasteAndNoOtherCharacters(t *testing.T) {
	a := start(t, owned)
	signText(a)
	fyne.CurrentApp().Clipboard().SetContent("hospital7")
	focused := a.Window.Canvas().Focused()
	if s, ok := focused.(fyne.Shortcutable); ok {
		s.TypedShortcut(&fyne.ShortcutPaste{Clipboard: fyne.CurrentApp().Clipboard()})
	}
	for _, r := range "密 -é" {
		focused.TypedRune(r)
	}
	if a.Enabled("确认") {
		t.Error("something was taken from the clipboard or of other characters")
	}
}

func TestM13_CancelStopsTheWork(t *testing.T) {
	a := start(t, owned)
	a.fake.Hold("Sign")
	signText(a)
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("正在与 CA 协同签名")
	a.tap("取消")
	a.see("证书密码")
	a.tap("取消")
	a.within("dialog closed", func() bool { return !a.Sees("身份认证") })
	if len(a.fake.Records) != 3 {
		t.Errorf("%d records", len(a.fake.Records))
	}
}

func TestM15_FileIsSignedVerifiedAndSaved(t *testing.T) {
	a := start(t, owned)
	a.tap("协同签名")
	if a.Enabled("签名") {
		t.Error("nothing can be signed yet")
	}
	a.files.File = drive.Open("知情同意书.pdf", strings.NewReader("content"))
	a.tap("选择文件")
	a.see("知情同意书.pdf")
	a.tap("签名")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("签名有效")
	a.sees(true, "已用原文和证书验证")
	a.tap("保存签名值 (DER)")
	a.see("已保存 signature.der")
	a.tap("保存签名文件 (P7S)")
	a.see("已保存 signature.p7s")
	if string(a.files.Saved["signature.der"]) != "signature" {
		t.Errorf("saved %q", a.files.Saved["signature.der"])
	}
	a.tap("完成")
	a.page("协同签名")
}

func TestM15_FileTooLarge(t *testing.T) {
	a := start(t, owned)
	a.tap("协同签名")
	a.files.File = drive.Open("big", &zeros{client.MaxDocument + 1})
	a.tap("选择文件")
	a.see("文件太大 (最大 64 MB)")
}

// zeros reads as n zero bytes.
type zeros struct{ n int }

func (z *zeros) Read(b []byte) (int, error) {
	if z.n == 0 {
		return 0, errors.New("read past the limit")
	}
	n := min(len(b), z.n)
	clear(b[:n])
	z.n -= n
	return n, nil
}

func TestM15_HistoryIsVerifiedAgain(t *testing.T) {
	a := start(t, owned)
	a.tap("签名记录")
	a.tap("2026年3月排班表.xlsx")
	a.see("签名有效")
	a.sees(true, "已用保存的摘要和证书验证")
	a.fake.Fail("Verify", client.ErrBadSignature)
	a.files.File = drive.Open("other.xlsx", strings.NewReader("changed"))
	a.tap("用原文件验证")
	a.see("不是签名时的原文")
	a.sees(true, "签名未通过验证")
}

func TestM16_BindUnbindElsewhere(t *testing.T) {
	a := start(t, func(f *drive.Fake) { owned(f); f.Bound = client.DeviceBinding{} })
	a.tap("绑定设备")
	a.tap("直接绑定手机")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.see("已绑定本机")
	a.tap("解除绑定")
	a.tap("解除绑定")
	a.secret("证书密码", "hospital7")
	a.tap("确认")
	a.within("unbound", func() bool { return a.Enabled("直接绑定手机") && !a.Sees("已绑定本机") })

	b := start(t, func(f *drive.Fake) { owned(f); f.Bound.Here = false })
	b.tap("绑定设备")
	b.see("请先在那台设备上解除绑定")
	if b.Enabled("直接绑定手机") {
		t.Error("offers to bind an account that is bound elsewhere")
	}
}

func TestM19_ChangePassword(t *testing.T) {
	a := start(t, owned)
	a.tap("修改密码")
	a.see("原密码")
	a.secret("原密码", "wrong77")
	a.secret("新密码", "clinic42")
	a.secret("再次输入新密码", "clinic42")
	a.tap("修改密码")
	a.see("密码错误，还可以试 4 次")
	a.secret("原密码", "clinic42")
	if a.Enabled("修改密码") {
		t.Error("the old password is taken as the new one")
	}
	a.secret("原密码", "hospital7")
	a.tap("修改密码")
	a.page("云密钥")
	a.see("密码已修改")
	if a.fake.Password != "clinic42" {
		t.Errorf("password is %q", a.fake.Password)
	}
}

func TestM22_AboutAndSettings(t *testing.T) {
	a := start(t, func(f *drive.Fake) { owned(f); f.Info.WeakStore = true })
	a.tap("关于")
	a.see("版本 0.1.0 (1)")
	for _, shown := range []string{"https://ca.hospital.example:8443/v1", "https://sign.hospital.example:8443/v1", "400-800-1234", "安全性较低", "每周"} {
		a.sees(true, shown)
	}
	a.tap("自动检查更新")
	a.tap("从不")
	a.see("从不")
	if a.fake.Info.CheckUpdates != client.UpdateNever {
		t.Errorf("frequency %v", a.fake.Info.CheckUpdates)
	}
	a.tap("语言")
	a.tap("English")
	a.page("About")
	a.tap("Licences")
	a.tap("Noto Sans CJK SC")
	a.see("SIL OPEN FONT LICENSE")
	a.ui.Back()
	for _, l := range assets.Licences() {
		a.sees(true, l.Part)
		if len(l.Text) < 400 {
			t.Errorf("%s: licence of %d characters", l.Part, len(l.Text))
		}
	}
}

func TestM32_EveryErrorIsASentence(t *testing.T) {
	errs := []error{
		&client.PasswordError{AttemptsLeft: 1}, &client.LockedError{}, &client.LockedError{Until: time.Now()}, &client.CodeError{AttemptsLeft: 2},
		&client.RateError{RetryAfter: time.Minute}, &client.UnreachableError{Host: "h"}, &client.UncertainError{}, &client.ClockError{ServerTime: time.Now()},
		&client.TrustError{Host: "h"}, &client.ServerError{Code: "c", TraceID: "t"}, client.ErrNoCertificate, client.ErrNotInitialised,
		client.ErrExpiredEnrolment, client.ErrMustChangePassword, client.ErrSamePassword, client.ErrWeakPassword, client.ErrNotBound,
		client.ErrBoundElsewhere, client.ErrCertificateExpired, client.ErrCertificateRevoked, client.ErrCloneSuspected, client.ErrTooLarge,
		client.ErrBadSignature, client.ErrInterrupted, errStore, context.DeadlineExceeded,
	}
	for r := client.QRNotOurs; r <= client.QRDisagrees; r++ {
		errs = append(errs, &client.QRError{Reason: r})
	}
	for _, lang := range []string{"zh", "en"} {
		a := build(t, lang)
		unknown := a.ui.Explain(errors.New("secret detail"))
		seen := map[string]error{}
		for _, err := range errs {
			text := a.ui.Explain(errors.Join(errors.New("while doing something"), err))
			if text == "" || text == unknown || strings.Contains(text, "client:") || strings.Contains(text, "⟦") {
				t.Errorf("%s: %v (%T): %q", lang, err, err, text)
			}
			if other, ok := seen[text]; ok {
				t.Errorf("%s: %v and %v say the same: %q", lang, err, other, text)
			}
			seen[text] = err
		}
		if strings.Contains(unknown, "secret") {
			t.Errorf("a raw error is shown: %q", unknown)
		}
	}
	if got := build(t, "zh").ui.Explain(context.Canceled); got != "" {
		t.Errorf("giving up is told as an error: %q", got)
	}
}

func TestM32_StartFailureOffersAnotherTry(t *testing.T) {
	a := start(t, func(f *drive.Fake) { owned(f); f.Fail("Certificates", errStore) })
	a.see("程序已在另一个窗口中运行")
	a.fake.Fail("Certificates", nil)
	a.tap("重试")
	a.see("张伟")
}

func TestM33_EscapeAndBackLeaveEveryPage(t *testing.T) {
	for _, key := range []fyne.KeyName{fyne.KeyEscape, "Back"} {
		a := start(t, owned)
		a.tap("关于")
		a.see("版本")
		a.Key(key)
		a.page("云密钥")
		a.tap("协同签名")
		a.tap("文字")
		a.typed("要签名的文字", "我同意")
		a.tap("签名")
		a.see("身份认证")
		a.Key(key) // the focused password field hands it on: the dialog closes
		a.within("dialog closed", func() bool { return !a.Sees("身份认证") })
		a.typed("要签名的文字", "我同意")
		a.Key(key) // from inside the text field
		a.page("云密钥")
		a.Key(key)
		a.page("云密钥")
	}
}

func TestM34_WaitShowsAfter300msAndIsCancelled(t *testing.T) {
	a := start(t, nil)
	release := a.fake.Hold("ReadInit")
	defer release()
	toConfirm(a)
	a.called("ReadInit")
	a.sees(false, "正在验证二维码")
	a.clock.Advance(299 * time.Millisecond)
	a.Loop.Run()
	a.sees(false, "正在验证二维码")
	a.clock.Advance(time.Millisecond)
	a.Loop.Run()
	a.sees(true, "正在验证二维码")
	a.tap("取消")
	a.page("粘贴二维码文字")
	a.within("modal closed", func() bool { return !a.Sees("取消") })
	a.sees(false, "未能完成")
}

func TestM34_RunCallsDoneOnce(t *testing.T) {
	a := build(t, "zh")
	for _, end := range []error{nil, errStore} {
		done := 0
		work := make(chan struct{})
		ui.Run(t.Context(), a.ui, "label", func(context.Context) (int, error) {
			<-work
			return 7, end
		}, func(v int, err error) {
			done++
			if v != 7 || !errors.Is(err, end) {
				t.Errorf("done(%d, %v)", v, err)
			}
		})
		a.clock.Advance(time.Second)
		a.Loop.Run()
		a.sees(true, "label")
		close(work)
		a.within("done", func() bool { return done > 0 })
		a.clock.Advance(time.Minute)
		a.Loop.Run()
		if done != 1 {
			t.Errorf("done called %d times", done)
		}
		a.sees(false, "label")
	}
}

func TestM34_ContextEndsWithThePage(t *testing.T) {
	a := start(t, owned)
	a.tap("关于")
	ctx := a.ui.Context()
	a.ui.Back()
	if ctx.Err() == nil {
		t.Error("the page is closed and its context lives")
	}
}

// withFiles opens the app with the real file chooser in a folder.
func TestM02_OnlyPicturesAreOffered(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"qr.PNG", "notes.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), qrPicture(t, "CK1:text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := withFiles(t, dir)
	a.tap("扫一扫")
	a.tap("选择图片")
	a.see("qr.PNG")
	a.sees(false, "notes.txt")
	a.tap("qr.PNG")
	a.page("确认用户单位")
}

func TestM33_ToastEndsByItself(t *testing.T) {
	a := start(t, owned)
	a.see("张伟")
	a.ui.Toast("first")
	a.clock.Advance(2 * time.Second)
	a.ui.Toast("second")
	a.clock.Advance(2 * time.Second)
	a.Loop.Run()
	a.sees(false, "first")
	a.sees(true, "second")
	a.clock.Advance(2 * time.Second)
	a.Loop.Run()
	a.sees(false, "second")
	a.ui.Toast("third")
	a.ui.HideToast()
	a.sees(false, "third")
}
