package refca

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"math/big"
	"net/http"
	"strings"

	"cloudkey/api/refca/internal/pki"
	"cloudkey/api/refca/internal/store"

	"github.com/go-chi/chi/v5"
	"golang.org/x/crypto/ocsp"
)

// pkiPath is where CRL, OCSP and the issuing certificate are, below the address of the web page. They are signed themselves and
// are asked for by programs that know neither the app's trust nor its device keys, so they are plain HTTP (RFC 5280 §8).
const pkiPath = "pki/"

func (s *Server) routePKI(router chi.Router) {
	router.Get("/"+pkiPath+pki.CRLFile, func(w http.ResponseWriter, _ *http.Request) {
		s.sendSigned(w, "application/pkix-crl", s.revocationList)
	})
	router.Get("/"+pkiPath+pki.IssuingFile, func(w http.ResponseWriter, _ *http.Request) {
		send(w, "application/pkix-cert", s.pki.Issuing.Raw)
	})
	router.Post("/"+pkiPath+pki.OCSPService, func(w http.ResponseWriter, r *http.Request) {
		request, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/ocsp-request" {
			request = nil
		}
		s.sendSigned(w, "application/ocsp-response", func() ([]byte, error) { return s.ocspAnswer(request) })
	})
	router.Get("/"+pkiPath+pki.OCSPService+"/*", func(w http.ResponseWriter, r *http.Request) {
		request, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(r.URL.Path, "/"+pkiPath+pki.OCSPService+"/"))
		if err != nil {
			request = nil
		}
		s.sendSigned(w, "application/ocsp-response", func() ([]byte, error) { return s.ocspAnswer(request) })
	})
}

func (s *Server) sendSigned(w http.ResponseWriter, contentType string, sign func() ([]byte, error)) {
	content, err := sign()
	if err != nil {
		s.log.Error("revocation", "err", err)
		http.Error(w, "see the log", http.StatusInternalServerError)
		return
	}
	send(w, contentType, content)
}

// revocationList is the CRL of this moment.
func (s *Server) revocationList() ([]byte, error) {
	var revoked []pki.Revocation
	err := s.db.View(func(tx *store.Tx) error {
		var err error
		for _, c := range certificates.all(tx, "", &err) {
			if end := c.revocation(); end != nil {
				revoked = append(revoked, *end)
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.pki.CRL(revoked, s.now())
}

// ocspAnswer is the OCSP answer to a request, also to one that is none.
func (s *Server) ocspAnswer(request []byte) ([]byte, error) {
	answer, err := s.pki.OCSP(request, s.now(), func(serial *big.Int) (issued bool, end *pki.Revocation, err error) {
		err = s.db.View(func(tx *store.Tx) error {
			var c certificate
			c, issued, err = certificates.get(tx, serial.Text(16))
			end = c.revocation()
			return err
		})
		return issued, end, err
	})
	if errors.Is(err, pki.ErrOCSPRequest) {
		return bytes.Clone(ocsp.MalformedRequestErrorResponse), nil
	}
	return answer, err
}

// revocation says how the certificate ended, or nil.
func (c certificate) revocation() *pki.Revocation {
	serial, isHex := new(big.Int).SetString(c.Serial, 16)
	switch {
	case !isHex:
		return nil
	case !c.Revoked.IsZero():
		return &pki.Revocation{Serial: serial, Time: c.Revoked}
	case !c.Suspended.IsZero():
		return &pki.Revocation{Serial: serial, Time: c.Suspended, Suspended: true}
	}
	return nil
}
