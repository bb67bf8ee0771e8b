package refca

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"path/filepath"
	"time"

	"cloudkey/api"
	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"

	"github.com/makiuchi-d/gozxing"
	reader "github.com/makiuchi-d/gozxing/qrcode"
	"github.com/skip2/go-qrcode"
)

const (
	initLife = 90 * 24 * time.Hour // of an init QR; it is made anew at each start
	infoLife = time.Hour           // of a signed statement
	// moduleSize is how many pixels a module of the QR picture has: enough for a camera that looks at a screen.
	moduleSize = 6
)

// GetInfo returns the signed statement.
func (s *Server) GetInfo(w http.ResponseWriter, r *http.Request) {
	trace := randomID()
	now := s.now()
	claims := s.initClaims(now)
	signed, err := api.SignInfo(gen.InfoClaims{
		V: claims.V, OrgId: claims.OrgId, OrgName: claims.OrgName, Hotline: s.organisation.Hotline, Api: claims.Api,
		TlsPins: claims.TlsPins, CaFingerprint: claims.CaFingerprint, SealKey: claims.SealKey,
		Iat: claims.Iat, Exp: now.Add(infoLife).Unix(),
	}, s.pki.SignerKey(), s.pki.Signer.Raw, s.pki.TrustRoot.Raw)
	var out reply
	if err == nil {
		out, err = jsonReply(http.StatusOK, gen.Info{ServerTime: utc(now), Signed: signed})
	}
	s.finish(w, r, "getInfo", trace, out, err)
}

// GetLatestRelease answers with the published release of a platform, if there is one.
func (s *Server) GetLatestRelease(w http.ResponseWriter, r *http.Request, params gen.GetLatestReleaseParams) {
	trace := randomID()
	var out reply
	err := s.db.View(func(tx *store.Tx) error {
		if !platformForm(params.Platform) {
			return invalid("platform")
		}
		release, found, err := releases.get(tx, params.Platform)
		if err != nil {
			return err
		}
		if !found {
			return notFound("release")
		}
		out, err = jsonReply(http.StatusOK, release)
		return err
	})
	s.finish(w, r, "getLatestRelease", trace, out, err)
}

// initClaims is what the organisation says of its service. The co-signing service is the same one.
func (s *Server) initClaims(now time.Time) gen.InitClaims {
	fingerprint := s.pki.Fingerprint()
	claims := gen.InitClaims{
		V: 1, OrgId: s.organisation.ID, OrgName: s.organisation.Name, Api: s.addresses.API,
		CaFingerprint: base64.RawURLEncoding.EncodeToString(fingerprint[:]),
		SealKey:       base64.RawURLEncoding.EncodeToString(s.seal.Public()),
		Iat:           now.Unix(), Exp: now.Add(initLife).Unix(), Jti: randomID(),
	}
	for _, pin := range s.pki.Pins() {
		claims.TlsPins = append(claims.TlsPins, pin.String())
	}
	return claims
}

// publish makes the init QR, its picture in the data directory and the first-use code.
func (s *Server) publish() error {
	var err error
	s.published = s.now()
	if s.addresses.InitText, s.picture, err = s.initQR(); err != nil {
		return err
	}
	s.addresses.InitQR = filepath.Join(s.dir, "init-qr.png")
	if err := writeFile(s.addresses.InitQR, s.picture); err != nil {
		return fmt.Errorf("refca: init QR: %w", err)
	}
	s.addresses.Anchor = string(s.pki.Anchor())
	s.addresses.InitCode, err = s.firstUseCode()
	return err
}

// initQR makes text and picture of the init QR. Now and then modules in the data look like position marks to a scanner, so
// the picture is read back; another jti, level of error correction or size draws another pattern.
func (s *Server) initQR() (text string, picture []byte, err error) {
	for try := range 12 {
		if text, err = api.SignInit(s.initClaims(s.published), s.pki.SignerKey(), s.pki.Signer.Raw); err != nil {
			return "", nil, err
		}
		level := []qrcode.RecoveryLevel{qrcode.Low, qrcode.Medium}[try%2]
		if picture, err = qrPicture(text, level, moduleSize+try/2); err == nil {
			return text, picture, nil
		}
	}
	return "", nil, err
}

// firstUseCode is computed once for a data directory, because it is slow on purpose.
func (s *Server) firstUseCode() (code string, err error) {
	err = s.db.View(func(tx *store.Tx) error { code = string(tx.Get(metaBucket, "initCode")); return nil })
	if err != nil || code != "" {
		return code, err
	}
	signer, err := api.ParseSigner(s.pki.Signer.Raw)
	if err != nil {
		return "", err
	}
	code = api.FirstUseCode(s.organisation.ID, signer)
	return code, s.db.Update(context.Background(), func(tx *store.Tx) error { return tx.Put(metaBucket, "initCode", []byte(code)) })
}

// qrPicture renders a text as PNG with the quiet zone of four modules that ISO/IEC 18004 asks for, and reads it back.
func qrPicture(text string, level qrcode.RecoveryLevel, module int) ([]byte, error) {
	code, err := qrcode.New(text, level)
	if err != nil {
		return nil, fmt.Errorf("refca: QR: %w", err)
	}
	picture, err := code.PNG(-module)
	if err != nil {
		return nil, fmt.Errorf("refca: QR: %w", err)
	}
	decoded, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("refca: QR: %w", err)
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(decoded)
	if err != nil {
		return nil, fmt.Errorf("refca: QR: %w", err)
	}
	read, err := reader.NewQRCodeReader().Decode(bitmap, nil)
	if err != nil {
		return nil, fmt.Errorf("refca: the QR picture cannot be read back: %w", err)
	}
	if read.GetText() != text {
		return nil, errors.New("refca: the QR picture reads as something else")
	}
	return picture, nil
}
