package cosign

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/smx509"
)

func TestM04_GenerateKeyAndSign(t *testing.T) {
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	share := store.share(t, s.id)
	if !share.Confirmed() || share.Epoch() != 0 || !share.PublicKey().Equal(s.Public()) {
		t.Fatal("record does not match the key")
	}
	key, _, err := server.load(s.id)
	if err != nil {
		t.Fatal(err)
	}
	if !key.Initial() || !key.PublicKey().Equal(s.Public()) {
		t.Fatal("server's record does not match the key")
	}
	for range 3 {
		signOnce(t, s, testPIN)
	}
}

func TestM15_BatchTakesTwoRoundTrips(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	for _, n := range []int{1, 2, 17, MaxBatch} {
		trips := 0
		server.tap = func(_ Call, b []byte) []byte { trips++; return b }
		var messages, digests [][]byte
		for i := range n {
			messages = append(messages, fmt.Appendf(nil, "document %d", i))
			digests = append(digests, digest(t, s, messages[i]))
		}
		sigs, err := s.SignDigests(t.Context(), digests, testPIN)
		if err != nil {
			t.Fatal(n, err)
		}
		if trips != 2 {
			t.Errorf("%d digests took %d round trips", n, trips)
		}
		for i, sig := range sigs {
			if i < 2 {
				verifyEverywhere(t, s, messages[i], sig)
			}
			if !sig.Verify(s.public, digests[i]) {
				t.Fatal("signature", i, "does not verify")
			}
		}
	}
	for _, bad := range [][][]byte{nil, make([][]byte, MaxBatch+1), {make([]byte, 31)}} {
		if _, err := s.Begin(t.Context(), bad); !errors.Is(err, ErrLength) {
			t.Errorf("batch of %d: %v", len(bad), err)
		}
	}
}

func TestM04_CertificateRequest(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	template := &smx509.CertificateRequest{}
	template.Subject = pkix.Name{CommonName: "张伟", SerialNumber: "10001"}
	csr, err := smx509.CreateCertificateRequest(nil, template, s.WithPIN(givePIN(testPIN)))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := smx509.ParseCertificateRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	if err := parsed.CheckSignature(); err != nil {
		t.Fatal(err)
	}
}

func TestSignerOptions(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	s = s.WithPIN(givePIN(testPIN))
	message := []byte("options")
	other := []byte("another user")
	der, err := s.Sign(nil, message, sm2.NewSM2SignerOption(true, other))
	if err != nil {
		t.Fatal(err)
	}
	if !sm2.VerifyASN1WithSM2(s.public, other, message, der) {
		t.Error("the option's user ID was not used")
	}
	e := digest(t, s, message)
	if der, err = s.Sign(nil, e, sm2.NewSM2SignerOption(false, nil)); err != nil {
		t.Fatal(err)
	}
	if !sm2.VerifyASN1(s.public, e, der) {
		t.Error("a digest was hashed again")
	}
}

func TestGBT32918VectorByTwoParties(t *testing.T) {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	// GB/T 32918.5-2017, A.2.
	d := mustScalar(unhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"))
	k := mustScalar(unhex("59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21"))
	e := unhex("F0B43E94BA45ACCAACE692ED534382EB17E6AB5A19CE7B31F4486FDFC0D28640")
	wantR := unhex("F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3")
	wantS := unhex("B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA")
	public := baseMul(d)
	if got := digestOf(t, public, []byte("message digest")); !bytes.Equal(got, e) {
		t.Fatalf("e = %x", got)
	}

	for range 20 {
		sig := signSplit(t, d, k, e)
		if !bytes.Equal(sig.R[:], wantR) || !bytes.Equal(sig.S[:], wantS) {
			t.Fatalf("r, s = %x, %x", sig.R, sig.S)
		}
	}
}

// signSplit signs e with the key d and the nonce k, split at random: 1 + d = d1*d2 and k = k1 + b*(1 + d).
func signSplit(t *testing.T, d, k *scalar, e []byte) Signature {
	t.Helper()
	var h *hooks
	public, whole := baseMul(d), newScalar().add(d, one())
	d1, k1 := h.randomScalar(), h.randomScalar()
	d2 := newScalar().mul(whole, newScalar().inv(d1))
	b := newScalar().mul(newScalar().sub(k, k1), newScalar().inv(whole))

	server := newTestServer(t, &hooks{rand: wide(d2, 32)})
	id := NewKeyID()
	g, kg1, err := newKeyGeneration(id, server.seal.Public(), fastKDF, &hooks{rand: generationRandom(d1)})
	if err != nil {
		t.Fatal(err)
	}
	server.server.hooks.rand = serverGenerationRandom(d2)
	kg2, err := server.handle(Call{Message: kg1})
	if err != nil {
		t.Fatal(err)
	}
	share, kg3, err := g.Share(kg2, testPIN)
	if err != nil {
		t.Fatal(err)
	}
	kg4, err := server.handle(Call{Message: kg3})
	if err != nil {
		t.Fatal(err)
	}
	if err := share.Confirm(kg4); err != nil {
		t.Fatal(err)
	}
	if !share.public.equal(public) {
		t.Fatal("the two parties have another public key than the standard's")
	}

	share.hooks = &hooks{raw: true, rand: signRandom(k1)}
	signing, s1, err := share.BeginSign([][]byte{e})
	if err != nil {
		t.Fatal(err)
	}
	server.server.hooks = &hooks{raw: true, rand: serverSignRandom(b)}
	s2, err := server.handle(Call{Message: s1})
	if err != nil {
		t.Fatal(err)
	}
	server.server.hooks = nil
	if err := signing.Receive(s2); err != nil {
		t.Fatal(err)
	}
	s3, err := signing.Prove(testPIN)
	if err != nil {
		t.Fatal(err)
	}
	s4, err := server.handle(Call{Message: s3})
	if err != nil {
		t.Fatal(err)
	}
	sigs, err := signing.Finish(s4)
	if err != nil {
		t.Fatal(err)
	}
	return sigs[0]
}
