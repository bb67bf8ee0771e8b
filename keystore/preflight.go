package keystore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// checkFile reads the file at path and walks its pages. torn is as in checkPages. Damage is a *DamagedError.
func checkFile(path string) (torn bool, err error) {
	fi, err := os.Stat(path)
	if err != nil {
		return false, ioError("look at file", err)
	}
	if fi.Size() > maxFileSize {
		return false, &DamagedError{Path: path, Err: errors.New("file is too large")}
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return false, ioError("read file", err)
	}
	if torn, err = checkPages(content); err != nil {
		return false, &DamagedError{Path: path, Err: err}
	}
	return torn, nil
}

// Constants of bbolt's file format, version 2.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	pageHeaderSize = 16
	elementSize    = 16
	metaSize       = 64
	bucketSize     = 16

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagMeta     = 0x04
	flagFreelist = 0x10
)

type boltMeta struct{ root, freelist, highWater, txid uint64 }

// checkPages is completed by the walk.
func checkPages(b []byte) (torn bool, err error) {
	_, torn, err = readMetas(b)
	return torn, err
}

// readMetas returns the newer of the two metas. torn says that the other one is not valid.
func readMetas(b []byte) (m boltMeta, torn bool, err error) {
	if len(b) < 4*pageSize {
		return m, false, errors.New("file is too short")
	}
	var good int
	for i := range uint64(2) {
		p := b[i*pageSize : (i+1)*pageSize]
		meta := p[pageHeaderSize : pageHeaderSize+metaSize]
		h := fnv.New64a()
		h.Write(meta[:56])
		le := binary.LittleEndian
		if le.Uint64(p) != i || le.Uint16(p[8:]) != flagMeta || le.Uint32(meta) != boltMagic || le.Uint32(meta[4:]) != boltVersion ||
			le.Uint64(meta[56:]) != h.Sum64() {
			continue
		}
		if size := le.Uint32(meta[8:]); size != pageSize {
			return m, false, fmt.Errorf("page size %d", size)
		}
		got := boltMeta{root: le.Uint64(meta[16:]), freelist: le.Uint64(meta[32:]), highWater: le.Uint64(meta[40:]), txid: le.Uint64(meta[48:])}
		if good == 0 || got.txid > m.txid {
			m = got
		}
		good++
	}
	if good == 0 {
		return m, false, errors.New("no valid commit mark")
	}
	return m, good == 1, nil
}
