package authz_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"cloudkey/authz"
)

var (
	now    = time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)
	cert   = authz.Window{NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.AddDate(1, 0, 0)}
	limits = authz.Limits{Window: authz.Window{NotBefore: now, NotAfter: now.AddDate(0, 1, 0)}, Uses: 3}
)

func in(s authz.State) authz.Authorization {
	a := authz.Authorization{ID: "1", Grantor: "boss", Grantee: "clerk", Stored: s, Limits: limits}
	if s == authz.Expired {
		a.Stored, a.Used = authz.Active, limits.Uses
	}
	return a
}

func request(action authz.Action, account string) authz.Request {
	return authz.Request{Action: action, Account: account, Limits: limits, Count: 1, Certificate: cert, Now: now}
}

func TestM23_M30_EveryStateActionActor(t *testing.T) {
	states := []authz.State{authz.None, authz.Pending, authz.Active, authz.Frozen, authz.Expired, authz.Deleted}
	// The resulting states in the order of states; "-" is refused.
	table := []struct {
		action  authz.Action
		account string
		result  [6]string
		notice  authz.Notice
	}{
		{authz.Apply, "clerk", [6]string{"pending", "-", "-", "-", "-", "-"}, authz.Applied},
		{authz.Approve, "boss", [6]string{"-", "active", "-", "-", "-", "-"}, authz.Approved},
		{authz.Freeze, "boss", [6]string{"-", "-", "frozen", "-", "-", "-"}, authz.WasFrozen},
		{authz.Unfreeze, "boss", [6]string{"-", "-", "-", "active", "-", "-"}, authz.WasUnfrozen},
		{authz.Modify, "boss", [6]string{"-", "pending", "active", "-", "-", "-"}, authz.WasModified},
		{authz.Renew, "boss", [6]string{"-", "-", "-", "-", "active", "-"}, authz.WasRenewed},
		{authz.ResetPassword, "boss", [6]string{"-", "-", "active", "-", "-", "-"}, authz.PasswordReset},
		{authz.Delete, "boss", [6]string{"-", "deleted", "deleted", "deleted", "deleted", "-"}, authz.WasDeleted},
		{authz.Activate, "clerk", [6]string{"-", "-", "active", "-", "-", "-"}, authz.Silent},
		{authz.Sign, "clerk", [6]string{"-", "-", "active", "-", "-", "-"}, authz.Silent},
		{"promote", "boss", [6]string{"-", "-", "-", "-", "-", "-"}, authz.Silent},
	}
	for _, row := range table {
		for i, state := range states {
			for _, account := range []string{"boss", "clerk", "other", ""} {
				t.Run(fmt.Sprintf("%s/%s/%s", row.action, state, account), func(t *testing.T) {
					before := in(state)
					after, notice, err := before.Do(request(row.action, account))
					var wrongState *authz.StateError
					switch {
					case account == "other" || account == "":
						if !errors.Is(err, authz.ErrStranger) {
							t.Fatalf("stranger: %v", err)
						}
					case account != row.account && row.action != "promote":
						if !errors.Is(err, authz.ErrRole) {
							t.Fatalf("other side: %v", err)
						}
					case row.result[i] == "-":
						if !errors.As(err, &wrongState) || wrongState.State != state {
							t.Fatalf("state: %v", err)
						}
					default:
						got, _ := after.Status(now)
						if err != nil || string(got) != row.result[i] || notice != row.notice {
							t.Fatalf("%q, %q, %v", got, notice, err)
						}
						return
					}
					if after != before || notice != authz.Silent {
						t.Fatalf("a refusal changed something: %+v %q", after, notice)
					}
				})
			}
		}
	}
}

func TestM26_Limits(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*authz.Limits)
		field  string
	}{
		"zero uses":        {func(l *authz.Limits) { l.Uses = 0 }, "uses outOfRange"},
		"negative uses":    {func(l *authz.Limits) { l.Uses = math.MinInt }, "uses outOfRange"},
		"huge uses":        {func(l *authz.Limits) { l.Uses = authz.MaxUses + 1 }, "uses outOfRange"},
		"past certificate": {func(l *authz.Limits) { l.NotAfter = cert.NotAfter.Add(1) }, "notAfter afterCertificate"},
		"before it":        {func(l *authz.Limits) { l.NotBefore = cert.NotBefore.Add(-1) }, "notBefore beforeCertificate"},
		"reversed":         {func(l *authz.Limits) { l.NotAfter = l.NotBefore }, "notAfter notAfterStart"},
		"over":             {func(l *authz.Limits) { l.NotBefore, l.NotAfter = now.Add(-2), now }, "notAfter past"},
	} {
		for action, state := range map[authz.Action]authz.State{authz.Apply: authz.None, authz.Modify: authz.Active, authz.Renew: authz.Expired} {
			account := "boss"
			if action == authz.Apply {
				account = "clerk"
			}
			r := request(action, account)
			c.change(&r.Limits)
			_, _, err := in(state).Do(r)
			var fields authz.FieldErrors
			if !errors.As(err, &fields) || len(fields) != 1 || fields[0].Field+" "+fields[0].Problem != c.field {
				t.Errorf("%s, %s: %v", name, action, err)
			}
		}
	}
	whole := authz.Limits{Window: cert, Uses: authz.MaxUses}
	if errs := whole.Check(cert, now); errs != nil {
		t.Errorf("the certificate's whole validity: %v", errs)
	}
}

func TestM27_ModifyBelowWhatIsUsed(t *testing.T) {
	a, r := in(authz.Active), request(authz.Modify, "boss")
	a.Used, r.Limits.Uses = 2, 2
	var fields authz.FieldErrors
	if _, _, err := a.Do(r); !errors.As(err, &fields) || fields[0] != (authz.FieldError{Field: "uses", Problem: "alreadyUsed"}) {
		t.Fatal(err)
	}
}

func TestM23_ApproveWhatHasRunOut(t *testing.T) {
	r := request(authz.Approve, "boss")
	r.Now = limits.NotAfter
	var fields authz.FieldErrors
	if _, _, err := in(authz.Pending).Do(r); !errors.As(err, &fields) {
		t.Fatal(err)
	}
}

func TestM28_RenewalCannotLiftAFreeze(t *testing.T) {
	r := request(authz.Renew, "boss")
	r.Now = limits.NotAfter
	var state *authz.StateError
	if _, _, err := in(authz.Frozen).Do(r); !errors.As(err, &state) || state.State != authz.Frozen {
		t.Fatal(err)
	}
}

func TestM26_OwnCertificate(t *testing.T) {
	a := in(authz.None)
	a.Grantee = a.Grantor
	for _, action := range []authz.Action{authz.Apply, authz.Approve} {
		if _, _, err := a.Do(request(action, a.Grantor)); !errors.Is(err, authz.ErrSelf) {
			t.Fatal(err)
		}
	}
}

func TestM31_Uses(t *testing.T) {
	a, r := in(authz.Active), request(authz.Sign, "clerk")
	for _, n := range []int{0, -1, math.MinInt, limits.Uses + 1, math.MaxInt} {
		r.Count = n
		if after, _, err := a.Do(r); !errors.Is(err, authz.ErrCount) || after.Used != 0 {
			t.Fatalf("%d signatures: %v", n, err)
		}
	}
	r.Count = 1
	for range limits.Uses {
		var err error
		if a, _, err = a.Do(r); err != nil {
			t.Fatal(err)
		}
	}
	var state *authz.StateError
	if _, _, err := a.Do(r); !errors.As(err, &state) || state.Reason != authz.UsesExhausted {
		t.Fatal(err)
	}
}

func TestM31_ValidityEdges(t *testing.T) {
	a, r := in(authz.Active), request(authz.Sign, "clerk")
	r.Now = limits.NotBefore.Add(-1)
	if _, _, err := a.Do(r); !errors.Is(err, authz.ErrNotYetValid) {
		t.Fatal(err)
	}
	r.Now = limits.NotAfter.Add(-1)
	if _, _, err := a.Do(r); err != nil {
		t.Fatal(err)
	}
	r.Now = limits.NotAfter
	var state *authz.StateError
	if _, _, err := a.Do(r); !errors.As(err, &state) || state.Reason != authz.ValidityOver {
		t.Fatal(err)
	}
}
