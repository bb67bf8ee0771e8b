package authz

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// State is the state that both sides see.
type State string

// The states. Expired is never stored: Status computes it from an active authorization. A frozen one stays frozen past its
// validity, so that a renewal cannot lift the freeze in passing.
const (
	None    State = ""        // not applied for
	Pending State = "pending" // 未授权
	Active  State = "active"  // 已授权
	Frozen  State = "frozen"  // 已冻结
	Expired State = "expired" // 已过期
	Deleted State = "deleted"
)

// Reason says why an authorization is expired.
type Reason string

// The reasons of Expired.
const (
	ValidityOver  Reason = "validityOver"
	UsesExhausted Reason = "usesExhausted"
)

// Action is what one side wants to do.
type Action string

// The actions. Activate is the grantee's download of the delegated share.
const (
	Apply         Action = "apply"
	Approve       Action = "approve"
	Freeze        Action = "freeze"
	Unfreeze      Action = "unfreeze"
	Modify        Action = "modify"
	Renew         Action = "renew"
	ResetPassword Action = "resetPassword"
	Delete        Action = "delete"
	Activate      Action = "activate"
	Sign          Action = "sign"
)

// Notice is what the other side is told; empty for nothing.
type Notice string

// The notices: Applied goes to the grantor, all others to the grantee.
const (
	Silent        Notice = ""
	Applied       Notice = "applied"
	Approved      Notice = "approved"
	WasFrozen     Notice = "frozen"
	WasUnfrozen   Notice = "unfrozen"
	WasModified   Notice = "modified"
	WasRenewed    Notice = "renewed"
	PasswordReset Notice = "passwordReset"
	WasDeleted    Notice = "deleted"
)

type rule struct {
	action Action
	actor  Role
	from   []State
	to     State // None keeps the stored state
	notice Notice
}

func rules() []rule {
	return []rule{
		{Apply, Grantee, []State{None}, Pending, Applied},
		{Approve, Grantor, []State{Pending}, Active, Approved},
		{Freeze, Grantor, []State{Active}, Frozen, WasFrozen},
		{Unfreeze, Grantor, []State{Frozen}, Active, WasUnfrozen},
		{Modify, Grantor, []State{Pending, Active}, None, WasModified},
		{Renew, Grantor, []State{Expired}, Active, WasRenewed},
		{ResetPassword, Grantor, []State{Active}, None, PasswordReset},
		{Delete, Grantor, []State{Pending, Active, Frozen, Expired}, Deleted, WasDeleted},
		{Activate, Grantee, []State{Active}, None, Silent},
		{Sign, Grantee, []State{Active}, None, Silent},
	}
}

// Role is an account's part in one authorization.
type Role uint8

// The roles.
const (
	Stranger Role = iota
	Grantor
	Grantee
)

// Errors of Do.
var (
	// ErrStranger: the account has no part in the authorization. Answer as if it did not exist.
	ErrStranger = errors.New("authz: not a party to the authorization")
	// ErrRole: the action belongs to the other side.
	ErrRole = errors.New("authz: the action belongs to the other side")
	// ErrSelf: grantor and grantee are the same account.
	ErrSelf = errors.New("authz: grantor and grantee are the same account")
	// ErrNotYetValid: the validity has not begun.
	ErrNotYetValid = errors.New("authz: not yet valid")
	// ErrCount: a request for no signature or for more than are left.
	ErrCount = errors.New("authz: more signatures than uses left")
)

// StateError reports an action that the present state does not allow.
type StateError struct {
	Action Action
	State  State
	Reason Reason // with Expired
}

func (e *StateError) Error() string {
	return fmt.Sprintf("authz: %s is not possible while %q %s", e.Action, e.State, e.Reason)
}

// Authorization is what the rules need to know of one. Stored is None, Pending, Active, Frozen or Deleted.
type Authorization struct {
	ID          string
	Grantor     string // account, 授权人工号
	Grantee     string // account
	GranteeName string
	Stored      State
	Limits      Limits
	Used        int // signatures released since approval or the last renewal
	Created     time.Time
}

// Status returns the state at now, and why with Expired.
func (a Authorization) Status(now time.Time) (State, Reason) {
	switch {
	case a.Stored != Active:
		return a.Stored, ""
	case !now.Before(a.Limits.NotAfter):
		return Expired, ValidityOver
	case a.Used >= a.Limits.Uses:
		return Expired, UsesExhausted
	}
	return Active, ""
}

// Role returns the account's part.
func (a Authorization) Role(account string) Role {
	switch account {
	case "":
		return Stranger
	case a.Grantor:
		return Grantor
	case a.Grantee:
		return Grantee
	}
	return Stranger
}

// Request is one action.
type Request struct {
	Action      Action
	Account     string // who acts
	Limits      Limits // with Apply, Modify and Renew
	Count       int    // with Sign: signatures to release at once
	Certificate Window // validity of the grantor's certificate
	Now         time.Time
}

// Do returns the authorization after the request and what the other side is told. The input stays as it was. Errors:
// ErrStranger, ErrSelf, ErrRole, *StateError, FieldErrors, ErrNotYetValid and ErrCount, in this order.
func (a Authorization) Do(r Request) (Authorization, Notice, error) {
	role := a.Role(r.Account)
	if role == Stranger {
		return a, Silent, ErrStranger
	}
	if a.Grantor == a.Grantee {
		return a, Silent, ErrSelf
	}
	state, reason := a.Status(r.Now)
	all := rules()
	i := slices.IndexFunc(all, func(x rule) bool { return x.action == r.Action })
	if i < 0 {
		return a, Silent, &StateError{r.Action, state, reason}
	}
	step := all[i]
	if step.actor != role {
		return a, Silent, ErrRole
	}
	if !slices.Contains(step.from, state) {
		return a, Silent, &StateError{r.Action, state, reason}
	}
	next := a
	if step.to != None {
		next.Stored = step.to
	}
	switch r.Action {
	case Apply, Renew:
		next.Limits, next.Used = r.Limits, 0
	case Modify:
		next.Limits = r.Limits
	case Sign:
		if r.Now.Before(a.Limits.NotBefore) {
			return a, Silent, ErrNotYetValid
		}
		if r.Count < 1 || r.Count > a.Limits.Uses-a.Used {
			return a, Silent, ErrCount
		}
		next.Used += r.Count
	}
	switch r.Action {
	case Apply, Approve, Modify, Renew:
		if err := next.Limits.check(r.Certificate, next.Used, r.Now); len(err) > 0 {
			return a, Silent, err
		}
	}
	return next, step.notice, nil
}
