package client_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"testing"
	"time"

	"cloudkey/client"
)

func TestM18_MakeChooseDelete(t *testing.T) {
	b := newBench(t)
	cert := b.enrol(b.initialise(), "10001")
	ctx := t.Context()
	if _, err := b.client.MakeSeal(ctx, cert.ID, "签名章", password); !errors.Is(err, client.ErrNoInk) {
		t.Errorf("without handwriting: %v", err)
	}
	ink := image.NewNRGBA(image.Rect(0, 0, 60, 20))
	ink.Set(3, 3, color.Black)
	var picture bytes.Buffer
	if err := png.Encode(&picture, ink); err != nil {
		t.Fatal(err)
	}
	err := b.client.SubmitInk(ctx, cert.ID, client.Ink{PNG: picture.Bytes(), Strokes: [][]client.InkDot{{{X: 1, Y: 1}, {X: 2, Y: 2, T: time.Millisecond}}}}, password)
	if err != nil {
		t.Fatal(err)
	}
	var wrong *client.PasswordError
	if _, err := b.client.MakeSeal(ctx, cert.ID, "签名章", other); !errors.As(err, &wrong) {
		t.Errorf("wrong password: %v", err)
	}
	first, err := b.client.MakeSeal(ctx, cert.ID, "签名章", password)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != "签名章" || !first.Default || !first.Personal || !bytes.Equal(first.Picture, picture.Bytes()) || first.Width != 60 || !first.Until.Equal(cert.NotAfter) {
		t.Errorf("%+v", first)
	}
	second, err := b.client.MakeSeal(ctx, cert.ID, "处方章", password)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.client.SetDefaultSeal(ctx, cert.ID, second.ID); err != nil {
		t.Fatal(err)
	}
	for range 2 { // deleting again is no error
		if err := b.client.DeleteSeal(ctx, cert.ID, first.ID); err != nil {
			t.Fatal(err)
		}
	}
	left, err := b.client.Seals(ctx, cert.ID)
	if err != nil || len(left) != 1 || left[0].ID != second.ID || !left[0].Default {
		t.Errorf("%+v, %v", left, err)
	}
}
