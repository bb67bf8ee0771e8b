package cosign

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/emmansun/gmsm/sm2"
)

var updateVectors = flag.Bool("update", false, "write testdata/vectors.json anew")

const vectorsFile = "testdata/vectors.json"

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }
func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// vectors are for another implementation: every message of every operation, with the private keys that open them.
type vectors struct {
	Comment  string      `json:"comment"`
	Time     time.Time   `json:"time"`
	Seal     hexBytes    `json:"serverSealPrivate"`
	Generate keyVector   `json:"generate"`
	Requests []reqVector `json:"requests"`
	Resume   []resVector `json:"resume"`
}

type keyVector struct {
	PIN           string     `json:"pin"`
	Messages      []hexBytes `json:"messages"`
	ClientPrivate hexBytes   `json:"clientSealPrivate"`
	ServerPrivate hexBytes   `json:"serverSessionPrivate"`
	D1            hexBytes   `json:"d1"`
	D2            hexBytes   `json:"d2"`
	P             hexBytes   `json:"P"`
	KG2           hexBytes   `json:"plainKG2"`
	KG3           hexBytes   `json:"plainKG3"`
	Share         hexBytes   `json:"share"`
	Key           hexBytes   `json:"serverKey"`
	Guard         hexBytes   `json:"guard"`
}

// reqVector is one sealed request and its answer. Opening holds rounds 1 and 2 (for a commit also 3 and 4).
type reqVector struct {
	Operation      string     `json:"operation"`
	Round          int        `json:"round"`
	PIN            string     `json:"pin,omitempty"`
	Opening        []hexBytes `json:"opening"`
	SessionPrivate hexBytes   `json:"serverSessionPrivate"`
	Nonces         []hexBytes `json:"b,omitempty"`
	Key            hexBytes   `json:"serverKey"`
	Guard          hexBytes   `json:"guard"`
	Share          hexBytes   `json:"shareWaiting"`
	Request        hexBytes   `json:"request"`
	PlainRequest   hexBytes   `json:"plainRequest"`
	Answer         hexBytes   `json:"answer"`
	PlainAnswer    hexBytes   `json:"plainAnswer"`
	ShareAfter     hexBytes   `json:"shareAfter"`
	Verdict        string     `json:"verdict"`
}

type resVector struct {
	Share      hexBytes `json:"share"`
	Key        hexBytes `json:"serverKey"`
	Guard      hexBytes `json:"guard"`
	Request    hexBytes `json:"request"`
	Answer     hexBytes `json:"answer"`
	ShareAfter hexBytes `json:"shareAfter"`
}

func encode(t testing.TB, r record) hexBytes {
	t.Helper()
	b, err := r.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorder makes vectors while it runs operations by hand.
type recorder struct {
	t      *testing.T
	server *testServer
	out    *vectors
}

func (v *recorder) must(b []byte, err error) []byte {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
	return b
}

func (v *recorder) send(m []byte) []byte {
	v.t.Helper()
	return v.must(v.server.handle(Call{Message: m}))
}

// request sends a sealed request of share and records it.
func (v *recorder) request(share *Share, pin []byte, opening [][]byte, request []byte) []byte {
	v.t.Helper()
	h, err := ReadHeader(request)
	if err != nil {
		v.t.Fatal(err)
	}
	sess := v.server.sessions.byID[h.Session].session
	q := reqVector{Operation: h.Operation.String(), Round: h.Round, PIN: string(pin), Request: request}
	for _, m := range opening {
		q.Opening = append(q.Opening, m)
	}
	q.SessionPrivate = v.must(sess.sealKey.Bytes())
	for _, b := range sess.nonces {
		q.Nonces = append(q.Nonces, b.bytes())
	}
	q.Key, q.Guard = bytes.Clone(v.server.keys[h.KeyID]), bytes.Clone(v.server.guards[h.KeyID])
	if share.current.masked.c != nil {
		q.Share = encode(v.t, share)
	}
	key := bytes.Clone(share.open.key)
	static := v.must(decapsulate(v.server.seal.key, request[35:67], sealInfo("server", h.KeyID)))
	session := v.must(decapsulate(sess.sealKey, request[67:99], sealInfo("session "+string(h.Session[:]), h.KeyID)))
	keys := deriveSealKeys(sess.transcript, session, static)
	q.PlainRequest = v.must(openOnce(keys.request, request[:99], request[99:]))
	q.Answer = v.send(request)
	a := hexBytes(v.must(openOnce(key, q.Answer[:35], q.Answer[35:])))
	q.PlainAnswer = a
	v.out.Requests = append(v.out.Requests, q)
	return q.Answer
}

// after completes the last request with the share as it is after the answer.
func (v *recorder) after(share *Share, err error) {
	v.t.Helper()
	q := &v.out.Requests[len(v.out.Requests)-1]
	if share.current.masked.c != nil && q.Share != nil {
		q.ShareAfter = encode(v.t, share)
	}
	q.Verdict = "done"
	if err != nil {
		q.Verdict = err.Error()
	}
}

func makeVectors(t *testing.T) *vectors {
	server := newTestServer(t, nil)
	v := &recorder{t: t, server: server, out: &vectors{
		Comment: "Every message of package cosign with what is needed to open and check it; all values hex, records as encoded.",
		Time:    server.now, Seal: nil,
	}}
	v.out.Seal = v.must(server.seal.Bytes())

	g, kg1, err := NewKeyGeneration(NewKeyID(), server.seal.Public(), fastKDF)
	v.must(kg1, err)
	d1, client, kg1Secret := g.d1.bytes(), v.must(g.sealKey.Bytes()), bytes.Clone(g.fromStatic)
	kg2 := v.send(kg1)
	ks := server.making[g.id]
	d2, session := ks.d2.bytes(), v.must(ks.sealKey.Bytes())
	keys := deriveSealKeys(hashFields("KG2", kg1, kg2[:len(kg2)-kg2Plain-16]), kg1Secret, ks.toClient)
	plain2 := v.must(openOnce(keys.request, kg2[:len(kg2)-kg2Plain-16], kg2[len(kg2)-kg2Plain-16:]))
	toClient := bytes.Clone(ks.toClient)
	sessionKey := ks.sealKey
	share, kg3, err := g.Share(kg2, testPIN)
	v.must(kg3, err)
	secretE := v.must(decapsulate(sessionKey, kg3[19:51], sealInfo("KG session", g.id)))
	keys = deriveSealKeys(hashFields("KG3", kg1, kg2), kg1Secret, toClient, secretE)
	plain3 := v.must(openOnce(keys.request, kg3[:51], kg3[51:]))
	kg4 := v.send(kg3)
	v.must(nil, share.Confirm(kg4))
	v.out.Generate = keyVector{
		PIN: string(testPIN), Messages: []hexBytes{kg1, kg2, kg3, kg4}, ClientPrivate: client, ServerPrivate: session,
		D1: d1, D2: d2, P: share.public.bytes(), KG2: plain2, KG3: plain3, Share: encode(t, share),
		Key: server.keys[g.id], Guard: server.guards[g.id],
	}

	sign := func(pin []byte, digests ...[]byte) {
		s, m1, err := share.BeginSign(digests)
		m2 := v.send(v.must(m1, err))
		v.must(nil, s.Receive(m2))
		m3 := v.must(s.Prove(pin))
		_, err = s.Finish(v.request(share, pin, [][]byte{m1, m2}, m3))
		v.after(share, err)
	}
	sign(testPIN, hashOf("one"))
	sign(testPIN, hashOf("two"), hashOf("three"), hashOf("four"))
	sign(wrongPIN, hashOf("wrong PIN"))

	refresh := func(share *Share, f *Refreshing, m1 []byte, old, pin []byte) {
		m2 := v.send(m1)
		v.must(nil, f.Receive(m2))
		m3 := v.must(f.Prove(old))
		m4 := v.request(share, old, [][]byte{m1, m2}, m3)
		m5 := v.must(f.Renew(m4, pin))
		v.after(share, nil)
		m6 := v.request(share, pin, [][]byte{m1, m2, m3, m4}, m5)
		v.must(nil, f.Commit(m6))
		v.after(share, nil)
	}
	f, m1, err := share.BeginRefresh(fastKDF)
	refresh(share, f, v.must(m1, err), testPIN, newPIN)
	f, m1, err = share.BeginRecover(fastKDF)
	refresh(share, f, v.must(m1, err), nil, testPIN)

	c := v.must(sm2.EncryptASN1(nonceReader{}, share.PublicKey(), []byte("a data key")))
	d, m1, err := share.BeginDecrypt(c)
	m2 := v.send(v.must(m1, err))
	v.must(nil, d.Receive(m2))
	m3 := v.must(d.Prove(testPIN))
	_, err = d.Finish(v.request(share, testPIN, [][]byte{m1, m2}, m3))
	v.after(share, err)

	grantee := newGrantee(t)
	o, m1, err := share.BeginDelegate()
	m2 = v.send(v.must(m1, err))
	v.must(nil, o.Receive(m2))
	m3 = v.must(o.Prove(grantee.id, grantee.device.Public(), testPIN))
	v.after(share, o.Finish(v.request(share, testPIN, [][]byte{m1, m2}, m3)))

	f, m1, err = OpenPackage(server.packages[grantee.id], grantee.device, server.seal.Public(), fastKDF)
	refresh(f.Share(), f, v.must(m1, err), nil, granteePIN)

	resume := func(m3 []byte) {
		if m3 != nil {
			v.send(m3)
		}
		q1 := v.must(share.ResumeRequest())
		r := resVector{Share: encode(t, share), Key: bytes.Clone(server.keys[share.id]), Guard: bytes.Clone(server.guards[share.id]), Request: q1}
		r.Answer = v.send(q1)
		if _, err := share.Resumed(q1, r.Answer); err != nil {
			t.Fatal(err)
		}
		r.ShareAfter = encode(t, share)
		v.out.Resume = append(v.out.Resume, r)
	}
	_, m3 = exchange(t, server, share, testPIN)
	resume(m3)
	_, _ = exchange(t, server, share, testPIN)
	resume(nil)
	return v.out
}

func TestVectors(t *testing.T) {
	if *updateVectors {
		b, err := json.MarshalIndent(makeVectors(t), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorsFile, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	seal, err := ParseSealKey(v.Seal)
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(seal)
	checkKeyVector(t, seal, &v.Generate)
	operations := map[string]int{}
	for i := range v.Requests {
		q := &v.Requests[i]
		operations[q.Operation]++
		checkRequestVector(t, server, v.Time, q)
	}
	if len(operations) != 6 || operations["sign"] != 3 || operations["refresh"] != 2 {
		t.Errorf("the file has %v", operations)
	}
	for _, r := range v.Resume {
		share, key, guard := new(Share), new(ServerKey), new(Guard)
		for rec, b := range map[record]hexBytes{share: r.Share, key: r.Key, guard: r.Guard} {
			if err := rec.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
		}
		answer, err := server.Resume(key, guard, r.Request)
		if err != nil || !bytes.Equal(answer, r.Answer) {
			t.Fatal("resume: another answer", err)
		}
		if _, err := share.Resumed(r.Request, r.Answer); err != nil || !bytes.Equal(encode(t, share), r.ShareAfter) {
			t.Fatal("resume: another share afterwards", err)
		}
	}
	if len(v.Resume) != 2 {
		t.Error("resume vectors are missing")
	}
}

// checkKeyVector follows the package documentation.
func checkKeyVector(t *testing.T, seal *SealKey, v *keyVector) {
	t.Helper()
	m1, err := parseKG1(v.Messages[0])
	if err != nil {
		t.Fatal(err)
	}
	clientKey, err := ParseSealKey(v.ClientPrivate)
	if err != nil {
		t.Fatal(err)
	}
	sessionKey, err := ParseSealKey(v.ServerPrivate)
	if err != nil {
		t.Fatal(err)
	}
	m2, err := parseKG2(v.Messages[1], m1.id)
	if err != nil {
		t.Fatal(err)
	}
	m3, err := parseKG3(v.Messages[2], m1.id)
	if err != nil {
		t.Fatal(err)
	}
	open := func(key *SealKey, enc []byte, use string) []byte {
		secret, err := decapsulate(key.key, enc, []byte("cloudkey/cosign/v1 "+use+" "+string(m1.id[:])))
		if err != nil {
			t.Fatal(err)
		}
		return secret
	}
	static, client := open(seal, m1.encS[:], "KG server"), open(clientKey, m2.encC[:], "KG client")
	session := open(sessionKey, m3.encE[:], "KG session")
	keys2 := deriveSealKeys(hashFields("KG2", v.Messages[0], m2.header()), static, client)
	plain2, err := openOnce(keys2.request, m2.header(), m2.sealed)
	if err != nil || !bytes.Equal(plain2, v.KG2) {
		t.Fatal("KG2", err)
	}
	keys3 := deriveSealKeys(hashFields("KG3", v.Messages[0], v.Messages[1]), static, client, session)
	plain3, err := openOnce(keys3.request, m3.header(), m3.sealed)
	if err != nil || !bytes.Equal(plain3, v.KG3) {
		t.Fatal("KG3", err)
	}
	d1, d2 := mustScalar(v.D1), mustScalar(v.D2)
	public, err := publicKeyOf(d1, baseMul(d2))
	if err != nil || !bytes.Equal(public.bytes(), v.P) || !bytes.Equal(plain3[:65], baseMul(d1).bytes()) || !bytes.Equal(plain2[:65], baseMul(d2).bytes()) {
		t.Fatal("P, P1 or P2", err)
	}
	com := hashFields("KG commitment", m1.id[:], m1.nonce[:], plain3[:65], plain3[65:129], plain3[129:])
	if com != m1.com {
		t.Error("com")
	}
	r := &reader{b: plain3[65:129]}
	if err := verifyLogs("d1", append(m1.id[:], m1.nonce[:]...), generator, []point{baseMul(d1)}, r.proof("π1")); err != nil {
		t.Error("π1", err)
	}
	r = &reader{b: plain2[65:129]}
	context := bytes.Join([][]byte{m1.id[:], m1.nonce[:], m2.nonce[:], m1.com[:]}, nil)
	if err := verifyLogs("d2", context, generator, []point{baseMul(d2)}, r.proof("π2")); err != nil {
		t.Error("π2", err)
	}
	l := keys3.link()
	tag := mac(l.device[:], "KG4", m1.id[:], v.P)
	if !bytes.Equal(v.Messages[3][19:], tag[:]) {
		t.Error("KG4")
	}
	share, key, guard := new(Share), new(ServerKey), new(Guard)
	for rec, b := range map[record]hexBytes{share: v.Share, key: v.Key, guard: v.Guard} {
		if err := rec.UnmarshalBinary(b); err != nil {
			t.Fatal(err)
		}
	}
	if !share.current.masked.unmask([]byte(v.PIN)).equal(d1) || !key.current.d2.equal(d2) || guard.ratchet != keys3.link().ratchet ||
		share.current.link != l || key.current.device != keys3.link().device {
		t.Error("records do not hold what the messages say")
	}
	unwrapped, err := share.current.recovery.unwrap(key.current.recovery[:], share.id, 0)
	if err != nil || !unwrapped.equal(d1) {
		t.Error("recovery wrap", err)
	}
}

// checkRequestVector lets the server accept the recorded request and the client take the recorded answer.
func checkRequestVector(t *testing.T, server *Server, now time.Time, q *reqVector) {
	t.Helper()
	name := q.Operation
	key, guard := new(ServerKey), new(Guard)
	if err := errors.Join(key.UnmarshalBinary(q.Key), guard.UnmarshalBinary(q.Guard)); err != nil {
		t.Fatal(name, err)
	}
	m1, err := parseFirst(q.Opening[0])
	if err != nil {
		t.Fatal(name, err)
	}
	h, err := ReadHeader(q.Request)
	if err != nil || h.Operation.String() != q.Operation || h.Round != q.Round {
		t.Fatal(name, h, err)
	}
	private, err := ParseSealKey(q.SessionPrivate)
	if err != nil {
		t.Fatal(name, err)
	}
	sess := &Session{
		id: h.Session, keyID: h.KeyID, operation: h.Operation, round: h.Round, epoch: key.current.number, sealKey: private.key,
		transcript: hashFields("transcript", q.Opening[0], q.Opening[1]), digests: m1.digests, com: m1.com,
	}
	if q.Round == 5 {
		sess.transcript = hashFields("commit", sess.transcript[:], q.Opening[2], q.Opening[3])
	}
	for _, b := range q.Nonces {
		n := mustScalar(b)
		sess.nonces, sess.points = append(sess.nonces, n), append(sess.points, key.base().mul(n))
	}
	if len(q.Nonces) > 0 && !bytes.Equal(q.Opening[1][35+32:35+32+65], sess.points[0].bytes()) {
		t.Error(name, "R2 is not b*G'")
	}
	a, err := server.Accept(key, guard, sess, q.Request, now)
	if err != nil {
		t.Fatal(name, err)
	}
	if !a.inStep {
		t.Error(name, "ratchet")
	}
	if !bytes.Equal(a.body, q.PlainRequest[2*hashSize:]) {
		t.Error(name, "body of the request")
	}
	answerKey := bytes.Clone(a.keys.answer)
	res, err := a.Settle(key, guard, now)
	if err != nil {
		t.Fatal(name, err)
	}
	if got := "done"; res.Err != nil {
		if got = res.Err.Error(); got != q.Verdict {
			t.Error(name, got)
		}
	} else if got != q.Verdict {
		t.Error(name, got)
	}
	answerHeader := h
	answerHeader.Round++
	plain, err := openOnce(answerKey, answerHeader.bytes(), q.Answer[len(answerHeader.bytes()):])
	if err != nil || !bytes.Equal(plain, q.PlainAnswer) {
		t.Error(name, "answer", err)
	}
	if len(q.Share) == 0 {
		return
	}
	share := new(Share)
	if err := share.UnmarshalBinary(q.Share); err != nil {
		t.Fatal(name, err)
	}
	body, err := share.answer(q.Answer)
	if got := q.Verdict; err != nil && err.Error() != got || err == nil && got != "done" {
		t.Error(name, err)
	}
	if name == "sign" && q.Verdict == "done" {
		if _, err := parseSignatures(share.public, m1.digests, nil, nil, body); err != nil {
			t.Error(name, err)
		}
	}
	if h.Round == 3 && h.Operation.rounds() == 6 {
		return // Renew has changed the record further
	}
	if !bytes.Equal(encode(t, share), q.ShareAfter) {
		t.Error(name, "share after the answer")
	}
}
