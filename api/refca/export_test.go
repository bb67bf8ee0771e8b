package refca

import (
	"context"
	"fmt"

	"cloudkey/api/refca/internal/store"
)

// OnReserved calls f when an attempt is durable and its share not yet evaluated: where a test cuts the power.
func (s *Server) OnReserved(f func(keyID string)) { s.hooks.reserved = f }

// Snapshot copies the data file as it is now, as a power cut would leave it.
func (s *Server) Snapshot(path string) error { return s.db.Snapshot(path) }

// Audit verifies the audit chain and returns "event result" of every entry.
func (s *Server) Audit() (lines []string, err error) {
	err = s.db.View(func(tx *store.Tx) error {
		var err error
		for _, e := range audits.all(tx, "", &err) {
			lines = append(lines, e.Event+" "+e.Result)
		}
		if err != nil {
			return err
		}
		_, err = verifyAudit(tx)
		return err
	})
	return lines, err
}

// TamperAudit changes the log the way an intruder with the file would, and returns what verification says of it afterwards.
func (s *Server) TamperAudit(how string, n uint64) error {
	return s.db.Update(context.Background(), func(tx *store.Tx) error {
		a, _, err := audits.get(tx, auditKey(n))
		if err != nil {
			return err
		}
		switch how {
		case "changed":
			a.Account = "10009"
			err = audits.put(tx, auditKey(n), a)
		case "missing":
			err = audits.delete(tx, auditKey(n))
		case "reordered":
			b, _, e := audits.get(tx, auditKey(n+1))
			if e != nil {
				return e
			}
			if err = audits.put(tx, auditKey(n), b); err == nil {
				err = audits.put(tx, auditKey(n+1), a)
			}
		default:
			return fmt.Errorf("tamper: %s", how)
		}
		if err != nil {
			return err
		}
		if _, err := verifyAudit(tx); err != nil {
			return err
		}
		return nil
	})
}

// Purge runs the housekeeping that otherwise a timer runs.
func (s *Server) Purge() error { return s.purge(context.Background()) }

// SetCaptcha gives a captcha known digits, as nobody can read the picture here.
func (s *Server) SetCaptcha(id, digits string) error {
	return s.db.Update(context.Background(), func(tx *store.Tx) error {
		record, _, err := captchas.get(tx, id)
		if err != nil {
			return err
		}
		record.MAC = s.recoveryMAC("captcha", id, []byte(digits))
		return captchas.put(tx, id, record)
	})
}
