package refca

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/png"
	"math"
	"net/http"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// maxInkSide is the largest width and height of the picture, in pixels.
const maxInkSide = 4096

// PutHandwriting stores the captured signature.
func (s *Server) PutHandwriting(w http.ResponseWriter, r *http.Request, params gen.PutHandwritingParams) {
	change(s, w, r, "putHandwriting", func(c *call, in gen.Handwriting) (reply, error) {
		if err := inkForm(in); err != nil {
			return reply{}, err
		}
		body, err := json.Marshal(in)
		if err != nil {
			return reply{}, invalid("strokes")
		}
		return c.commit(func(tx *store.Tx) (answerable, error) {
			k, err := c.certified(tx, params.KeyId)
			if err != nil {
				return nil, err
			}
			if err := c.spend(tx, k.ID); err != nil {
				return nil, err
			}
			return ok(nil), errors.Join(
				inks.put(tx, k.ID, ink{Account: k.Account, Body: body, Stored: c.now.UTC()}),
				c.audit(tx, auditEntry{Account: k.Account, KeyID: k.ID}),
			)
		})
	})
}

// GetHandwriting returns it.
func (s *Server) GetHandwriting(w http.ResponseWriter, r *http.Request, params gen.GetHandwritingParams) {
	read(s, w, r, "getHandwriting", func(c *call, tx *store.Tx) (any, error) {
		k, err := c.ownKey(tx, params.KeyId)
		if err != nil {
			return nil, err
		}
		stored, found, err := inks.get(tx, k.ID)
		if err != nil {
			return nil, err
		}
		if !found {
			return nil, notFound("handwriting")
		}
		return stored.Body, nil
	})
}

func inkForm(in gen.Handwriting) error {
	if len(in.Png) > 512<<10 || len(in.Strokes) == 0 || len(in.Strokes) > 500 {
		return invalid("handwriting")
	}
	// The header first: a small file can ask for a huge picture.
	head, err := png.DecodeConfig(bytes.NewReader(in.Png))
	if err != nil || head.Width > maxInkSide || head.Height > maxInkSide {
		return invalid("png")
	}
	if _, err := png.Decode(bytes.NewReader(in.Png)); err != nil {
		return invalid("png")
	}
	for _, stroke := range in.Strokes {
		if len(stroke) == 0 || len(stroke) > 5000 {
			return invalid("strokes")
		}
		var last int32
		for _, dot := range stroke {
			if !finite(dot.X) || !finite(dot.Y) || dot.T < last {
				return invalid("strokes")
			}
			last = dot.T
		}
	}
	return nil
}

func finite(v float32) bool { return !math.IsNaN(float64(v)) && math.Abs(float64(v)) < 1e6 }
