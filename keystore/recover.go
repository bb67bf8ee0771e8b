package keystore

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const damagedPrefix = "keystore.damaged-"

// Recovery says what Recover could and could not save.
type Recovery struct {
	SetAside   string      // where the damaged file is now, empty when there was none
	Lost       []RecordRef // records that are gone
	Older      []RecordRef // records that may be an earlier version of themselves
	Redownload []RecordRef // profiles that cannot be used any more; where possible with organisation and account
	Unlisted   bool        // parts of the list of records are gone: others than those in Lost may be missing
	Backup     bool        // only the backup has a whole list of records: changes since it was made may be gone
}

// Recover opens a store that Open found damaged. The damaged file is set aside under another name, never overwritten; every
// record in it that still authenticates is kept, then what the backup has in addition. A key share is never taken in a
// version that may be an earlier one: the server would have to hold it for a copied device. When nothing can be read, the
// store begins empty. A store in which Check finds nothing is opened as by Open.
//
// Errors are those of Open, but *DamagedError.
func Recover(ctx context.Context, dir string, opts Options) (*Store, Recovery, error) {
	s, err := prepare(dir, opts)
	if err != nil {
		return nil, Recovery{}, err
	}
	var report Recovery
	if err = s.start(ctx); err == nil {
		if err = s.Check(ctx); err != nil {
			err = errors.Join(err, s.unload())
		}
	}
	if errors.Is(err, ErrDamaged) {
		if report, err = s.rebuild(ctx); err == nil {
			err = s.start(ctx)
		}
	}
	if err != nil {
		s.lock.Release()
		return nil, Recovery{}, err
	}
	return s, report, nil
}

// rebuild makes a whole file out of what is left and puts it in place.
func (s *Store) rebuild(ctx context.Context) (Recovery, error) {
	var report Recovery
	broken, err := s.readDamaged()
	if err != nil {
		return report, err
	}
	content, err := readIfThere(filepath.Join(s.dir, backupName))
	if err != nil {
		return report, err
	}
	base, err := s.readSalvage(ctx, broken, content)
	if err != nil {
		return report, err
	}
	if base == nil {
		return report, s.beginAnew(ctx, &report)
	}
	defer base.wipe()
	report.Backup = base.man != nil && !bytes.Contains(broken, base.root)
	all := base.keep(&report)
	report.finish(all)
	d := (&manifest{gen: base.gen, headerDigest: base.header.digest()}).next()
	if base.man != nil {
		d.retired, d.erase = base.man.retired, base.man.erase
	}
	records, err := sealAll(base.keys, d, all)
	if err != nil {
		return report, err
	}
	name, err := s.buildFile(&base.header, base.keys, d, records)
	if err != nil {
		return report, err
	}
	if err := s.setAside(&report); err != nil {
		os.Remove(name)
		return report, err
	}
	if err := os.Rename(name, s.path); err != nil {
		return report, ioError("put new file in place", err)
	}
	return report, syncDir(s.dir)
}

// readDamaged returns the bytes of the damaged file; when an earlier Recover was interrupted, those it had set aside.
func (s *Store) readDamaged() ([]byte, error) {
	content, err := readIfThere(s.path)
	if content != nil || err != nil {
		return content, err
	}
	names, err := filepath.Glob(filepath.Join(s.dir, damagedPrefix+"*"))
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return readIfThere(slices.Max(names))
}

func readIfThere(path string) ([]byte, error) {
	content, err := readLimited(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return content, err
}

// setAside gives the damaged file another name, keeping the first one until the new file replaces it.
func (s *Store) setAside(report *Recovery) error {
	if _, err := os.Lstat(s.path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	stamp := s.now().UTC().Format("20060102-150405")
	for i := range 1000 {
		name := filepath.Join(s.dir, fmt.Sprintf("%s%s-%03d", damagedPrefix, stamp, i))
		err := os.Link(s.path, name)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil { // a file system without links
			if _, there := os.Lstat(name); there == nil {
				continue
			}
			err = os.Rename(s.path, name)
		}
		if err != nil {
			return ioError("set damaged file aside", err)
		}
		report.SetAside = name
		return syncDir(s.dir)
	}
	return fmt.Errorf("%w: too many damaged files", ErrExists)
}

// beginAnew makes an empty store where nothing could be read.
func (s *Store) beginAnew(ctx context.Context, report *Recovery) error {
	if err := s.setAside(report); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(s.dir, backupName)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return ioError("remove unreadable backup", err)
	}
	return s.create(ctx)
}

// recovered is the content of the new file.
type recovered struct {
	records map[string]saved // by kind and name
	history map[string][][]byte
	named   []RecordRef // all that are known to have been there
}

func recordName(ref RecordRef) string { return string([]byte{byte(ref.Kind)}) + ref.ID }

// keep chooses what goes into the new file.
func (v *salvage) keep(report *Recovery) *recovered {
	all := &recovered{records: map[string]saved{}, history: v.history, named: v.lost}
	report.Unlisted = slices.Contains(v.missing[:], true)
	for _, r := range v.records {
		all.named = append(all.named, r.ref)
		if !r.certain && r.ref.Kind == KindShare {
			continue
		}
		all.records[recordName(r.ref)] = r
		if !r.certain {
			report.Older = append(report.Older, r.ref)
		}
	}
	return all
}

// finish drops what points nowhere and tells the user's side of the loss.
func (r *Recovery) finish(all *recovered) {
	usable := map[string]bool{}
	for _, rec := range all.records {
		if rec.ref.Kind != KindProfile {
			continue
		}
		p, err := unmarshalProfile(rec.plain)
		if err != nil {
			continue
		}
		_, share := all.records[recordName(RecordRef{Kind: KindShare, ID: hex.EncodeToString(p.KeyID[:])})]
		_, organisation := all.records[recordName(RecordRef{Kind: KindOrganisation, ID: p.Organisation})]
		if usable[p.ID] = share && organisation; !usable[p.ID] {
			r.Redownload = append(r.Redownload, rec.ref)
		}
	}
	if current, ok := all.records[recordName(RecordRef{Kind: KindCurrent})]; ok && !usable[string(current.plain)] {
		delete(all.records, recordName(RecordRef{Kind: KindCurrent}))
	}
	for _, ref := range all.named {
		if _, have := all.records[recordName(ref)]; have || ref.Kind == KindCurrent {
			continue
		}
		r.Lost = append(r.Lost, ref)
		if ref.Kind == KindProfile {
			r.Redownload = append(r.Redownload, ref)
		}
	}
	order := func(a, b RecordRef) int { return strings.Compare(recordName(a), recordName(b)) }
	for _, list := range [][]RecordRef{r.Lost, r.Older, r.Redownload} {
		slices.SortFunc(list, order)
	}
}

// sealAll seals everything for a new file.
func sealAll(keys *subkeys, d *draft, all *recovered) ([]sealedRecord, error) {
	var out []sealedRecord
	for _, r := range all.records {
		key := keys.recordKey(r.ref.Kind, r.ref.ID)
		sealed, err := keys.sealRecord(key, d.gen, r.plain)
		if err != nil {
			return nil, err
		}
		_, tag, err := sealedHead(sealed)
		if err != nil {
			return nil, err
		}
		d.set(key, entry{gen: d.gen, tag: tag, ref: r.ref})
		out = append(out, sealedRecord{key, sealed})
		if r.ref.Kind != KindHistory {
			continue
		}
		for i, plain := range all.history[r.ref.ID] {
			key := append(keys.recordKey(KindSignature, r.ref.ID), be64(uint64(i+1))...)
			sealed, err := keys.sealRecord(key, d.gen, bytes.Clone(plain))
			if err != nil {
				return nil, err
			}
			out = append(out, sealedRecord{key, sealed})
		}
	}
	return out, nil
}
