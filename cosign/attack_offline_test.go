package cosign

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/emmansun/gmsm/sm2"
)

// offlineTest is what a thief of the phone does: for each PIN it unmasks the share and looks for a relation between
// points it knows that holds for that PIN only: d*X = Y up to ±G, or s1*d*G = R1 + r*G. It returns the PINs that stand out.
func offlineTest(image *Share, pins [][]byte, points []point, openings []opened) (found [][]byte) {
	points = append([]point{generator, image.public, image.public.add(generator)}, points...)
	hits := map[string]int{}
	relations := map[string][]int{}
	for i, pin := range pins {
		d := image.current.masked.unmask(pin)
		for _, c := range []*scalar{d, newScalar().inv(d)} {
			for x, px := range points {
				dx := px.mul(c)
				for y, py := range points {
					for z, q := range []point{dx, dx.add(generator), dx.add(generator.neg())} {
						if q.equal(py) {
							relations[fmt.Sprint(x, y, z)] = append(relations[fmt.Sprint(x, y, z)], i)
						}
					}
				}
			}
		}
		for k, o := range openings {
			if baseMul(newScalar().mul(o.s1, d)).equal(o.r1.add(baseMul(o.r))) {
				relations[fmt.Sprint("opening", k)] = append(relations[fmt.Sprint("opening", k)], i)
			}
		}
	}
	for _, which := range relations {
		if len(which) < len(pins) {
			for _, i := range which {
				hits[string(pins[i])]++
			}
		}
	}
	for pin := range hits {
		found = append(found, []byte(pin))
	}
	return found
}

type opened struct {
	r1    point
	r, s1 *scalar
}

// TestNoOfflineSearchFromImageAndTranscript gives the thief the record (as the app stores it, opened) and everything
// that ever went over the wire; no PIN stands out. Each thing that the protocol keeps away from it makes one stand out.
func TestNoOfflineSearchFromImageAndTranscript(t *testing.T) {
	server := newTestServer(t, nil)
	var points []point
	server.tap = func(c Call, answer []byte) []byte {
		for _, m := range [][]byte{c.Message, answer} { // every byte string on the wire that is a point
			for i := 0; i+pointSize <= len(m); i++ {
				if p, err := decodePoint(m[i : i+pointSize]); err == nil {
					points = append(points, p)
				}
			}
		}
		return answer
	}
	s, store := newKey(t, server, nil)
	signOnce(t, s, testPIN)
	c, err := sm2.EncryptASN1(nonceReader{}, s.public, []byte("data key"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.DecryptWith(t.Context(), c, testPIN); err != nil {
		t.Fatal(err)
	}
	parsed, err := parseCiphertext(c)
	if err != nil {
		t.Fatal(err)
	}
	points = append(points, parsed.c1)
	image := store.share(t, s.id)
	pins := [][]byte{[]byte("000000"), []byte("123456"), wrongPIN, testPIN, []byte("999999")}
	if len(points) < 2 { // R2 and C1
		t.Fatal("the transcript has no points; the test looks at nothing")
	}
	if found := offlineTest(image, pins, points, nil); len(found) != 0 {
		t.Fatalf("PIN %s stands out", found)
	}

	key, _, err := server.load(s.id)
	if err != nil {
		t.Fatal(err)
	}
	var h *hooks
	k1, r := h.randomScalar(), h.randomScalar()
	d := image.current.masked.unmask(testPIN)
	s1 := newScalar().mul(newScalar().add(k1, r), newScalar().inv(d))
	for name, leak := range map[string]struct {
		points   []point
		openings []opened
	}{
		"P1, as a proof of b in base P1 would show it": {points: []point{key.current.p1}},
		"P2, if KG2 were not sealed":                   {points: []point{baseMul(key.current.d2)}},
		"s1, if S3 were not sealed":                    {openings: []opened{{baseMul(k1), r, s1}}},
	} {
		found := offlineTest(image, pins, append(points, leak.points...), leak.openings)
		if len(found) != 1 || !bytes.Equal(found[0], testPIN) {
			t.Errorf("%s: the search finds %q; it should find the PIN", name, found)
		}
	}
}

func one() *scalar {
	s := newScalar()
	s.n.Bits()[0] = 1
	return s
}

// nonceReader is crypto/rand through the package's own source.
type nonceReader struct{}

func (nonceReader) Read(b []byte) (int, error) { var h *hooks; h.random(b); return len(b), nil }

// TestSealNeedsBothKeys: who has the transcript and later the server's long-term key still cannot open S3; nor can a
// proxy that put its own session key in the place of the server's.
func TestSealNeedsBothKeys(t *testing.T) {
	server := newTestServer(t, nil)
	s, _ := newKey(t, server, nil)
	share := s.mustLoad(t)
	g, s1, err := share.BeginSign([][]byte{make([]byte, 32)})
	if err != nil {
		t.Fatal(err)
	}
	s2, err := server.handle(Call{Message: s1})
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Receive(s2); err != nil {
		t.Fatal(err)
	}
	s3, err := g.Prove(testPIN)
	if err != nil {
		t.Fatal(err)
	}
	h, err := ReadHeader(s3)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{name: "S3", b: s3}
	r.header()
	encS, encE := r.b32("encS"), r.b32("encE")
	header, sealed := s3[:len(s3)-len(r.b)], r.b
	transcript := hashFields("transcript", s1, s2)
	static, err := decapsulate(server.seal.key, encS[:], sealInfo("server", s.id))
	if err != nil {
		t.Fatal(err)
	}
	sess, err := server.sessions.Take(h.Session, server.now)
	if err != nil {
		t.Fatal(err)
	}
	session, err := decapsulate(sess.sealKey, encE[:], sealInfo("session "+string(h.Session[:]), s.id))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openOnce(deriveSealKeys(transcript, session, static).request, header, sealed); err != nil {
		t.Fatal("both keys do not open S3; the test looks at nothing:", err)
	}
	for name, secrets := range map[string][2][]byte{
		"long-term key only": {make([]byte, 32), static}, "session key only": {session, make([]byte, 32)},
		"the same key twice": {static, static}, "other order": {static, session},
	} {
		if _, err := openOnce(deriveSealKeys(transcript, secrets[0], secrets[1]).request, header, sealed); !errors.Is(err, ErrSeal) {
			t.Errorf("%s opens S3", name)
		}
	}
}

// TestTwoSnapshotsTellNothing: images from before and after a PIN change are no test for a pair of PINs either.
func TestTwoSnapshotsTellNothing(t *testing.T) {
	server := newTestServer(t, nil)
	s, store := newKey(t, server, nil)
	before := store.share(t, s.id)
	if err := s.ChangePIN(t.Context(), testPIN, newPIN, fastKDF); err != nil {
		t.Fatal(err)
	}
	after := store.share(t, s.id)
	pairs := func(a, b *Share) (equal int) {
		for _, p := range [][]byte{testPIN, wrongPIN} {
			for _, q := range [][]byte{newPIN, wrongPIN} {
				if a.current.masked.unmask(p).equal(b.current.masked.unmask(q)) {
					equal++
				}
			}
		}
		return equal
	}
	if pairs(before, after) != 0 {
		t.Error("a pair of PINs stands out")
	}
	// Masking the same share again instead of a refresh is such a test.
	remasked := *after
	remasked.current.masked = (*hooks)(nil).mask(before.current.masked.unmask(testPIN), newPIN, fastKDF)
	if pairs(before, &remasked) != 1 {
		t.Error("masking again should have shown the pair of PINs")
	}
}

// TestNoAnswerBeforeTheProof: a server that gave T = d2*C1 without the proof would let a thief with one wrong guess test
// all PINs at home, with the check value C3 of any ciphertext.
func TestNoAnswerBeforeTheProof(t *testing.T) {
	for _, omit := range []check{checkPIN, 0} {
		server := newTestServer(t, nil)
		s, store := newKey(t, server, nil)
		server.server.hooks = &hooks{omit: omit}
		c, err := sm2.EncryptASN1(nonceReader{}, s.public, []byte("data key"))
		if err != nil {
			t.Fatal(err)
		}
		thief := store.share(t, s.id)
		d, m1, err := thief.BeginDecrypt(c)
		if err != nil {
			t.Fatal(err)
		}
		m2, err := server.handle(Call{Message: m1})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Receive(m2); err != nil {
			t.Fatal(err)
		}
		m3, err := d.Prove(wrongPIN)
		if err != nil {
			t.Fatal(err)
		}
		m4, err := server.handle(Call{Message: m3})
		if err != nil {
			t.Fatal(err)
		}
		body, err := thief.answer(m4)
		if omit == 0 {
			var wrong *PINError
			if !errors.As(err, &wrong) || len(body) != 0 || wrong.AttemptsLeft != 2 {
				t.Fatal("a wrong PIN got", len(body), "bytes:", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := &reader{b: body}
		value := r.point("T")
		var found [][]byte
		for _, pin := range [][]byte{[]byte("000000"), wrongPIN, testPIN} {
			shared, err := secretPoint(thief.current.masked.unmask(pin), value, d.ciphertext.c1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.ciphertext.open(shared); err == nil {
				found = append(found, pin)
			}
		}
		if len(found) != 1 || !bytes.Equal(found[0], testPIN) {
			t.Fatal("the attack does not work; the test shows nothing")
		}
	}
}
