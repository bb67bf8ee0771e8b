package keystore

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"cloudkey/internal/boltfile"

	"github.com/emmansun/gmsm/sm3"
)

// scrap is what boltfile.Scraps picks out of damaged files. What it is worth, the seals tell.
type scrap map[string][][]byte

// saved is one record that opened.
type saved struct {
	ref     RecordRef
	gen     uint64
	plain   []byte
	certain bool // the manifest names exactly this version
}

// salvage is all that a damaged file and its backup still say.
type salvage struct {
	header  header
	key     []byte // the store key, to go on with
	keys    *subkeys
	man     *manifest           // nil without a root that opens
	records map[string]saved    // by key in the file
	lost    []RecordRef         // named by the manifest, and no version is left
	missing [leafCount]bool     // parts of the manifest that do not open
	history map[string][][]byte // plaintexts of a profile's entries, oldest first, where the chain is whole
	root    []byte              // as it lies in the file
	gen     uint64              // highest generation seen
}

// readSalvage picks what opens out of a file and its backup, or returns nil when no header leads to a key. A version of a
// record is the same wherever it is found. Errors are the platform's, when its key service does not answer.
func (s *Store) readSalvage(ctx context.Context, file, backup []byte) (*salvage, error) {
	pieces := scrap(boltfile.Scraps(pageSize, file, backup))
	var best *salvage
	tried := map[string]bool{}
	for _, raw := range pieces[string(keyHeader)] {
		h, err := unmarshalHeader(raw)
		if errors.Is(err, ErrNewerFormat) {
			return nil, err
		}
		if err != nil || tried[string(raw)] {
			continue
		}
		tried[string(raw)] = true
		w := s.wrapper(h.wrapper)
		if w == nil {
			continue
		}
		key, err := w.Unwrap(ctx, h.wrapped)
		if errors.Is(err, ErrKeyLost) {
			continue
		} else if err != nil {
			return nil, err
		}
		v := &salvage{header: h, key: key, records: map[string]saved{}, history: map[string][][]byte{}}
		if v.keys, err = newSubkeys(key, h.storeID); err != nil {
			return nil, err
		}
		v.read(pieces)
		if best == nil || v.better(best) {
			best, v = v, best
		}
		v.wipe()
	}
	return best, nil
}

func (v *salvage) better(than *salvage) bool {
	if (v.man == nil) != (than.man == nil) {
		return v.man != nil
	}
	return v.gen > than.gen || v.gen == than.gen && len(v.records) > len(than.records)
}

func (v *salvage) wipe() {
	if v == nil {
		return
	}
	clear(v.key)
	if v.keys != nil {
		v.keys.wipe()
	}
	for _, r := range v.records {
		clear(r.plain)
	}
}

func (v *salvage) read(pieces scrap) {
	v.readRoot(pieces)
	v.readListed(pieces)
	v.readUnlisted(pieces)
	v.readHistories(pieces)
}

// readRoot takes the newest root that opens, unless something newer than it shows that the last one is gone.
func (v *salvage) readRoot(pieces scrap) {
	for _, sealed := range slices.Concat(pieces[string(rootKey)], pieces[string(keyRoot)]) {
		plain, err := v.keys.openRecord(rootKey, sealed)
		if err != nil {
			continue
		}
		m, err := unmarshalRoot(plain)
		if err == nil && m.headerDigest == v.header.digest() && (v.man == nil || m.gen > v.man.gen) {
			v.man, v.gen, v.root = m, m.gen, sealed
		}
	}
	for k, versions := range pieces {
		if len(k) < 1+pseudonymSize {
			continue
		}
		for _, sealed := range versions {
			if gen, _, err := sealedHead(sealed); err != nil || gen <= v.gen {
				continue
			} else if plain, err := v.keys.openRecord([]byte(k), sealed); err == nil {
				clear(plain)
				v.man, v.gen = nil, gen
			}
		}
	}
}

// readListed takes the records that the manifest names, in exactly that version.
func (v *salvage) readListed(pieces scrap) {
	for i := range leafCount {
		if v.man == nil {
			v.missing[i] = true
			continue
		}
		l, err := pieces.leafOf(v.keys, i, v.man.refs[i])
		if err != nil {
			v.missing[i] = true
			continue
		}
		for k, e := range l {
			if plain := pieces.exact(v.keys, []byte(k), e); plain != nil {
				v.records[k] = saved{ref: e.ref, gen: e.gen, plain: plain, certain: true}
			} else if old := pieces.versions(v.keys, []byte(k)); len(old) > 0 {
				old[0].ref = e.ref
				v.records[k] = old[0]
			} else {
				v.lost = append(v.lost, e.ref)
			}
		}
	}
}

func (s scrap) leafOf(keys *subkeys, i int, ref sealedRef) (leaf, error) {
	if ref == (sealedRef{}) {
		return nil, nil
	}
	plain := s.exact(keys, leafKey(i), entry{gen: ref.gen, tag: ref.tag})
	if plain == nil {
		return nil, errManifest
	}
	return unmarshalLeaf(plain, i)
}

// exact returns the plaintext of the version of a record with this generation and tag, or nil.
func (s scrap) exact(keys *subkeys, key []byte, e entry) []byte {
	for _, sealed := range s[string(key)] {
		if gen, tag, err := sealedHead(sealed); err != nil || gen != e.gen || !sameTag(tag, e.tag) {
			continue
		}
		if plain, err := keys.openRecord(key, sealed); err == nil {
			return plain
		}
	}
	return nil
}

// readUnlisted takes the newest version that opens of every record whose part of the manifest is missing. It may be an
// older one than the last, or one that was deleted.
func (v *salvage) readUnlisted(pieces scrap) {
	found := map[string]saved{}
	for k := range pieces {
		if len(k) != 1+pseudonymSize || Kind(k[0]) >= kindRoot || !v.missing[leafIndex([]byte(k))] {
			continue
		}
		if versions := pieces.versions(v.keys, []byte(k)); len(versions) > 0 {
			found[k] = versions[0]
		}
	}
	v.nameUnlisted(found)
}

// nameUnlisted finds out the names of records from their content, or from the names of others.
func (v *salvage) nameUnlisted(found map[string]saved) {
	names := map[string]RecordRef{"": {}}
	learn := func(k string, plain []byte) {
		var id struct {
			ID, Organisation, Account string
			KeyID                     KeyID
		}
		switch Kind(k[0]) {
		case KindProfile:
			p, err := unmarshalProfile(plain)
			if err != nil {
				return
			}
			id.ID, id.Organisation, id.Account, id.KeyID = p.ID, p.Organisation, p.Account, p.KeyID
		case KindOrganisation, KindEnrolment, KindPendingRequest, KindSealedKey:
			if json.Unmarshal(plain, &id) != nil {
				return
			}
		default:
			return
		}
		ref := RecordRef{ID: id.ID, Organisation: id.Organisation, Account: id.Account}
		if Kind(k[0]) == KindOrganisation {
			ref.Organisation = id.ID
		}
		names[id.ID] = ref
		key := hex.EncodeToString(id.KeyID[:])
		names[key] = RecordRef{ID: key}
	}
	for k, r := range found {
		learn(k, r.plain)
	}
	for k, r := range v.records {
		learn(k, r.plain)
	}
	for k, r := range found {
		for name, ref := range names {
			if string(v.keys.recordKey(Kind(k[0]), name)) == k {
				ref.Kind = Kind(k[0])
				r.ref = ref
				v.records[k] = r
				break
			}
		}
	}
}

// versions returns every version of a record that opens, the newest first.
func (s scrap) versions(keys *subkeys, key []byte) []saved {
	var out []saved
	for _, sealed := range s[string(key)] {
		gen, _, err := sealedHead(sealed)
		if err != nil {
			continue
		}
		if plain, err := keys.openRecord(key, sealed); err == nil {
			out = append(out, saved{gen: gen, plain: plain})
		}
	}
	slices.SortStableFunc(out, func(a, b saved) int { return cmp.Compare(b.gen, a.gen) })
	return out
}

// readHistories takes each history by the newest head whose chain is whole.
func (v *salvage) readHistories(pieces scrap) {
	for k, newest := range maps.Clone(v.records) {
		if newest.ref.Kind != KindHistory {
			continue
		}
		delete(v.records, k)
		for _, head := range pieces.versions(v.keys, []byte(k)) {
			head.ref = newest.ref
			head.certain = newest.certain && head.gen == newest.gen
			if entries, whole := pieces.chain(v.keys, head); whole {
				v.records[k], v.history[head.ref.ID] = head, entries
				break
			}
		}
		if _, found := v.records[k]; !found {
			v.lost = append(v.lost, newest.ref)
		}
	}
}

func (s scrap) chain(keys *subkeys, head saved) (entries [][]byte, whole bool) {
	var h historyHead
	if json.Unmarshal(head.plain, &h) != nil {
		return nil, false
	}
	want := h.Digest
	for seq := h.Seq; seq > 0; seq-- {
		key := append(keys.recordKey(KindSignature, head.ref.ID), be64(seq)...)
		i := slices.IndexFunc(s[string(key)], func(sealed []byte) bool {
			plain, err := keys.openRecord(key, sealed)
			if err != nil || len(plain) < sm3.Size || !bytes.Equal(chainDigest(head.ref.ID, seq, plain), want) {
				return false
			}
			entries, want = append(entries, plain), plain[:sm3.Size]
			return true
		})
		if i < 0 {
			return nil, false
		}
	}
	slices.Reverse(entries)
	return entries, bytes.Equal(want, make([]byte, sm3.Size))
}
