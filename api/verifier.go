package api

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"

	"cloudkey/api/gen"
)

// Freshness is how far a signature's created time may lie from the server's clock, in either direction.
const Freshness = 60 * time.Second

// ErrUnknownDevice is what Verifier.Key returns for a deviceId that is not registered.
var ErrUnknownDevice = errors.New("api: unknown device")

// Nonces remembers which nonces a device has used. It must be safe for concurrent use, and durable where a restart within
// two minutes must not open a door for replays; NonceCache closes that door another way.
type Nonces interface {
	// Use records the nonce until the time given and says whether it is new. Of several concurrent calls with the same
	// device and nonce exactly one gets true. An error that is a *Problem reaches the client as it is.
	Use(ctx context.Context, deviceID, nonce string, until time.Time) (bool, error)
}

// Verifier checks the device signature of requests on the server's side. It is safe for concurrent use.
type Verifier struct {
	Key         func(ctx context.Context, deviceID string) (*ecdsa.PublicKey, error) // ErrUnknownDevice when unknown
	Nonces      Nonces
	Now         func() time.Time
	Authorities []string // the host[:port] this service answers for; empty: any Host header is believed
}

// Verify checks everything that the contract asks of a signed request and returns the deviceId. It reads the body
// (MaxRequest bytes at most) and puts it back into r. The nonce is used up only when all else is right, so that nobody
// can burn a device's nonces. A refusal is a *Problem: badSignature, clockSkew with the server's time, or tooLarge; its
// Detail tells developers which check failed. Other errors are the Verifier's own (key or nonce store).
func (v *Verifier) Verify(r *http.Request) (deviceID string, err error) {
	s, err := v.open(r)
	if err != nil {
		return "", err
	}
	// Before the body: a stranger is not worth a megabyte.
	key, err := v.Key(r.Context(), s.keyID)
	if errors.Is(err, ErrUnknownDevice) {
		return "", refuse("unknown keyid")
	}
	if err != nil {
		return "", fmt.Errorf("api: device key: %w", err)
	}
	body, err := s.cover(r)
	if err != nil {
		return "", err
	}
	if err := v.finish(r, s, body, key); err != nil {
		return "", err
	}
	return s.keyID, nil
}

// VerifyRegistration is Verify for registerDevice: the key comes from the body, and keyid must be its deviceId. It returns
// the registration, decoded strictly; a body that is none is invalidRequest.
func (v *Verifier) VerifyRegistration(r *http.Request) (deviceID string, registration gen.DeviceRegistration, err error) {
	s, err := v.open(r)
	if err != nil {
		return "", registration, err
	}
	body, err := s.cover(r)
	if err != nil {
		return "", registration, err
	}
	if err := DecodeRequest(body, &registration); err != nil {
		return "", registration, NewProblem(gen.ProblemCodeInvalidRequest, err.Error())
	}
	key, err := ParseDevicePublicKey(registration.PublicKey)
	if err != nil {
		return "", registration, NewProblem(gen.ProblemCodeInvalidRequest, err.Error())
	}
	if id, err := DeviceID(key); err != nil || id != s.keyID {
		return "", registration, refuse("keyid is not the deviceId of publicKey")
	}
	if err := v.finish(r, s, body, key); err != nil {
		return "", gen.DeviceRegistration{}, err
	}
	return s.keyID, registration, nil
}

func refuse(detail string) *Problem { return NewProblem(gen.ProblemCodeBadSignature, detail) }

// open checks what needs neither key nor body.
func (v *Verifier) open(r *http.Request) (*deviceSignature, error) {
	s, err := parseSignature(r.Header)
	if err != nil {
		return nil, refuse(err.Error())
	}
	now := v.Now()
	if age := now.Sub(s.created); age > Freshness || age < -Freshness {
		p := NewProblem(gen.ProblemCodeClockSkew, "created is not within 60 seconds of serverTime")
		p.ServerTime = now.UTC()
		return nil, p
	}
	if len(v.Authorities) > 0 && !slices.Contains(v.Authorities, r.Host) {
		return nil, refuse("request is for another authority")
	}
	if !strings.HasPrefix(r.RequestURI, "/") {
		return nil, refuse("request target is not in origin form")
	}
	return s, nil
}

// cover reads the body, checks that the signature covers all it must, and builds the base.
func (s *deviceSignature) cover(r *http.Request) ([]byte, error) {
	body, err := readBody(r)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		if !hasType(r.Header, contentJSON) {
			return nil, NewProblem(gen.ProblemCodeInvalidRequest, "content type is not "+contentJSON)
		}
		if r.Header.Get(headerContentDigest) != contentDigest(body) {
			return nil, refuse("content digest is not that of the body")
		}
	}
	if want := coveredComponents(r.Header, len(body) > 0); !sameSet(want, s.components) {
		return nil, refuse(fmt.Sprintf("covered components are not %q", want))
	}
	s.base, err = signatureBase(r.Method, "https://"+r.Host+r.RequestURI, r.Header, s.components, s.params)
	if err != nil {
		return nil, refuse(err.Error())
	}
	return body, nil
}

func (v *Verifier) finish(r *http.Request, s *deviceSignature, body []byte, key *ecdsa.PublicKey) error {
	digest := sha256.Sum256(s.base)
	x, y := new(big.Int).SetBytes(s.value[:32]), new(big.Int).SetBytes(s.value[32:])
	if !ecdsa.Verify(key, digest[:], x, y) {
		return refuse("signature does not verify")
	}
	fresh, err := v.Nonces.Use(r.Context(), s.keyID, s.nonce, s.created.Add(2*Freshness))
	var problem *Problem
	if errors.As(err, &problem) {
		return problem
	}
	if err != nil {
		return fmt.Errorf("api: nonces: %w", err)
	}
	if !fresh {
		return refuse("nonce was used before")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxRequest+1))
	if len(body) > MaxRequest {
		return nil, NewProblem(gen.ProblemCodeTooLarge, "body is larger than 1 MiB")
	}
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, NewProblem(gen.ProblemCodeTooLarge, "body is too large")
	}
	if err != nil {
		return nil, NewProblem(gen.ProblemCodeInvalidRequest, "body was cut off")
	}
	return body, nil
}

// deviceSignature is a parsed Signature and Signature-Input pair.
type deviceSignature struct {
	components []string
	params     string // re-serialised inner list, last line of the base
	created    time.Time
	nonce      string
	keyID      string
	value      []byte // r ‖ s, 64 bytes
	base       []byte
}

const maxSignatureHeader = 2048 // bytes

// parseSignature reads the headers of RFC 9421 §4 with the label and the parameters of the contract, and no others.
func parseSignature(header http.Header) (*deviceSignature, error) {
	inputs, err := dictionary(header, headerSignatureInput)
	if err != nil {
		return nil, err
	}
	values, err := dictionary(header, headerSignature)
	if err != nil {
		return nil, err
	}
	member, ok := inputs.Get(signatureLabel)
	list, isList := member.(httpsfv.InnerList)
	if !ok || !isList {
		return nil, errors.New("no Signature-Input with the label device")
	}
	member, ok = values.Get(signatureLabel)
	item, isItem := member.(httpsfv.Item)
	if !ok || !isItem {
		return nil, errors.New("no Signature with the label device")
	}
	s := &deviceSignature{}
	if s.value, ok = item.Value.([]byte); !ok || len(s.value) != 64 {
		return nil, errors.New("signature is not 64 bytes")
	}
	for _, component := range list.Items {
		name, ok := component.Value.(string)
		if !ok || len(component.Params.Names()) != 0 || slices.Contains(s.components, name) {
			return nil, errors.New("component with a parameter, or twice")
		}
		s.components = append(s.components, name)
	}
	if err := s.readParams(list.Params); err != nil {
		return nil, err
	}
	if s.params, err = httpsfv.Marshal(list); err != nil {
		return nil, errors.New("Signature-Input cannot be serialised")
	}
	return s, nil
}

func (s *deviceSignature) readParams(params *httpsfv.Params) error {
	text := make(map[string]string)
	for _, name := range params.Names() {
		value, _ := params.Get(name)
		switch name {
		case "created":
			seconds, ok := value.(int64)
			if !ok || seconds < 0 || seconds > 1<<40 {
				return errors.New("created is not a time")
			}
			s.created = time.Unix(seconds, 0)
		case "nonce", "alg", "keyid", "tag":
			v, ok := value.(string)
			if !ok {
				return fmt.Errorf("%s is not a string", name)
			}
			text[name] = v
		default:
			return fmt.Errorf("unexpected parameter %q", name)
		}
	}
	s.nonce, s.keyID = text["nonce"], text["keyid"]
	nonce, err := decodeBase64URL(s.nonce)
	switch {
	case s.created.IsZero():
		return errors.New("created is missing")
	case err != nil || len(nonce) != nonceBytes:
		return errors.New("nonce is not 16 bytes of base64url")
	case text["alg"] != signatureAlg || text["tag"] != signatureTag:
		return errors.New("alg or tag is another")
	case !isHex(s.keyID, 32):
		return errors.New("keyid is no deviceId")
	}
	return nil
}

func dictionary(header http.Header, name string) (*httpsfv.Dictionary, error) {
	values := header.Values(name)
	if len(values) != 1 || len(values[0]) > maxSignatureHeader {
		return nil, fmt.Errorf("header %s is not there once, or too long", name)
	}
	parsed, err := httpsfv.UnmarshalDictionary(values)
	if err != nil {
		return nil, fmt.Errorf("header %s is no dictionary", name)
	}
	return parsed, nil
}

func sameSet(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
