package refca_test

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"cloudkey/api"
	"cloudkey/api/gen"
)

// inked is an account whose handwriting, 40 by 20 pixels, is stored.
func inked(t *testing.T, b *bench) *profile {
	t.Helper()
	f := b.phone().enrol("10001").ready(password)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewNRGBA(image.Rect(0, 0, 40, 20))); err != nil {
		t.Fatal(err)
	}
	token, err := f.authorize("putHandwriting", password, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = f.p.api.PutHandwriting(t.Context(), uuid.New(), token, f.id.String(), gen.Handwriting{Png: picture.Bytes(), Strokes: []gen.Stroke{{{X: 1, Y: 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func (f *profile) makeSeal(t *testing.T, name string) (gen.Seal, error) {
	token, err := f.authorize("createSeal", password, nil)
	if err != nil {
		return gen.Seal{}, err
	}
	return f.p.api.CreateSeal(t.Context(), uuid.New(), token, f.id.String(), gen.SealRequest{Name: name})
}

func TestM18_SealsAreMadeFromTheHandwriting(t *testing.T) {
	b := newBench(t)
	bare := b.phone().enrol("10002").ready(password)
	_, err := bare.makeSeal(t, "无签名")
	wantCode(t, err, gen.ProblemCodeNotFound)

	f := inked(t, b)
	_, err = f.p.api.CreateSeal(t.Context(), uuid.New(), "", f.id.String(), gen.SealRequest{Name: "x"})
	wantCode(t, err, gen.ProblemCodeAuthorizationRequired)
	for _, name := range []string{"", "一\n二", strings.Repeat("长", 33)} {
		_, err = f.makeSeal(t, name)
		wantCode(t, err, gen.ProblemCodeInvalidRequest)
	}
	made, err := f.makeSeal(t, "签名章")
	if err != nil {
		t.Fatal(err)
	}
	seal, maker, err := api.ParseESeal(made.Seal)
	if err != nil {
		t.Fatal(err)
	}
	credential, err := f.p.api.GetCredential(t.Context(), f.id.String())
	if err != nil {
		t.Fatal(err)
	}
	if seal.Name != "签名章" || !seal.Personal || seal.Width != 40 || seal.Height != 20 || !bytes.Equal(seal.Holders[0], credential.Certificate) || !made.Default {
		t.Errorf("%+v", seal)
	}
	dir := t.TempDir()
	pem := func(name string, ders ...[]byte) string {
		path := filepath.Join(dir, name)
		var out bytes.Buffer
		for _, der := range ders {
			cmd := exec.Command("openssl", "x509", "-inform", "DER")
			cmd.Stdin, cmd.Stdout = bytes.NewReader(der), &out
			if err := cmd.Run(); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	out, err := exec.Command("openssl", "verify", "-partial_chain", "-vfyopt", "distid:1234567812345678", "-CAfile",
		pem("chain.pem", credential.Chain...), pem("maker.pem", maker.Raw)).CombinedOutput()
	if err != nil {
		t.Errorf("%v: %s", err, out)
	}
}

func TestM18_DefaultAndDeletion(t *testing.T) {
	b := newBench(t)
	f := inked(t, b)
	var ids []string
	for _, name := range []string{"一", "二", "三"} {
		made, err := f.makeSeal(t, name)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, made.Id)
	}
	ctx, key := t.Context(), f.id.String()
	want := func(chosen string, left ...string) {
		t.Helper()
		b.restart()
		f.p.connect()
		list, err := f.p.api.ListSeals(ctx, key)
		if err != nil || len(list.Seals) != len(left) {
			t.Fatalf("%d seals, %v", len(list.Seals), err)
		}
		for i, s := range list.Seals {
			if s.Id != left[i] || s.Default != (s.Id == chosen) {
				t.Errorf("seal %d: %s, default %v", i, s.Id, s.Default)
			}
		}
	}
	want(ids[0], ids...)
	if err := f.p.api.SetDefaultSeal(ctx, uuid.New(), key, ids[2]); err != nil {
		t.Fatal(err)
	}
	want(ids[2], ids...)
	again := uuid.New()
	for range 2 { // the same request again gets the same answer
		if err := f.p.api.DeleteSeal(ctx, again, key, ids[2]); err != nil {
			t.Fatal(err)
		}
	}
	want(ids[0], ids[0], ids[1])
	wantCode(t, f.p.api.DeleteSeal(ctx, uuid.New(), key, ids[2]), gen.ProblemCodeNotFound)
	wantCode(t, f.p.api.SetDefaultSeal(ctx, uuid.New(), key, ids[2]), gen.ProblemCodeNotFound)

	stranger := b.phone()
	wantCode(t, stranger.api.DeleteSeal(ctx, uuid.New(), key, ids[0]), gen.ProblemCodeNotFound)
	_, err := stranger.api.ListSeals(ctx, key)
	wantCode(t, err, gen.ProblemCodeNotFound)
}

func TestM18_NoMoreSealsThanMayBe(t *testing.T) {
	f := inked(t, newBench(t))
	for i := range 20 {
		if _, err := f.makeSeal(t, "章"); err != nil {
			t.Fatalf("seal %d: %v", i, err)
		}
	}
	_, err := f.makeSeal(t, "章")
	wantCode(t, err, gen.ProblemCodeStateConflict)
}
