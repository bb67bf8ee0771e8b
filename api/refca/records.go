package refca

import (
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// table is a bucket of JSON records of one type.
type table[T any] string

// The buckets. Secret scalars are raw bytes in buckets of their own, never JSON.
const (
	accounts     = table[account]("accounts")         // by account
	devices      = table[device]("devices")           // by device ID
	enrolments   = table[enrolment]("enrolments")     // by enrolment ID
	keys         = table[key]("keys")                 // by key ID
	certificates = table[certificate]("certificates") // by serial number, hex
	tokens       = table[token]("tokens")             // by SHA-256 of the token
	inks         = table[ink]("handwriting")          // by key ID
	seals        = table[sealList]("seals")           // by key ID
	messages     = table[message]("outbox")           // by number
	unsent       = table[message]("unsent")           // what an unknown account would have got
	answers      = table[answer]("answers")           // by device ID and idempotency key
	limits       = table[[]time.Time]("limits")       // by kind and subject: when it happened
	captchas     = table[captchaRecord]("captchas")   // by captcha ID
	smsCodes     = table[smsCode]("smsCodes")         // by key ID
	releases     = table[gen.Release]("releases")     // by platform
	audits       = table[auditEntry]("audit")         // by sequence number

	shareBucket  = "shares"    // cosign.ServerKey by key ID
	guardBucket  = "guards"    // cosign.Guard by key ID
	nonceBucket  = "nonces"    // Unix seconds of creation by device and nonce
	secretBucket = "authority" // keys and certificates of the CA by name
	metaBucket   = "meta"
)

func (t table[T]) get(tx *store.Tx, k string) (v T, ok bool, err error) {
	raw := tx.Get(string(t), k)
	if raw == nil {
		return v, false, nil
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false, fmt.Errorf("refca: record in %s: %w", string(t), err)
	}
	return v, true, nil
}

func (t table[T]) put(tx *store.Tx, k string, v T) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("refca: record in %s: %w", string(t), err)
	}
	return tx.Put(string(t), k, raw)
}

// append puts v after all others of a table whose keys are 16 hex digits.
func (t table[T]) append(tx *store.Tx, v T) error {
	var last uint64
	for k := range tx.Backward(string(t), "") {
		if _, err := fmt.Sscanf(k, "%016x", &last); err != nil {
			return fmt.Errorf("refca: key %q in %s: %w", k, string(t), err)
		}
		break
	}
	return t.put(tx, fmt.Sprintf("%016x", last+1), v)
}

func (t table[T]) delete(tx *store.Tx, k string) error { return tx.Delete(string(t), k) }

// all ranges over the records whose key begins with prefix. A record that cannot be read ends the range with its error in *err.
func (t table[T]) all(tx *store.Tx, prefix string, err *error) iter.Seq2[string, T] {
	return t.decode(tx.All(string(t), prefix), err)
}

// newest is all in descending order of the keys.
func (t table[T]) newest(tx *store.Tx, prefix string, err *error) iter.Seq2[string, T] {
	return t.decode(tx.Backward(string(t), prefix), err)
}

func (t table[T]) decode(raw iter.Seq2[string, []byte], err *error) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for k, b := range raw {
			var v T
			if e := json.Unmarshal(b, &v); e != nil {
				*err = fmt.Errorf("refca: record in %s: %w", string(t), e)
				return
			}
			if !yield(k, v) {
				return
			}
		}
	}
}

type account struct {
	ID           string
	Holder       string
	Unit         string
	Phone        string
	MayAuthorize bool // may let others sign with their certificate
	BoundDevice  string
	BoundSince   time.Time
}

type device struct {
	ID         string
	PublicKey  []byte // SubjectPublicKeyInfo, DER
	Name       string
	Platform   string
	SealKey    []byte // X25519 public key
	Registered time.Time
}

// enrolment is a download that waits for its SMS password, or for its certificate. One for an account that does not exist
// looks the same but has Known false, and no code ever fits.
type enrolment struct {
	ID, Account, Device string
	Known               bool
	CodeMAC             []byte // of the code that was sent last; the code itself is in the outbox only
	CodeExpires         time.Time
	TriesLeft           int
	Sent                int // messages so far
	ResendAfter         time.Time
	Verified            time.Time // zero: not yet
	KeyID               string    // confirmed key, empty before
	Done                bool      // the certificate was issued
	Created             time.Time
}

type key struct {
	ID, Device, Account, Enrolment string
	PublicKey                      []byte // uncompressed point
	Serial                         string // of its certificate, empty before
	Created                        time.Time
	Removed                        time.Time // zero: in use
}

type certificate struct {
	Serial, KeyID, Account, Holder string
	DER                            []byte
	NotBefore, NotAfter            time.Time
	Issued                         time.Time
	Revoked                        time.Time
	Suspended                      time.Time
}

type token struct {
	Device, KeyID, Operation string
	ContentDigest            []byte // of the body it is good for; nil: any
	Expires                  time.Time
}

type ink struct {
	Account string
	Body    json.RawMessage // gen.Handwriting
	Stored  time.Time
}

// sealList are the seals of a certificate in the order they were made.
type sealList struct {
	Default string // ID
	Seals   []seal
}

type seal struct {
	ID  string
	DER []byte // api.ESeal, signed
}

// message is an SMS of the outbox. Nothing is ever sent.
type message struct {
	Account, Holder, Phone, Purpose, Text string
	Code                                  string
	Time                                  time.Time
}

// answer is what an idempotency key got.
type answer struct {
	Operation string // operation and path
	Body      []byte // SHA-256 of the request body
	Status    int
	Content   []byte
	Time      time.Time
}
