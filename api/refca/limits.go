package refca

import (
	"time"

	"cloudkey/api/gen"
	"cloudkey/api/refca/internal/store"
)

// Limits bounds how often things may happen. The zero value of a field means its default.
type Limits struct {
	SMSPerAccountHour int // default 5
	SMSPerAccountDay  int // default 10
	SMSPerDeviceHour  int // default 10
	SMSPerAddressHour int // default 60

	DevicesPerAddressHour int // default 120

	CaptchasPerDeviceHour  int // default 60
	CaptchasPerAddressHour int // default 600
}

func (l Limits) withDefaults() Limits {
	for v, def := range map[*int]int{
		&l.SMSPerAccountHour: 5, &l.SMSPerAccountDay: 10, &l.SMSPerDeviceHour: 10, &l.SMSPerAddressHour: 60,
		&l.DevicesPerAddressHour: 120, &l.CaptchasPerDeviceHour: 60, &l.CaptchasPerAddressHour: 600,
	} {
		if *v <= 0 {
			*v = def
		}
	}
	return l
}

// rate is one rule: at most Max events of Subject within Window.
type rate struct {
	Kind, Subject string
	Max           int
	Window        time.Duration
}

// allow counts an event against all rules, or against none and answers rateLimited. The counters are durable, so a
// restart does not reset them.
func allow(tx *store.Tx, now time.Time, rules ...rate) error {
	var retry time.Duration
	counts := map[string][]time.Time{}
	longest := map[string]time.Duration{}
	for _, r := range rules {
		k := r.Kind + ":" + r.Subject
		longest[k] = max(longest[k], r.Window)
	}
	for _, r := range rules {
		k := r.Kind + ":" + r.Subject
		all, _, err := limits.get(tx, k)
		if err != nil {
			return err
		}
		var kept, within []time.Time
		for _, t := range all {
			if now.Sub(t) < longest[k] {
				kept = append(kept, t)
			}
			if now.Sub(t) < r.Window {
				within = append(within, t)
			}
		}
		if len(within) >= r.Max {
			retry = max(retry, r.Window-now.Sub(within[len(within)-r.Max]))
		}
		counts[k] = kept
	}
	if retry > 0 {
		return rateLimited(retry)
	}
	for k, kept := range counts {
		if err := limits.put(tx, k, append(kept, now)); err != nil {
			return err
		}
	}
	return nil
}

func rateLimited(wait time.Duration) *problem {
	p := newProblem(gen.ProblemCodeRateLimited, "too often")
	p.RetryAfter = max(1, int((wait+time.Second-1)/time.Second))
	return p
}
