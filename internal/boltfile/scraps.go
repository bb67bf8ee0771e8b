package boltfile

// Scraps picks out of damaged files what is there without trusting their structure: the values of every element of every page
// that looks like a leaf, current or free, by key. Nothing says that any of it is right or current. The values are parts of
// the files' contents, not copies. Elements that do not lie within their page and what follows it are left out.
func Scraps(pageSize int, files ...[]byte) map[string][][]byte {
	s := scraps{}
	for _, b := range files {
		for at := 0; at+pageHeaderSize <= len(b); at += pageSize {
			if le.Uint16(b[at+8:]) == flagLeaf {
				s.leaf(b[at:], 0)
			}
		}
	}
	return s
}

type scraps map[string][][]byte

func (s scraps) leaf(p []byte, depth int) {
	count := int(le.Uint16(p[10:]))
	for i := range count {
		at := pageHeaderSize + i*elementSize
		if at+elementSize > len(p) {
			return
		}
		key, value, err := field(p, at, 0, le.Uint32(p[at+4:]), le.Uint32(p[at+8:]), le.Uint32(p[at+12:]))
		if err != nil {
			continue
		}
		if le.Uint32(p[at:]) == elementBucket {
			if inline := len(value) >= bucketSize+pageHeaderSize; inline && depth == 0 {
				s.leaf(value[bucketSize:], depth+1)
			}
			continue
		}
		s[string(key)] = append(s[string(key)], value)
	}
}
