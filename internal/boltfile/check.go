package boltfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
)

const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeaderSize = 16 // id (8) ‖ flags (2) ‖ count (2) ‖ overflow (4)
	elementSize    = 16 // leaf: flags ‖ pos ‖ key size ‖ value size (4 each); branch: pos (4) ‖ key size (4) ‖ page (8)
	metaSize       = 64
	bucketSize     = 16 // root page (8) ‖ sequence (8); an inline bucket's page follows with root page 0

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10

	elementBucket = 1
	maxDepth      = 16
)

var le = binary.LittleEndian

// boltMeta is the part of a meta page that the walk needs.
type boltMeta struct{ root, freelist, highWater, txid uint64 }

// Check walks all pages of a whole file with pages of size bytes (a power of two, 1024 or more). torn says that one of the
// two metas is not valid: the other is a complete state, but it may be the one before the last commit.
func Check(b []byte, size uint64) (torn bool, err error) {
	m, torn, err := readMetas(b, size)
	if err != nil {
		return false, err
	}
	if m.highWater < 4 || m.highWater > uint64(len(b))/size {
		return false, fmt.Errorf("high water mark %d in a file of %d bytes", m.highWater, len(b))
	}
	w := &walk{b: b, size: size, highWater: m.highWater, used: make([]bool, m.highWater)}
	w.used[0], w.used[1] = true, true
	if err := w.tree(m.root, nil, nil, 0, true); err != nil {
		return false, err
	}
	return torn, w.freelist(m.freelist)
}

// readMetas returns the newer of the two metas.
func readMetas(b []byte, size uint64) (m boltMeta, torn bool, err error) {
	if uint64(len(b)) < 4*size {
		return m, false, fmt.Errorf("file of %d bytes", len(b))
	}
	var found []boltMeta
	for i := range uint64(2) {
		p := b[i*size : (i+1)*size]
		meta := p[pageHeaderSize : pageHeaderSize+metaSize]
		sum := fnv.New64a()
		sum.Write(meta[:56])
		// exactly bbolt's own test, so that both choose the same meta
		if le.Uint32(meta) != boltMagic || le.Uint32(meta[4:]) != boltVersion || le.Uint64(meta[56:]) != sum.Sum64() {
			continue
		}
		if le.Uint64(p) != i || le.Uint16(p[8:]) != flagMeta {
			return m, false, fmt.Errorf("page %d is not a meta page", i)
		}
		got := boltMeta{root: le.Uint64(meta[16:]), freelist: le.Uint64(meta[32:]), highWater: le.Uint64(meta[40:]), txid: le.Uint64(meta[48:])}
		if stated := uint64(le.Uint32(meta[8:])); stated != size || got.txid%2 != i {
			return m, false, fmt.Errorf("meta %d: page size %d, transaction %d", i, stated, got.txid)
		}
		found = append(found, got)
	}
	switch {
	case len(found) == 0:
		return m, false, errors.New("no valid meta page")
	case len(found) == 1:
		return found[0], true, nil
	case found[0].txid == found[1].txid+1:
		return found[0], false, nil
	case found[1].txid == found[0].txid+1:
		return found[1], false, nil
	}
	return m, false, errors.New("meta pages do not follow each other")
}

// walk visits pages and remembers which are in use.
type walk struct {
	b         []byte
	size      uint64 // of a page
	highWater uint64
	used      []bool
}

// page claims the page id with its overflow and returns its bytes, whose type must be one of flags.
func (w *walk) page(id uint64, flags ...uint16) (p []byte, flag uint16, err error) {
	if id < 2 || id >= w.highWater {
		return nil, 0, fmt.Errorf("page %d out of bounds", id)
	}
	p = w.b[id*w.size:]
	if le.Uint64(p) != id {
		return nil, 0, fmt.Errorf("page %d calls itself %d", id, le.Uint64(p))
	}
	flag = le.Uint16(p[8:])
	if !slices.Contains(flags, flag) {
		return nil, 0, fmt.Errorf("page %d has type %#x", id, flag)
	}
	overflow := uint64(le.Uint32(p[12:]))
	if overflow >= w.highWater-id {
		return nil, 0, fmt.Errorf("page %d runs over the end", id)
	}
	for i := id; i <= id+overflow; i++ {
		if w.used[i] {
			return nil, 0, fmt.Errorf("page %d is used twice", i)
		}
		w.used[i] = true
	}
	return p[:(overflow+1)*w.size], flag, nil
}

// tree checks the tree below a page, whose first key must be low and whose last is before high; nil is no bound. root is for the tree of buckets.
func (w *walk) tree(id uint64, low, high []byte, depth int, root bool) error {
	if depth > maxDepth {
		return errors.New("tree is too deep")
	}
	p, flag, err := w.page(id, flagBranch, flagLeaf)
	if err != nil {
		return err
	}
	if flag == flagLeaf {
		if depth > 0 && le.Uint16(p[10:]) == 0 {
			return fmt.Errorf("page %d is empty", id)
		}
		if err := w.leaf(p, low, high, root); err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		return nil
	}
	count := int(le.Uint16(p[10:]))
	if count == 0 || pageHeaderSize+count*elementSize > len(p) {
		return fmt.Errorf("page %d has %d elements", id, count)
	}
	keys := make([][]byte, count+1)
	keys[count] = high
	for i := range count {
		at := pageHeaderSize + i*elementSize
		key, _, err := field(p, at, count, le.Uint32(p[at:]), le.Uint32(p[at+4:]), 0)
		if err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		if err := inOrder(key, low, i == 0, high); err != nil {
			return fmt.Errorf("page %d: %w", id, err)
		}
		keys[i], low = key, key
	}
	for i := range count {
		child := le.Uint64(p[pageHeaderSize+i*elementSize+8:])
		if err := w.tree(child, keys[i], keys[i+1], depth+1, root); err != nil {
			return err
		}
	}
	return nil
}

// leaf checks the elements of a leaf page, or of an inline bucket.
func (w *walk) leaf(p, low, high []byte, root bool) error {
	count := int(le.Uint16(p[10:]))
	if pageHeaderSize+count*elementSize > len(p) {
		return fmt.Errorf("%d elements", count)
	}
	for i := range count {
		at := pageHeaderSize + i*elementSize
		key, value, err := field(p, at, count, le.Uint32(p[at+4:]), le.Uint32(p[at+8:]), le.Uint32(p[at+12:]))
		if err != nil {
			return err
		}
		if err := inOrder(key, low, i == 0, high); err != nil {
			return err
		}
		low = key
		switch flags := le.Uint32(p[at:]); {
		case !root && flags != 0, root && flags != elementBucket:
			return fmt.Errorf("element flags %#x", flags)
		case root:
			if err := w.bucket(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// bucket checks a bucket's entry and what it holds.
func (w *walk) bucket(value []byte) error {
	if len(value) < bucketSize {
		return errors.New("short bucket")
	}
	if root := le.Uint64(value); root != 0 {
		if len(value) != bucketSize {
			return errors.New("long bucket")
		}
		return w.tree(root, nil, nil, 0, false)
	}
	p := value[bucketSize:]
	if len(p) < pageHeaderSize || le.Uint16(p[8:]) != flagLeaf || le.Uint32(p[12:]) != 0 {
		return errors.New("malformed inline bucket")
	}
	return w.leaf(p, nil, nil, false)
}

// field returns key and value of the element at offset at of a page with count elements.
func field(p []byte, at, count int, pos, ksize, vsize uint32) (key, value []byte, err error) {
	start := uint64(at) + uint64(pos)
	middle := start + uint64(ksize)
	end := middle + uint64(vsize)
	if start < uint64(pageHeaderSize+count*elementSize) || end > uint64(len(p)) || ksize == 0 || ksize > 1024 {
		return nil, nil, errors.New("element out of bounds")
	}
	return p[start:middle], p[middle:end], nil
}

// inOrder checks a key against its bounds. The first key of a page must be the one its parent has for it: bbolt finds the
// parent's element by it when it writes the page back, and would add a second element otherwise.
func inOrder(key, low []byte, first bool, high []byte) error {
	c := bytes.Compare(low, key)
	if low != nil && (first && c != 0 || !first && c >= 0) || high != nil && bytes.Compare(key, high) >= 0 {
		return errors.New("keys out of order")
	}
	return nil
}

// freelist checks that the free pages are exactly those that nothing uses.
func (w *walk) freelist(id uint64) error {
	p, _, err := w.page(id, flagFreelist)
	if err != nil {
		return fmt.Errorf("freelist: %w", err)
	}
	count, at := uint64(le.Uint16(p[10:])), pageHeaderSize
	if count == 0xFFFF {
		count, at = le.Uint64(p[at:]), at+8
	}
	if count > uint64(len(p)-at)/8 {
		return fmt.Errorf("freelist of %d pages", count)
	}
	last := uint64(1)
	for i := range int(count) {
		free := le.Uint64(p[at+8*i:])
		if free <= last || free >= w.highWater || w.used[free] {
			return fmt.Errorf("page %d cannot be free", free)
		}
		w.used[free], last = true, free
	}
	for i, used := range w.used {
		if !used {
			return fmt.Errorf("page %d is neither used nor free", i)
		}
	}
	return nil
}
