package keystore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emmansun/gmsm/sm3"
)

// Signature is one entry of a profile's signature history. Every entry holds what is needed to verify it again.
type Signature struct {
	ID         string // unique on the device; set by AppendSignature
	Profile    string // ID
	Seq        uint64 // 1 for the oldest of the profile; set by AppendSignature
	Document   string // file name, or the beginning of the text
	Size       int64  // bytes
	Digest     []byte // SM3 of the document, 32 bytes
	E          []byte // SM3(Z || document), what the signature is over (GB/T 32918.2 §6.1), 32 bytes
	Signature  []byte // DER, SEQUENCE of r and s (GB/T 35276)
	SignedData []byte // detached SignedData (GB/T 35275), DER
	Serial     string // of the certificate, upper-case hex
	Time       time.Time
}

// AppendSignature adds an entry to its profile's history and returns it with ID and Seq set. The profile must exist.
func (s *Store) AppendSignature(ctx context.Context, sig Signature) (Signature, error) {
	err := s.Update(ctx, func(tx *Tx) error {
		var err error
		sig, err = tx.AppendSignature(sig)
		return err
	})
	return sig, err
}

// Signatures returns up to limit entries of a profile's history, newest first, that are older than sequence number
// before; 0 starts with the newest. Each entry is checked against the hash chain on the way. Fewer than limit entries
// means the end; otherwise the Seq of the last one is the next before.
func (s *Store) Signatures(ctx context.Context, profile string, before uint64, limit int) ([]Signature, error) {
	return read(ctx, s, func(tx *Tx) ([]Signature, error) { return tx.Signatures(profile, before, limit) })
}

// Signature returns the entry with this ID, or ErrNotFound.
func (s *Store) Signature(ctx context.Context, id string) (Signature, error) {
	return read(ctx, s, func(tx *Tx) (Signature, error) { return tx.Signature(id) })
}

// SignatureCount returns how many entries a profile's history has.
func (s *Store) SignatureCount(ctx context.Context, profile string) (uint64, error) {
	return read(ctx, s, func(tx *Tx) (uint64, error) { return tx.SignatureCount(profile) })
}

// VerifyHistory checks the whole hash chain of a profile from the newest entry to the first and returns a *DamagedError
// for a missing, altered or reordered entry.
func (s *Store) VerifyHistory(ctx context.Context, profile string) error {
	_, err := read(ctx, s, func(tx *Tx) (struct{}, error) { return struct{}{}, tx.VerifyHistory(profile) })
	return err
}

// An entry lies under kind ‖ pseudonym of the profile ‖ sequence number (8 bytes, big endian). Its plaintext is the chain
// digest of the entry before (32 bytes) ‖ JSON; its own chain digest is SM3 over a domain tag, profile, sequence number and that
// plaintext. The head, which the manifest holds, has the number and digest of the newest.
const historyKeySize = 1 + pseudonymSize + 8

type historyHead struct {
	Seq    uint64
	Digest []byte
}

func (tx *Tx) historyKey(profile string, seq uint64) []byte {
	return append(tx.keys.recordKey(KindSignature, profile), be64(seq)...)
}

func chainDigest(profile string, seq uint64, plain []byte) []byte {
	h := sm3.New()
	h.Write([]byte("cloudkey signature history\x01"))
	h.Write(appendBytes(nil, []byte(profile)))
	h.Write(be64(seq))
	h.Write(plain)
	return h.Sum(nil)
}

func signatureID(profile string, seq uint64) string {
	return profile + "." + strconv.FormatUint(seq, 10)
}

func (tx *Tx) historyHead(profile string) (historyHead, error) {
	h, err := getJSON[historyHead](tx, KindHistory, profile)
	if errors.Is(err, ErrNotFound) {
		return historyHead{Digest: make([]byte, sm3.Size)}, nil
	}
	return h, err
}

// AppendSignature is Store.AppendSignature in this transaction.
func (tx *Tx) AppendSignature(sig Signature) (Signature, error) {
	switch {
	case !tx.has(KindProfile, sig.Profile):
		return Signature{}, invalid(KindSignature, "unknown profile")
	case len(sig.Digest) != sm3.Size:
		return Signature{}, invalid(KindSignature, "digest")
	case len(sig.Signature) == 0:
		return Signature{}, invalid(KindSignature, "no signature")
	case sig.Size < 0:
		return Signature{}, invalid(KindSignature, "size")
	}
	if err := tx.writable(); err != nil {
		return Signature{}, err
	}
	head, err := tx.historyHead(sig.Profile)
	if err != nil {
		return Signature{}, err
	}
	sig.Seq = head.Seq + 1
	sig.ID = signatureID(sig.Profile, sig.Seq)
	if sig.Time.IsZero() {
		sig.Time = tx.now()
	}
	sig.Time = sig.Time.Round(0).UTC()
	sig.Document = strings.ToValidUTF8(sig.Document, "\uFFFD")
	body, err := json.Marshal(sig)
	if err != nil {
		return Signature{}, fmt.Errorf("%w: %v", ErrInvalid, err)
	}
	if len(body) > maxRecord {
		return Signature{}, invalid(KindSignature, "too large")
	}
	plain := append(slices.Clone(head.Digest), body...)
	key := tx.historyKey(sig.Profile, sig.Seq)
	sealed, err := tx.keys.sealRecord(key, tx.draft.gen, plain)
	if err != nil {
		return Signature{}, err
	}
	if err := guard(func() error { return tx.records.Put(key, sealed) }); err != nil {
		return Signature{}, err
	}
	head = historyHead{Seq: sig.Seq, Digest: chainDigest(sig.Profile, sig.Seq, plain)}
	return sig, putJSON(tx, KindHistory, sig.Profile, RecordRef{ID: sig.Profile}, head)
}

// historyEntry opens entry seq and checks it against the digest its successor has of it, when want is not nil.
func (tx *Tx) historyEntry(profile string, seq uint64, want []byte) (sig Signature, prev []byte, err error) {
	bad := func(why string) error {
		return tx.damage(RecordRef{Kind: KindSignature, ID: signatureID(profile, seq)}, errors.New(why))
	}
	key := tx.historyKey(profile, seq)
	var sealed []byte
	if err := guard(func() error { sealed = bytes.Clone(tx.records.Get(key)); return nil }); err != nil {
		return sig, nil, bad(err.Error())
	}
	if sealed == nil {
		return sig, nil, bad("entry is missing")
	}
	plain, err := tx.keys.openRecord(key, sealed)
	if err != nil || len(plain) < sm3.Size {
		return sig, nil, bad("entry does not authenticate")
	}
	if want != nil && !bytes.Equal(want, chainDigest(profile, seq, plain)) {
		return sig, nil, bad("entry is not the one in the chain")
	}
	if err := decodeJSON(plain[sm3.Size:], &sig); err != nil {
		return sig, nil, err
	}
	if sig.Profile != profile || sig.Seq != seq {
		return sig, nil, bad("entry is another's")
	}
	return sig, plain[:sm3.Size], nil
}

// Signatures is Store.Signatures in this transaction.
func (tx *Tx) Signatures(profile string, before uint64, limit int) ([]Signature, error) {
	if limit <= 0 || limit > 1000 {
		return nil, invalid(KindSignature, "limit")
	}
	head, err := tx.historyHead(profile)
	if err != nil {
		return nil, err
	}
	out := []Signature{}
	seq, want := head.Seq, head.Digest
	if before > 0 && before <= head.Seq {
		// the entry the page follows knows the digest of the page's first
		_, prev, err := tx.historyEntry(profile, before, nil)
		if err != nil {
			return nil, err
		}
		seq, want = before-1, prev
	}
	for ; seq > 0 && len(out) < limit; seq-- {
		if err := tx.ctx.Err(); err != nil {
			return nil, err
		}
		sig, prev, err := tx.historyEntry(profile, seq, want)
		if err != nil {
			return nil, err
		}
		out, want = append(out, sig), prev
	}
	return out, nil
}

// Signature is Store.Signature in this transaction.
func (tx *Tx) Signature(id string) (Signature, error) {
	i := strings.LastIndexByte(id, '.')
	if i < 0 {
		return Signature{}, ErrNotFound
	}
	seq, err := strconv.ParseUint(id[i+1:], 10, 64)
	if err != nil || id != signatureID(id[:i], seq) {
		return Signature{}, ErrNotFound
	}
	head, err := tx.historyHead(id[:i])
	if err != nil {
		return Signature{}, err
	}
	if seq == 0 || seq > head.Seq {
		return Signature{}, ErrNotFound
	}
	var want []byte
	if seq == head.Seq {
		want = head.Digest
	} else if _, want, err = tx.historyEntry(id[:i], seq+1, nil); err != nil {
		return Signature{}, err
	}
	sig, _, err := tx.historyEntry(id[:i], seq, want)
	return sig, err
}

// SignatureCount is Store.SignatureCount in this transaction.
func (tx *Tx) SignatureCount(profile string) (uint64, error) {
	head, err := tx.historyHead(profile)
	return head.Seq, err
}

// VerifyHistory is Store.VerifyHistory in this transaction.
func (tx *Tx) VerifyHistory(profile string) error {
	head, err := tx.historyHead(profile)
	if err != nil {
		return err
	}
	want := head.Digest
	for seq := head.Seq; seq > 0; seq-- {
		if err := tx.ctx.Err(); err != nil {
			return err
		}
		if _, want, err = tx.historyEntry(profile, seq, want); err != nil {
			return err
		}
	}
	if !bytes.Equal(want, make([]byte, sm3.Size)) {
		return tx.damage(RecordRef{Kind: KindHistory, ID: profile}, errors.New("chain does not begin at its first entry"))
	}
	return nil
}

// deleteHistory removes all entries and the head of a profile.
func (tx *Tx) deleteHistory(profile string) error {
	if err := tx.writable(); err != nil {
		return err
	}
	prefix := tx.keys.recordKey(KindSignature, profile)
	var keys [][]byte
	err := guard(func() error {
		c := tx.records.Cursor()
		for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, _ = c.Next() {
			keys = append(keys, bytes.Clone(k))
		}
		for _, k := range keys {
			if err := tx.records.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, err = tx.del(KindHistory, profile)
	return err
}

// resealHistory appends the entries of a profile, checked and sealed again under keys.
func (tx *Tx) resealHistory(out []sealedRecord, keys *subkeys, gen uint64, profile string) ([]sealedRecord, error) {
	head, err := tx.historyHead(profile)
	if err != nil {
		return nil, err
	}
	for seq := uint64(1); seq <= head.Seq; seq++ {
		old := tx.historyKey(profile, seq)
		plain, err := tx.keys.openRecord(old, tx.records.Get(old))
		if err != nil {
			return nil, tx.damage(RecordRef{Kind: KindSignature, ID: signatureID(profile, seq)}, err)
		}
		key := append(keys.recordKey(KindSignature, profile), be64(seq)...)
		sealed, err := keys.sealRecord(key, gen, plain)
		if err != nil {
			return nil, err
		}
		out = append(out, sealedRecord{key, sealed})
	}
	return out, nil
}
