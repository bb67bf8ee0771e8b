package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/bbolt"
)

// Tx is a view of the store inside Update or View. Writes are kept aside until the function has returned without error.
// It must not be used by two goroutines or after the function has returned.
type Tx struct {
	tx       *bbolt.Tx
	readOnly bool
	writes   map[string]map[string][]byte // by bucket and key; nil means deleted
}

// ErrReadOnly reports a write inside View.
var ErrReadOnly = errors.New("store: write in a read-only transaction")

// Get returns a copy of the value, or nil when there is none.
func (t *Tx) Get(bucket, key string) []byte {
	if w, ok := t.writes[bucket]; ok {
		if v, ok := w[key]; ok {
			return bytes.Clone(v)
		}
	}
	b := t.tx.Bucket([]byte(bucket))
	if b == nil {
		return nil
	}
	return bytes.Clone(b.Get([]byte(key)))
}

// Put stores a copy of value, which may be empty but not nil. Keys are 1 to 1024 bytes, values at most 8 MiB.
func (t *Tx) Put(bucket, key string, value []byte) error {
	if value == nil || len(value) > maxValue {
		return fmt.Errorf("store: value of %d bytes for %s", len(value), bucket)
	}
	return t.set(bucket, key, append([]byte{}, value...))
}

// Delete removes the key; a missing one is no error.
func (t *Tx) Delete(bucket, key string) error { return t.set(bucket, key, nil) }

func (t *Tx) set(bucket, key string, value []byte) error {
	if t.readOnly {
		return ErrReadOnly
	}
	if bucket == "" || key == "" || len(key) > maxKey {
		return fmt.Errorf("store: key of %d bytes for %q", len(key), bucket)
	}
	if t.writes == nil {
		t.writes = map[string]map[string][]byte{}
	}
	if t.writes[bucket] == nil {
		t.writes[bucket] = map[string][]byte{}
	}
	t.writes[bucket][key] = value
	return nil
}

// All yields the keys that begin with prefix in ascending order with copies of their values. Writing to the same bucket while
// ranging does not change what is yielded.
func (t *Tx) All(bucket, prefix string) iter.Seq2[string, []byte] {
	return t.scan(bucket, prefix, false)
}

// Backward is All in descending order.
func (t *Tx) Backward(bucket, prefix string) iter.Seq2[string, []byte] {
	return t.scan(bucket, prefix, true)
}

func (t *Tx) scan(bucket, prefix string, backward bool) iter.Seq2[string, []byte] {
	before := func(a, b string) bool { return a < b }
	if backward {
		before = func(a, b string) bool { return a > b }
	}
	return func(yield func(string, []byte) bool) {
		overlay := maps.Clone(t.writes[bucket])
		var pending []string
		for k := range overlay {
			if strings.HasPrefix(k, prefix) {
				pending = append(pending, k)
			}
		}
		slices.Sort(pending)
		if backward {
			slices.Reverse(pending)
		}
		emit := func(k string, v []byte) bool {
			if w, ok := overlay[k]; ok {
				v = w
			}
			return v == nil || yield(k, bytes.Clone(v))
		}
		for k, v := range t.stored(bucket, prefix, backward) {
			for len(pending) > 0 && before(pending[0], k) {
				if !emit(pending[0], nil) {
					return
				}
				pending = pending[1:]
			}
			if len(pending) > 0 && pending[0] == k {
				pending = pending[1:]
			}
			if !emit(k, v) {
				return
			}
		}
		for _, k := range pending {
			if !emit(k, nil) {
				return
			}
		}
	}
}

func (t *Tx) stored(bucket, prefix string, backward bool) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		b := t.tx.Bucket([]byte(bucket))
		if b == nil {
			return
		}
		c := b.Cursor()
		p := []byte(prefix)
		k, v := c.Seek(p)
		step := c.Next
		if backward {
			step = c.Prev
			// The last key with the prefix stands before the first key above all of them.
			if end := above(p); end == nil {
				k, v = c.Last()
			} else if k, _ = c.Seek(end); k == nil {
				k, v = c.Last()
			} else {
				k, v = c.Prev()
			}
		}
		for ; k != nil && bytes.HasPrefix(k, p); k, v = step() {
			if !yield(string(k), v) {
				return
			}
		}
	}
}

// above returns the smallest byte string greater than every string with prefix p, or nil when there is none.
func above(p []byte) []byte {
	end := bytes.Clone(p)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i] < 0xff {
			end[i]++
			return end[:i+1]
		}
	}
	return nil
}

func (t *Tx) flush() error {
	for bucket, keys := range t.writes {
		b, err := t.tx.CreateBucketIfNotExists([]byte(bucket))
		if err != nil {
			return err
		}
		for k, v := range keys {
			if v == nil {
				err = b.Delete([]byte(k))
			} else {
				err = b.Put([]byte(k), v)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
