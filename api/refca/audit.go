package refca

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"cloudkey/api/refca/internal/store"

	"github.com/emmansun/gmsm/sm3"
)

// auditEntry is one line of the audit log. Hash covers the entry and, through Previous, all before it.
type auditEntry struct {
	Sequence uint64
	Time     time.Time
	Event    string            // what was asked, as an operationId of the contract or an event of the CA itself
	Result   string            // ok or a problem code
	Account  string            `json:",omitempty"`
	Device   string            `json:",omitempty"`
	KeyID    string            `json:",omitempty"`
	Trace    string            `json:",omitempty"`
	Detail   map[string]string `json:",omitempty"`
	Previous []byte            // Hash of the entry before, 32 zero bytes at first
	Hash     []byte            `json:",omitempty"` // SM3 over the entry's JSON without this member
}

const auditHead = "auditHead" // sequence number and hash of the last entry

func (e auditEntry) hash() ([]byte, error) {
	e.Hash = nil
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	h := sm3.Sum(append([]byte("cloudkey refca audit v1\x00"), raw...))
	return h[:], nil
}

func auditKey(n uint64) string { return fmt.Sprintf("%016x", n) }

// record appends an entry in the transaction of what it tells.
func record(tx *store.Tx, e auditEntry) error {
	head := tx.Get(metaBucket, auditHead)
	if head == nil {
		head = make([]byte, 8+sm3.Size)
	}
	e.Sequence = binary.BigEndian.Uint64(head) + 1
	e.Previous = head[8:]
	e.Time = e.Time.UTC()
	var err error
	if e.Hash, err = e.hash(); err != nil {
		return err
	}
	if err := audits.put(tx, auditKey(e.Sequence), e); err != nil {
		return err
	}
	return tx.Put(metaBucket, auditHead, append(binary.BigEndian.AppendUint64(nil, e.Sequence), e.Hash...))
}

// auditError says where the chain breaks.
type auditError struct {
	Sequence uint64
	Reason   string
}

func (e *auditError) Error() string {
	return fmt.Sprintf("refca: audit log, entry %d: %s", e.Sequence, e.Reason)
}

// verifyAudit walks the whole log: missing, changed and reordered entries and a cut-off end break the chain.
func verifyAudit(tx *store.Tx) (entries uint64, err error) {
	previous := make([]byte, sm3.Size)
	var n uint64
	var decodeErr error
	for k, e := range audits.all(tx, "", &decodeErr) {
		n++
		if k != auditKey(n) || e.Sequence != n {
			return n, &auditError{n, "missing"}
		}
		h, err := e.hash()
		if err != nil {
			return n, err
		}
		if !bytes.Equal(e.Previous, previous) || !bytes.Equal(e.Hash, h) {
			return n, &auditError{n, "changed"}
		}
		previous = h
	}
	if decodeErr != nil {
		return n, decodeErr
	}
	head := tx.Get(metaBucket, auditHead)
	if head == nil && n == 0 {
		return 0, nil
	}
	if len(head) != 8+sm3.Size || binary.BigEndian.Uint64(head) != n || !bytes.Equal(head[8:], previous) {
		return n, &auditError{n + 1, "missing at the end, head is " + hex.EncodeToString(head)}
	}
	return n, nil
}
