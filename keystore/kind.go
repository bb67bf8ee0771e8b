package keystore

import "fmt"

// Kind is the kind of a record. The numbers are part of the file format.
type Kind byte

// Kinds of records.
const (
	KindOrganisation   Kind = 1
	KindProfile        Kind = 2
	KindShare          Kind = 3
	KindDeviceKey      Kind = 4
	KindEnrolment      Kind = 5
	KindPendingRequest Kind = 6
	KindHistory        Kind = 7 // head of a signature history
	KindSignature      Kind = 8 // entry of a signature history
	KindInk            Kind = 9
	KindSettings       Kind = 10
	KindCurrent        Kind = 11 // choice of the current profile
	KindSealedKey      Kind = 12
	KindPassword       Kind = 13 // cached password

	kindRoot Kind = 0xF0
	kindLeaf Kind = 0xF1
)

func (k Kind) String() string {
	switch k {
	case KindOrganisation:
		return "organisation"
	case KindProfile:
		return "profile"
	case KindShare:
		return "key share"
	case KindDeviceKey:
		return "device key"
	case KindEnrolment:
		return "enrolment"
	case KindPendingRequest:
		return "pending request"
	case KindHistory:
		return "signature history"
	case KindSignature:
		return "signature"
	case KindInk:
		return "handwritten signature"
	case KindSettings:
		return "settings"
	case KindCurrent:
		return "current profile"
	case KindSealedKey:
		return "private key"
	case KindPassword:
		return "cached password"
	case kindRoot, kindLeaf:
		return "manifest"
	}
	return fmt.Sprintf("record of kind %d", byte(k))
}
