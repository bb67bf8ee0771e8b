package refca

import (
	"context"
	"time"

	"cloudkey/api/refca/internal/store"
)

const (
	housekeepingPause = time.Minute
	// keepEnrolments is how long finished and abandoned enrolments stay, for those who look at them.
	keepEnrolments = 7 * 24 * time.Hour
	// purgeStep bounds how many records one transaction deletes, so that no request waits long for it.
	purgeStep = 500
)

// housekeeping forgets what has run out.
func (s *Server) housekeeping(ctx context.Context) {
	ticker := time.NewTicker(housekeepingPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if err := s.purge(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("housekeeping", "err", err)
			}
		}
	}
}

func (s *Server) purge(ctx context.Context) error {
	now := s.now()
	s.open.purge(now)
	s.recent.purge(now)
	if err := s.nonces.purge(); err != nil {
		return err
	}
	for more := true; more && ctx.Err() == nil; {
		err := s.db.Update(ctx, func(tx *store.Tx) error {
			n := 0
			var err error
			errs := []error{
				purge(tx, answers, &n, func(a answer) bool { return now.Sub(a.Time) >= answerLife }),
				purge(tx, tokens, &n, func(t token) bool { return !now.Before(t.Expires) }),
				purge(tx, unsent, &n, func(m message) bool { return now.Sub(m.Time) >= 24*time.Hour }),
				purge(tx, enrolments, &n, func(e enrolment) bool { return now.Sub(e.Created) >= keepEnrolments }),
				purge(tx, captchas, &n, func(c captchaRecord) bool { return !now.Before(c.Expires) }),
				purge(tx, smsCodes, &n, func(c smsCode) bool { return !now.Before(c.Expires) }),
				purge(tx, limits, &n, func(times []time.Time) bool {
					return len(times) == 0 || now.Sub(times[len(times)-1]) >= 24*time.Hour
				}),
			}
			for _, e := range errs {
				if e != nil {
					err = e
				}
			}
			more = n >= purgeStep
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// purge deletes the records that are over, until *n has reached purgeStep.
func purge[T any](tx *store.Tx, t table[T], n *int, over func(T) bool) error {
	var err error
	for k, v := range t.all(tx, "", &err) {
		if *n >= purgeStep {
			break
		}
		if over(v) {
			*n++
			if err := t.delete(tx, k); err != nil {
				return err
			}
		}
	}
	return err
}
