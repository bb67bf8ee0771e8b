package tour

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"

	"fyne.io/fyne/v2"

	"cloudkey/client"
)

// step is one feature, named by its ID.
type step struct {
	id, what string
	run      func() error
}

func (t *tour) steps() []step {
	return []step{
		{"M01", "下载证书 is the first screen; the staff number is asked", t.account},
		{"M02", "a stranger's picture is refused, the organisation's QR picture is decoded and confirmed", t.initialise},
		{"M32", "a wrong SMS password is told with the tries left", t.wrongCode},
		{"M04", "SMS password, two-party key, certificate on a PKCS#10 request, first password", t.download},
		{"M05", "绑定设备 and 签名采集 follow", t.follow},
		{"M16", "the account is bound to this device", t.bound},
		{"M14", "the handwritten signature is at the CA", t.ink},
		{"M06", "主界面 shows the certificate", t.main},
		{"M07", "the CA renews the certificate; a refresh of 主界面 takes the new one and says so", t.renew},
		{"M09", "证书信息, 查看证书, export of certificate and chain", t.details},
		{"M18", "签章管理: a seal is made from the handwriting, signed by the CA's seal maker", t.seal},
		{"M13", "a wrong password is told with the tries left", t.wrongPassword},
		{"M15", "协同签名 of a file, verified, recorded and saved", t.sign},
		{"R9", "the signature verifies with OpenSSL, emmansun/gmsm and tjfoc/gmsm", t.verify},
		{"M19", "修改密码: only the new password signs", t.change},
		{"M12", "使用新账号 downloads a second certificate, 切换证书 switches back", t.second},
		{"M22", "关于 shows version, addresses and hotline", t.about},
		{"R1", "app and CA are closed and opened: certificate, password and history are there", t.reopen},
	}
}

func (t *tour) account() error {
	if err := t.see(t.ui.T("M01.heading"), "M01-download"); err != nil {
		return err
	}
	if err := t.d.Type(t.ui.T("M01.account"), firstAccount); err != nil {
		return err
	}
	if err := t.tap("next"); err != nil {
		return err
	}
	return t.see(t.ui.T("M02.choosePicture"), "M02-scanner")
}

func (t *tour) initialise() error {
	stranger, err := t.strangersQR()
	if err != nil {
		return err
	}
	t.files.open = stranger
	if err := t.tap("M02.choosePicture"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("error.qrNotOurs"), "M02-not-ours"); err != nil {
		return err
	}
	if err := t.tap("understood"); err != nil {
		return err
	}
	if orgs, err := t.client.Organisations(t.ctx); err != nil || len(orgs) != 0 {
		return fmt.Errorf("a stranger's picture changed the configuration: %v %w", orgs, err)
	}
	t.files.open = t.ca.Addresses().InitQR
	if err := t.tap("M02.choosePicture"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M02.confirmTitle"), "M02-confirm"); err != nil {
		return err
	}
	if err := t.tap("M02.accept"); err != nil {
		return err
	}
	return t.see(t.ui.T("M04.codeHeading"), "M04-sms-password")
}

func (t *tour) wrongCode() error {
	sms, err := t.sms(firstAccount)
	if err != nil {
		return err
	}
	wrong := []byte(sms)
	wrong[0] = '0' + (wrong[0]-'0'+1)%10
	if err := t.d.Secret(t.ui.T("M04.code"), wrong); err != nil {
		return err
	}
	if err := t.tap("M04.download"); err != nil {
		return err
	}
	return t.see(t.ui.N("error.code", 4), "M32-wrong-sms-password")
}

// sms returns the password of the newest text message to an account, from the CA's outbox.
func (t *tour) sms(account string) (string, error) {
	code, ok := t.ca.LatestSMS(account)
	if !ok {
		return "", fmt.Errorf("no text message for %s in the outbox", account)
	}
	return code, nil
}

func (t *tour) download() error {
	if err := t.enrol(firstAccount, "Ck2026tour"); err != nil {
		return err
	}
	return t.see(t.ui.T("M16.heading"), "M05-bind")
}

// enrol goes from the SMS password to the first password of one's own.
func (t *tour) enrol(account, password string) error {
	sms, err := t.sms(account)
	if err != nil {
		return err
	}
	if err := t.d.Secret(t.ui.T("M04.code"), []byte(sms)); err != nil {
		return err
	}
	if err := t.tap("M04.download"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M04.progressHeading"), "M04-progress"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M04.passwordHeading"), "M04-first-password"); err != nil {
		return err
	}
	t.password = []byte(password)
	for _, field := range []string{"password.new", "password.again"} {
		if err := t.d.Secret(t.ui.T(field), t.password); err != nil {
			return err
		}
	}
	t.capture("M04-first-password-typed")
	return t.tap("M04.passwordSet")
}

func (t *tour) follow() error {
	if err := t.tap("M16.bind"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M13.password"), "M13-authenticate"); err != nil {
		return err
	}
	if err := t.authenticate(t.password); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M14.hint"), "M14-canvas"); err != nil {
		return err
	}
	if err := t.d.Ink(handwriting(), nil); err != nil {
		return err
	}
	t.capture("M14-signature")
	if err := t.tap("M14.submit"); err != nil {
		return err
	}
	return t.authenticate(t.password)
}

func (t *tour) seal() error {
	for _, step := range []func() error{
		func() error { return t.tap("M18.title") },
		func() error { return t.see(t.ui.T("M18.empty"), "M18-empty") },
		func() error { return t.tap("M18.make") },
		func() error { return t.tap("M18.makeNow") },
		func() error { return t.authenticate(t.password) },
		func() error { return t.see(t.ui.T("M18.default"), "M18-seals") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	cert, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	seals, err := t.client.Seals(t.ctx, cert.ID) // verifies each
	if err != nil || len(seals) != 1 {
		return fmt.Errorf("%d seals at the CA: %w", len(seals), err)
	}
	t.ui.Back()
	return t.wait(t.ui.T("M06.functions"))
}

// authenticate types a password into 身份认证 and confirms.
func (t *tour) authenticate(password []byte) error {
	if err := t.wait(t.ui.T("M13.password")); err != nil {
		return err
	}
	if err := t.d.Secret(t.ui.T("M13.password"), password); err != nil {
		return err
	}
	return t.tap("confirm")
}

// handwriting is three strokes of a plausible signature, in parts of the canvas.
func handwriting() [][]fyne.Position {
	var strokes [][]fyne.Position
	for s := range 3 {
		var stroke []fyne.Position
		for i := range 60 {
			x := 0.15 + 0.25*float64(s) + 0.2*float64(i)/60
			y := 0.5 + 0.18*math.Sin(float64(i)/7+float64(s)) + 0.05*math.Cos(float64(i)/3)
			stroke = append(stroke, fyne.NewPos(float32(x), float32(y)))
		}
		strokes = append(strokes, stroke)
	}
	return strokes
}

func (t *tour) bound() error {
	if err := t.wait(t.ui.T("M06.functions")); err != nil {
		return err
	}
	c, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	binding, err := t.client.Binding(t.ctx, c.ID)
	if err != nil {
		return err
	}
	if !binding.Here {
		return fmt.Errorf("the CA says %+v", binding)
	}
	return nil
}

func (t *tour) ink() error {
	c, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	ink, err := t.client.Ink(t.ctx, c.ID)
	if err != nil {
		return err
	}
	if len(ink.Strokes) != len(handwriting()) || len(ink.PNG) == 0 {
		return fmt.Errorf("stored %d strokes and %d bytes of picture", len(ink.Strokes), len(ink.PNG))
	}
	return nil
}

func (t *tour) main() error {
	c, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	if c.State != client.CertValid || c.Account != firstAccount {
		return fmt.Errorf("certificate %+v", c)
	}
	return t.see(c.Holder, "M06-main")
}

func (t *tour) renew() error {
	before, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	// The CA writes serial numbers as numbers, the app as bytes.
	if err := t.ca.Renew(t.ctx, strings.TrimLeft(strings.ToLower(before.Serial), "0")); err != nil {
		return err
	}
	if err := t.tap("M07.refresh"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M07.renewedTitle"), "M07-renewed"); err != nil {
		return err
	}
	if err := t.tap("understood"); err != nil {
		return err
	}
	after, err := t.client.Current(t.ctx)
	if err != nil || after.Serial == before.Serial {
		return fmt.Errorf("the certificate %s is still there: %w", after.Serial, err)
	}
	return nil
}

func (t *tour) details() error {
	if err := t.tap("M09.title"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M09.view"), "M09-certificate"); err != nil {
		return err
	}
	if err := t.tap("M09.view"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M09.fingerprints"), "M09-details"); err != nil {
		return err
	}
	if err := t.save("M09.exportPEM", results.cert); err != nil {
		return err
	}
	if err := t.save("M09.exportChain", results.chain); err != nil {
		return err
	}
	return t.home()
}

// save taps something that saves a file, lets it go to a name in the output directory, and waits until the app says so.
func (t *tour) save(key, name string) error {
	t.ui.HideToast()
	t.files.save = filepath.Join(t.cfg.Out, name)
	if err := t.tap(key); err != nil {
		return err
	}
	return t.wait(t.ui.T("saved", "name", name))
}

// home goes back until the main screen is there.
func (t *tour) home() error {
	for range 10 {
		if t.d.Sees(t.ui.T("M06.functions")) {
			return nil
		}
		t.d.Key(fyne.KeyEscape)
	}
	return fmt.Errorf("no way back to the main screen; on screen: %q", t.d.Texts())
}

// document is what the tour signs: Chinese text with line ends of both kinds and a byte that is no text.
const document = "知情同意书\r\n\n本人已阅读并同意上述治疗方案。\nInformed consent, signed by two parties.\x00\n"

func (t *tour) wrongPassword() error {
	path := filepath.Join(t.cfg.Out, results.document)
	if err := os.WriteFile(path, []byte(document), 0o644); err != nil {
		return err
	}
	t.files.open = path
	if err := t.tap("M15.title"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M15.chooseFile"), "M15-choose"); err != nil {
		return err
	}
	if err := t.tap("M15.chooseFile"); err != nil {
		return err
	}
	if err := t.see(results.document, "M15-file"); err != nil {
		return err
	}
	if err := t.tap("M15.sign"); err != nil {
		return err
	}
	if err := t.authenticate([]byte("Wrong2026")); err != nil {
		return err
	}
	return t.see(t.ui.N("error.password", 2), "M13-wrong-password")
}

func (t *tour) sign() error {
	if err := t.authenticate(t.password); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M15.verified"), "M15-result"); err != nil {
		return err
	}
	if err := t.save("M15.saveDER", results.der); err != nil {
		return err
	}
	if err := t.save("M15.saveP7S", results.p7s); err != nil {
		return err
	}
	if err := t.home(); err != nil {
		return err
	}
	if err := t.tap("M15.historyTitle"); err != nil {
		return err
	}
	if err := t.see(results.document, "M15-history"); err != nil {
		return err
	}
	return t.home()
}

func (t *tour) change() error {
	if err := t.tap("M19.title"); err != nil {
		return err
	}
	if err := t.wait(t.ui.T("M19.old")); err != nil {
		return err
	}
	fresh := []byte("Nk2026tour7")
	for _, f := range []struct {
		key   string
		value []byte
	}{{"M19.old", t.password}, {"password.new", fresh}, {"password.again", fresh}} {
		if err := t.d.Secret(t.ui.T(f.key), f.value); err != nil {
			return err
		}
	}
	t.capture("M19-change-password")
	if err := t.tap("M19.submit"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M19.done"), "M19-done"); err != nil {
		return err
	}
	old := t.password
	t.password = fresh
	c, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	docs := []client.Document{{Name: "after", Content: []byte("after the change")}}
	var wrong *client.PasswordError
	if _, err := t.client.Sign(t.ctx, c.ID, docs, old, nil); !errors.As(err, &wrong) {
		return fmt.Errorf("the old password: %v, want a wrong password", err)
	}
	if _, err := t.client.Sign(t.ctx, c.ID, docs, fresh, nil); err != nil {
		return fmt.Errorf("the new password: %w", err)
	}
	return t.home()
}

func (t *tour) second() error {
	first, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	if err := t.tap("M06.switch"); err != nil {
		return err
	}
	if err := t.tap("M12.newAccount"); err != nil {
		return err
	}
	if err := t.wait(t.ui.T("M01.heading")); err != nil {
		return err
	}
	if err := t.d.Type(t.ui.T("M01.account"), secondAccount); err != nil {
		return err
	}
	if err := t.tap("next"); err != nil {
		return err
	}
	if err := t.wait(t.ui.T("M04.codeHeading")); err != nil {
		return err
	}
	mine := t.password
	if err := t.enrol(secondAccount, "Second2026"); err != nil {
		return err
	}
	t.password = mine
	for range 2 { // binding and handwriting can wait
		if err := t.tap("skip"); err != nil {
			return err
		}
	}
	if err := t.wait(t.ui.T("M06.functions")); err != nil {
		return err
	}
	if now, err := t.client.Current(t.ctx); err != nil || now.Account != secondAccount {
		return fmt.Errorf("current certificate after the download: %s %w", now.Account, err)
	}
	if err := t.tap("M06.switch"); err != nil {
		return err
	}
	if err := t.see(first.Holder, "M12-switch"); err != nil {
		return err
	}
	if err := t.tapText(first.Holder); err != nil {
		return err
	}
	if err := t.tap("M12.finish"); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M06.functions"), "M12-switched"); err != nil {
		return err
	}
	if now, err := t.client.Current(t.ctx); err != nil || now.ID != first.ID {
		return fmt.Errorf("current certificate after the switch: %s %w", now.Account, err)
	}
	return nil
}

func (t *tour) about() error {
	if err := t.tap("M22.title"); err != nil {
		return err
	}
	if err := t.see(strings.TrimSuffix(t.ca.Addresses().API, "/"), "M22-about"); err != nil {
		return err
	}
	return t.home()
}

func (t *tour) reopen() error {
	if err := t.restart(); err != nil {
		return err
	}
	if err := t.see(t.ui.T("M06.functions"), "R1-reopened"); err != nil {
		return err
	}
	c, err := t.client.Current(t.ctx)
	if err != nil {
		return err
	}
	if c.Account != firstAccount || !c.Bound || !c.HasInk {
		return fmt.Errorf("after the restart: %+v", c)
	}
	history, err := t.client.History(t.ctx, c.ID)
	if err != nil {
		return err
	}
	if len(history) != 2 {
		return fmt.Errorf("%d signatures in the history, want 2", len(history))
	}
	if err := t.client.Verify(t.ctx, history[1], []byte(document)); err != nil {
		return err
	}
	_, err = t.client.Sign(t.ctx, c.ID, []client.Document{{Name: "again", Content: []byte("after the restart")}}, t.password, nil)
	return err
}
