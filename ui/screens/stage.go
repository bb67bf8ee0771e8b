package main

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"cloudkey/client"
	"cloudkey/ui"
	"cloudkey/ui/drive"
	"cloudkey/ui/style"
)

// look is one of the ways in which each screen is drawn.
type look struct {
	lang string
	mode style.Mode
	size fyne.Size
}

func (l look) String() string {
	mode := "light"
	if l.mode == style.ModeDark {
		mode = "dark"
	}
	return fmt.Sprintf("%s-%s-%.0fx%.0f", l.lang, mode, l.size.Width, l.size.Height)
}

// looks are all ways: {zh, en} × {light, dark} × {phone, desktop}.
func looks() []look {
	var out []look
	for _, lang := range []string{"zh", "en"} {
		for _, mode := range []style.Mode{style.ModeLight, style.ModeDark} {
			for _, size := range []fyne.Size{{Width: 390, Height: 844}, {Width: 1280, Height: 800}} {
				out = append(out, look{lang, mode, size})
			}
		}
	}
	return out
}

// stage is the app with a made-up client in a window in memory. The first mistake ends a scene by a panic with sceneError.
type stage struct {
	*drive.Driver
	ui    *ui.UI
	fake  *drive.Fake
	files *drive.Files
	clock *drive.Clock
	ctx   context.Context
	app   fyne.App
}

type sceneError struct{ error }

// now is the time on every picture.
var now = time.Date(2026, 3, 18, 9, 30, 0, 0, time.UTC)

// newStage builds the app; nothing is on the device yet.
func newStage(ctx context.Context, l look, scale float32) *stage {
	app := test.NewApp()
	app.Preferences().SetString("language", l.lang)
	app.Preferences().SetInt("appearance", int(l.mode))
	app.Preferences().SetFloat("textScale", float64(scale))
	clock := drive.NewClock(now)
	s := &stage{fake: &drive.Fake{Clock: clock}, files: &drive.Files{}, clock: clock, ctx: ctx, app: app}
	win := app.NewWindow("")
	win.Resize(l.size)
	loop := drive.NewLoop()
	s.Driver = &drive.Driver{Window: win, Loop: loop}
	s.fixtures(l.lang)
	s.ui = ui.New(win, ui.Deps{
		Services: ui.ServicesOf(s.fake), Do: loop.Do, Clock: clock, Files: s.files, Preferences: app.Preferences(),
		Licences: "fyne.io/fyne/v2\nBSD-3-Clause\nCopyright (C) 2018 Fyne.io developers (see AUTHORS)",
	})
	win.Resize(l.size)
	return s
}

func (s *stage) fixtures(lang string) {
	org := client.Organisation{
		ID: "demo", Name: "示范医院", API: "https://ca.hospital.example:8443/v1", Cosign: "https://sign.hospital.example:8443/v1",
		Fingerprint: strings.Repeat("3FA4916C", 8), Hotline: "400-800-1234",
	}
	holder, device := "张伟", "张伟的手机"
	if lang == "en" {
		org.Name, holder, device = "Demo Hospital", "Zhang Wei", "Zhang Wei's phone"
	}
	cert := client.Certificate{
		ID: "cert1", Organisation: org, Account: "10001", Holder: holder, Phone: "138****0001", Serial: "4A61F2093BD7C8E15540",
		Algorithm: "SM2", NotBefore: now.AddDate(0, -4, 0), NotAfter: now.AddDate(2, 8, 0), State: client.CertValid,
		Profile: client.ProfileReady, Bound: true,
	}
	s.fake.Offer = &client.InitOffer{Organisation: org, Host: "ca.hospital.example:8443", Signer: org.Name + " QR", Expires: now.AddDate(0, 1, 0)}
	s.fake.Enrolment = client.Enrolment{ID: "e1", Organisation: org, Account: "10001", PhoneHint: "138****0001", Expires: now.Add(10 * time.Minute), ResendAfter: now.Add(time.Minute)}
	s.fake.Issued = cert
	s.fake.Bound = client.DeviceBinding{}
	s.fake.Info = client.About{Version: "0.1.0", Build: "1", Organisation: &org, DataDir: "/home/user/.local/share/cloudkey", CheckUpdates: client.UpdateWeekly}
	s.fake.Detail = client.CertificateDetails{
		Certificate: cert,
		Subject:     []client.Attribute{{Name: "C", Value: "CN"}, {Name: "O", Value: org.Name}, {Name: "OU", Value: "心内科"}, {Name: "CN", Value: holder}, {Name: "UID", Value: "10001"}},
		Issuer:      []client.Attribute{{Name: "C", Value: "CN"}, {Name: "O", Value: org.Name}, {Name: "CN", Value: org.Name + " CA"}},

		SignatureAlgorithm: "SM2-with-SM3", PublicKeyAlgorithm: "SM2 (sm2p256v1)", PublicKey: "04" + strings.Repeat("9C1F07B2D35E84A6", 8),
		KeyUsages: []string{"digitalSignature", "nonRepudiation"},
		Extensions: []client.Attribute{
			{Name: "basicConstraints", Value: "CA:FALSE"}, {Name: "subjectKeyIdentifier", Value: "5C:0A:93:EE:41:7B:20:D8:66:1F"},
			{Name: "", OID: "1.2.156.10260.4.1.1", Value: "10001"},
		},
		SM3: strings.Repeat("7D02B15A", 8), SHA256: strings.Repeat("E91C440F", 8), DER: []byte{0x30}, PEM: []byte("-----BEGIN CERTIFICATE-----\n"), Chain: []byte("-----BEGIN CERTIFICATE-----\n"),
	}
	s.fake.Detail.Bound = true
	s.fake.Bound = client.DeviceBinding{Bound: true, Here: true, Device: device, Since: now.AddDate(0, -4, 0)}
}

// owned puts certificates on the device, the first one chosen.
func (s *stage) owned() {
	c := s.fake.Issued
	c.Current = true
	second := c
	second.ID, second.Account, second.Current = "cert2", "10002", false
	second.Holder, second.NotAfter = "李娜", now.AddDate(0, 0, 12)
	third := second
	third.ID, third.Holder, third.Profile, third.Account = "cert3", "", client.ProfileMustPassword, "20417"
	third.Organisation = client.Organisation{ID: "tax", Name: "国家税务总局示范市税务局", API: "https://ca.tax.example/v1"}
	if s.ui.Words().Tag() == "en" {
		second.Holder, third.Organisation.Name = "Li Na", "Demo City Tax Service"
	}
	s.fake.Certs = []client.Certificate{c, second, third}
	s.fake.Orgs = []client.Organisation{c.Organisation, third.Organisation}
	s.fake.Records = []client.SignatureRecord{
		s.record("手术知情同意书.pdf", "Consent form.pdf", 482113, now.Add(-20*time.Minute)),
		s.record("2026年3月排班表.xlsx", "Rota March 2026.xlsx", 23504, now.Add(-70*time.Minute)),
		s.record("我同意以上全部条款。", "I agree to all of the above.", 30, now.Add(-26*time.Hour)),
	}
}

func (s *stage) record(zh, en string, size int64, at time.Time) client.SignatureRecord {
	name := zh
	if s.ui.Words().Tag() == "en" {
		name = en
	}
	c := s.fake.Issued
	digest := bytes.Repeat([]byte{0x5B, 0x21, 0xC0, 0x9F}, 8)
	return client.SignatureRecord{ID: zh, CertificateID: c.ID, Holder: c.Holder, Account: c.Account, Document: name, Size: size, Digest: digest, Signature: []byte("der"), SignedData: []byte("p7s"), Serial: c.Serial, Time: at}
}

// start opens the app and waits for a text.
func (s *stage) start(key string) {
	s.ui.Start(s.ctx)
	s.see(key)
}

func (s *stage) must(err error) {
	if err != nil {
		panic(sceneError{err})
	}
}

// see waits for the text of a key.
func (s *stage) see(key string, pairs ...any) { s.must(s.WaitFor(s.ctx, s.ui.T(key, pairs...))) }

// at waits for a page by the key of its title.
func (s *stage) at(key string) {
	s.must(s.Loop.Until(s.ctx, func() bool { return s.ui.Current() == s.ui.T(key) }))
}

// tap taps what carries the text of a key, as soon as it can be used.
func (s *stage) tap(key string) {
	text := s.ui.T(key)
	s.must(s.Loop.Until(s.ctx, func() bool { return s.Enabled(text) }))
	s.must(s.Tap(text))
}

func (s *stage) typed(key, text string)  { s.must(s.Type(s.ui.T(key), text)) }
func (s *stage) secret(key, text string) { s.must(s.Secret(s.ui.T(key), []byte(text))) }
func (s *stage) called(method string) {
	s.must(s.Loop.Until(s.ctx, func() bool { return slices.Contains(s.fake.Calls(), method) }))
}
func (s *stage) picture(i image.Image) {
	s.files.Picture = drive.Open("qr.png", bytes.NewReader(encode(i)))
}
func (s *stage) document(name, text string) {
	s.files.File = drive.Open(name, strings.NewReader(text))
}

func encode(i image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, i); err != nil {
		panic(sceneError{err})
	}
	return b.Bytes()
}

// blank is a picture without a code.
func blank() image.Image {
	i := image.NewGray(image.Rect(0, 0, 120, 120))
	draw.Draw(i, i.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	return i
}

// handwriting is made up of two loops and a tail, sampled as a finger would be.
func handwriting() [][]fyne.Position {
	loop := func(x, y, w, h, turns float64) []fyne.Position {
		var out []fyne.Position
		for t := 0.0; t <= 1; t += 0.012 {
			a := t * turns * 2 * math.Pi
			out = append(out, fyne.NewPos(float32(x+w*t+w*0.14*math.Sin(a)), float32(y-h*math.Cos(a)*(1-0.55*t))))
		}
		return out
	}
	return [][]fyne.Position{loop(.16, .42, .3, .13, 2.2), loop(.5, .45, .34, .16, 3.4)}
}
