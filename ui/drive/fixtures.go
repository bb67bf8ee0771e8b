package drive

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"
	"strings"
	"time"

	"cloudkey/client"
	"cloudkey/ui"
)

// NewFake returns a client on which nothing has been downloaded, with the demo organisation to be scanned; names are in the
// language lang.
func NewFake(clock ui.Clock, lang string) *Fake {
	now := clock.Now()
	f := &Fake{Clock: clock, english: lang == "en"}

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
	f.Offer = &client.InitOffer{Organisation: org, Host: "ca.hospital.example:8443", Signer: org.Name + " QR", Expires: now.AddDate(0, 1, 0)}
	f.Enrolment = client.Enrolment{ID: "e1", Organisation: org, Account: "10001", PhoneHint: "138****0001", Expires: now.Add(10 * time.Minute), ResendAfter: now.Add(time.Minute)}
	f.Issued = cert
	f.Bound = client.DeviceBinding{}
	f.Info = client.About{Version: "0.1.0", Build: "1", Organisation: &org, DataDir: "/home/user/.local/share/cloudkey", CheckUpdates: client.UpdateWeekly}
	f.Detail = client.CertificateDetails{
		Certificate: cert,
		Subject:     []client.Attribute{{Name: "C", Value: "CN"}, {Name: "O", Value: org.Name}, {Name: "OU", Value: "心内科"}, {Name: "CN", Value: holder}, {Name: "UID", Value: "10001"}},
		Issuer:      []client.Attribute{{Name: "C", Value: "CN"}, {Name: "O", Value: org.Name}, {Name: "CN", Value: org.Name + " CA"}},

		SignatureAlgorithm: "SM2-with-SM3", PublicKeyAlgorithm: "SM2 (sm2p256v1)", PublicKey: "04" + strings.Repeat("9C1F07B2D35E84A6", 8),
		KeyUsages: []string{"digitalSignature", "nonRepudiation"},
		Extensions: []client.Attribute{
			{Name: "basicConstraints", Value: "CA:FALSE"},
			{Name: "subjectKeyIdentifier", Value: "5C:0A:93:EE:41:7B:20:D8:66:1F"},
			{Name: "", OID: "1.2.156.10260.4.1.1", Value: "10001"},
		},
		SM3: strings.Repeat("7D02B15A", 8), SHA256: strings.Repeat("E91C440F", 8), DER: []byte{0x30}, PEM: []byte("-----BEGIN CERTIFICATE-----\n"), Chain: []byte("-----BEGIN CERTIFICATE-----\n"),
	}
	f.Detail.Bound = true
	f.Bound = client.DeviceBinding{Bound: true, Here: true, Device: device, Since: now.AddDate(0, -4, 0)}
	return f
}

// Own puts certificates on the device, the first one chosen.
func (f *Fake) Own() {
	now := f.Clock.Now()
	c := f.Issued
	c.Current = true
	second := c
	second.ID, second.Account, second.Current = "cert2", "10002", false
	second.Holder, second.NotAfter = "李娜", now.AddDate(0, 0, 12)
	third := second
	third.ID, third.Holder, third.Profile, third.Account = "cert3", "", client.ProfileMustPassword, "20417"
	third.Organisation = client.Organisation{ID: "tax", Name: "国家税务总局示范市税务局", API: "https://ca.tax.example/v1"}
	if f.english {
		second.Holder, third.Organisation.Name = "Li Na", "Demo City Tax Service"
	}
	f.Certs = []client.Certificate{c, second, third}
	f.Orgs = []client.Organisation{c.Organisation, third.Organisation}
	f.Records = []client.SignatureRecord{
		f.record("手术知情同意书.pdf", "Consent form.pdf", 482113, now.Add(-20*time.Minute)),
		f.record("2026年3月排班表.xlsx", "Rota March 2026.xlsx", 23504, now.Add(-70*time.Minute)),
		f.record("我同意以上全部条款。", "I agree to all of the above.", 30, now.Add(-26*time.Hour)),
	}
}

func (f *Fake) record(zh, en string, size int64, at time.Time) client.SignatureRecord {
	name := zh
	if f.english {
		name = en
	}
	c := f.Issued
	digest := bytes.Repeat([]byte{0x5B, 0x21, 0xC0, 0x9F}, 8)
	return client.SignatureRecord{ID: zh, CertificateID: c.ID, Holder: c.Holder, Account: c.Account, Document: name, Size: size, Digest: digest, Signature: []byte("der"), SignedData: []byte("p7s"), Serial: c.Serial, Time: at}
}

// Signature is a handwritten signature as a transparent PNG.
func Signature() []byte {
	ink := image.NewNRGBA(image.Rect(0, 0, 360, 150))
	for i := range 2600 { // a loop that runs to the right and swings
		at := float64(i) / 2600
		x := 25 + 300*at + 18*math.Cos(at*40)
		y := 75 + 48*math.Sin(at*40)*(1-0.6*at)
		w := 2.2 + 1.6*math.Abs(math.Cos(at*40))
		for dx := -w; dx <= w; dx++ {
			for dy := -w; dy <= w; dy++ {
				if dx*dx+dy*dy <= w*w {
					ink.Set(int(x+dx), int(y+dy), color.NRGBA{R: 20, G: 24, B: 60, A: 255})
				}
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, ink); err != nil {
		panic(err) // a buffer takes everything
	}
	return b.Bytes()
}
