// Package client holds the use cases of the cloud-key client: initialising from an organisation's QR code, downloading a
// certificate, signing, changing the password. It joins api (the CA over REST), cosign (the two-party protocol) and
// keystore (what is on the device) and knows no screen: the ui package and the tour call it through small interfaces.
//
// Every method takes a context first, is safe for concurrent use, and returns typed errors of this package or of the
// packages below it. Passwords come in as []byte and stay the caller's: a method never keeps, copies to a string or wipes
// what it was handed.
package client

import "time"

// Organisation is a CA service this device was initialised for (用户单位).
type Organisation struct {
	ID          string
	Name        string
	API         string // base URL of the certificate service, https
	Cosign      string // base URL of the co-signing service, https
	Fingerprint string // SM3 of the CA certificate, upper-case hex in pairs of bytes
	Hotline     string // telephone number shown in 关于, may be empty
}

// InitOffer is a verified init QR that has not been accepted: nothing has been sent or stored.
type InitOffer struct {
	Organisation Organisation
	Host         string        // host[:port] of the service address, as the user must compare it
	Signer       string        // common name of the certificate that signed the QR
	Expires      time.Time     // the QR's own expiry
	Replaces     *Organisation // the configuration on this device with the same ID, or nil

	// NeedsCode says that the signer chains to no trust anchor on this device: the user must type the 8-character code
	// that the organisation hands out before AcceptInit goes through.
	NeedsCode bool

	Token any // for AcceptInit; opaque to callers
}

// ProfileState is how far a certificate on this device has come.
type ProfileState int

// The states in their order. A profile in any state but ProfileReady is resumed by the flow that made it.
const (
	ProfileKeyed        ProfileState = iota + 1 // key shared with the CA, certificate not issued yet
	ProfileMustPassword                         // certificate issued, the SMS password not replaced yet
	ProfileReady
)

// CertState is what the certificate may be used for now.
type CertState int

// Certificate states shown on 主界面 and 证书信息.
const (
	CertValid CertState = iota + 1
	CertNotYetValid
	CertExpired
	CertRevoked
	CertSuspended
)

// Certificate is a certificate on this device as lists and the main screen show it.
type Certificate struct {
	ID           string // identifies the profile on this device
	Organisation Organisation
	Account      string // 用户 ID / 工号
	Holder       string // subject common name
	Phone        string // masked, e.g. 138****0001
	Serial       string // upper-case hex
	Algorithm    string // "SM2"
	NotBefore    time.Time
	NotAfter     time.Time
	State        CertState
	Profile      ProfileState
	Current      bool
	Bound        bool // 绑定设备 done on this device
	HasInk       bool // a handwritten signature is stored
}

// Attribute is one line of the certificate details, already in display form. Name is a language-neutral key such as
// "CN", "O", "keyUsage"; Value is not translated.
type Attribute struct {
	Name  string
	OID   string // dotted, for names this program does not know
	Value string
}

// CertificateDetails is everything 查看证书 shows.
type CertificateDetails struct {
	Certificate
	Subject            []Attribute
	Issuer             []Attribute
	SignatureAlgorithm string // e.g. "SM2-with-SM3"
	PublicKeyAlgorithm string
	PublicKey          string      // uncompressed point or modulus, upper-case hex
	KeyUsages          []string    // names of RFC 5280 §4.2.1.3, e.g. "digitalSignature"
	Extensions         []Attribute // without the key usage
	SM3                string      // fingerprint, upper-case hex in pairs of bytes
	SHA256             string
	DER                []byte
	PEM                []byte
	Chain              []byte // PEM, issuing CA first, root last
}

// Document is a file or a text of the user's own to be signed. Content is hashed in streaming fashion by Sign.
type Document struct {
	Name    string
	Content []byte // at most MaxDocument bytes
}

// MaxDocument is the largest document Sign accepts, in bytes.
const MaxDocument = 64 << 20

// SignatureRecord is one finished signature of 签名记录.
type SignatureRecord struct {
	ID            string
	CertificateID string
	Holder        string
	Account       string
	Document      string // file name, or the beginning of the text
	Size          int64  // bytes
	Digest        []byte // SM3 of the document, 32 bytes
	Signature     []byte // DER, SEQUENCE of r and s (GB/T 35276)
	SignedData    []byte // detached SignedData (GB/T 35275), DER
	Serial        string
	Time          time.Time
}

// Step names a stage of a long operation, for progress.
type Step int

// The steps of Enrol in their order, then those of Sign.
const (
	StepIdentity Step = iota + 1 // 身份认证
	StepKey                      // 与 CA 共同生成密钥
	StepRequest                  // 申请证书
	StepStore                    // 保存到本机
	StepHash
	StepCosign
	StepVerify
)

// Progress is called from the goroutine that does the work; it must not block.
type Progress func(Step)

// Enrolment is a download that waits for its SMS password.
type Enrolment struct {
	ID           string
	Organisation Organisation
	Account      string
	PhoneHint    string // masked number the password went to; the same form for unknown accounts
	Expires      time.Time
	ResendAfter  time.Time
}

// Pending is an unfinished first use found when the app starts or 下载证书 is opened again.
type Pending struct {
	Enrolment   *Enrolment   // the SMS password has not been accepted yet
	Certificate *Certificate // the certificate is here, its first password is not (or the key is, the certificate not)
}

// About is what 关于 shows.
type About struct {
	Version      string
	Build        string
	Organisation *Organisation // of the current certificate, nil before initialisation
	WeakStore    bool          // the store key lies in a file instead of an OS keyring or hardware key
	DataDir      string
	CheckUpdates UpdateFrequency
}

// UpdateFrequency is how often the app looks for a new version by itself.
type UpdateFrequency int

// 每次启动, 每天, 每周, 从不.
const (
	UpdateAtStart UpdateFrequency = iota
	UpdateDaily
	UpdateWeekly
	UpdateNever
)

// Release is an offered version whose signature has been checked.
type Release struct {
	Version string
	Notes   string
	Size    int64 // bytes
	SHA256  string
	URL     string
}

// Ink is a captured handwritten signature (签名采集).
type Ink struct {
	PNG     []byte     // transparent, trimmed
	Strokes [][]InkDot // in drawing order
}

// InkDot is one point of a stroke. X and Y are in device-independent pixels of the canvas, T counts from the first point.
type InkDot struct {
	X, Y float32
	T    time.Duration
}

// DeviceBinding is what 绑定设备 shows.
type DeviceBinding struct {
	Bound  bool
	Here   bool // bound to this very device
	Device string
	Since  time.Time
}
