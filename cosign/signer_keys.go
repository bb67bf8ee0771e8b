package cosign

import (
	"context"
	"errors"
)

// GenerateKey makes a new two-party key with the server: two round trips. serverSeal is the server's pinned seal key, 32
// bytes; kdf is for the first PIN. pin, the SMS password, stays the caller's. The record is stored before the server can
// have made the key: after *UncertainError open the Signer and call Recover.
func GenerateKey(ctx context.Context, id KeyID, serverSeal []byte, kdf KDF, pin []byte, store ShareStore, t Transport) (*Signer, error) {
	return generateKey(ctx, id, serverSeal, kdf, pin, store, t, nil)
}

func generateKey(ctx context.Context, id KeyID, serverSeal []byte, kdf KDF, pin []byte, store ShareStore, t Transport, h *hooks) (*Signer, error) {
	g, kg1, err := newKeyGeneration(id, serverSeal, kdf, h)
	if err != nil {
		return nil, err
	}
	defer g.Wipe()
	kg2, err := t.RoundTrip(ctx, Call{Operation: Generate, Round: 1, KeyID: id, Message: kg1})
	if err != nil {
		return nil, err
	}
	share, kg3, err := g.Share(kg2, pin)
	if err != nil {
		return nil, err
	}
	defer share.Wipe()
	if err := saveShare(ctx, store, share); err != nil {
		return nil, err
	}
	s := newSigner(ctx, share, store, t)
	if err := s.confirm(ctx, share, kg3); err != nil {
		return nil, err
	}
	return s, nil
}

// confirm sends KG3 and takes KG4.
func (s *Signer) confirm(ctx context.Context, share *Share, kg3 []byte) error {
	kg4, err := s.transport.RoundTrip(ctx, Call{Operation: Generate, Round: 3, KeyID: s.id, Message: kg3})
	if err != nil {
		return &UncertainError{Operation: Generate, Err: err}
	}
	if err := share.Confirm(kg4); err != nil {
		return err
	}
	return s.settle(ctx, share)
}

// ChangePIN refreshes both shares under a new PIN. old proves itself at the server and counts as an attempt. kdf is for
// the new PIN. Both PINs stay the caller's. nil: the new PIN stands. *UncertainError: Recover tells which one stands.
// Any other error: the old one stands.
func (s *Signer) ChangePIN(ctx context.Context, old, pin []byte, kdf KDF) error {
	return s.refresh(ctx, old, pin, func(share *Share) (*Refreshing, []byte, error) { return share.BeginRefresh(kdf) })
}

// ResetPIN sets a new PIN without the old one (找回密码), from the recovery wrap. The transport's side has proved the
// user to the server in another way. It lifts locks and freezes. Errors as ChangePIN has.
func (s *Signer) ResetPIN(ctx context.Context, pin []byte, kdf KDF) error {
	return s.refresh(ctx, nil, pin, func(share *Share) (*Refreshing, []byte, error) { return share.BeginRecover(kdf) })
}

func (s *Signer) refresh(ctx context.Context, old, pin []byte, begin func(*Share) (*Refreshing, []byte, error)) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	share, err := s.load(ctx)
	if err != nil {
		return err
	}
	defer share.Wipe()
	f, message, err := begin(share)
	if err != nil {
		return err
	}
	return s.runRefresh(ctx, f, message, old, pin)
}

func (s *Signer) runRefresh(ctx context.Context, f *Refreshing, message, old, pin []byte) error {
	defer f.Cancel()
	share := f.share
	if err := s.begin(ctx, Call{Operation: f.operation, Message: message}, f.Receive); err != nil {
		return err
	}
	message, err := f.Prove(old)
	if err != nil {
		return err
	}
	var answer []byte
	if f.operation == Activate {
		answer, err = s.transport.RoundTrip(ctx, Call{
			Operation: Activate, Round: 3, KeyID: s.id, Session: f.session, Message: message,
		})
	} else {
		answer, err = s.evaluate(ctx, share, message)
	}
	if err != nil {
		return err
	}
	if message, err = f.Renew(answer, pin); err != nil {
		if f.operation == Activate {
			return err
		}
		return s.conclude(ctx, share, f.operation, f.session, err)
	}
	if answer, err = s.evaluate(ctx, share, message); err != nil {
		return err
	}
	return s.conclude(ctx, share, f.operation, f.session, f.Commit(answer))
}

// Delegate makes, or makes anew, a share of this key for a grantee: its key ID, and the public seal key (32 bytes) of
// the grantee's device. pin stays the caller's. Errors as Pending.Finish has.
func (s *Signer) Delegate(ctx context.Context, grantee KeyID, device, pin []byte) error {
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	share, err := s.load(ctx)
	if err != nil {
		return err
	}
	defer share.Wipe()
	d, message, err := share.BeginDelegate()
	if err != nil {
		return err
	}
	defer d.Cancel()
	if err := s.begin(ctx, Call{Operation: Delegate, Message: message}, d.Receive); err != nil {
		return err
	}
	if message, err = d.Prove(grantee, device, pin); err != nil {
		return err
	}
	answer, err := s.evaluate(ctx, share, message)
	if err != nil {
		return err
	}
	return s.conclude(ctx, share, Delegate, d.session, d.Finish(answer))
}

// ActivateShare takes over a delegated share on the grantee's device and sets its PIN, which stays the caller's. The
// caller has checked the package's public key (PackageKey) against the grantor's certificate. The record is first stored
// before the last message is sent. *UncertainError: open the Signer and call Recover; if that says ErrNotRun, or no record
// was stored, activate again with the same package.
func ActivateShare(ctx context.Context, pkg []byte, device *SealKey, serverSeal []byte, kdf KDF, pin []byte, store ShareStore, t Transport) (*Signer, error) {
	f, message, err := OpenPackage(pkg, device, serverSeal, kdf)
	if err != nil {
		return nil, err
	}
	defer f.share.Wipe()
	s := newSigner(ctx, f.share, store, t)
	if err := s.runRefresh(ctx, f, message, nil, pin); err != nil {
		return nil, err
	}
	return s, nil
}

// Recover brings this device in step with the server after a lost answer or a restart, without the PIN: it repeats an
// unanswered key confirmation, or fetches the outcome of an unanswered request and settles an interrupted refresh. When
// nothing is open it sends nothing. ErrStale: this record is an old backup.
func (s *Signer) Recover(ctx context.Context) (State, error) {
	if err := s.acquire(ctx); err != nil {
		return State{}, err
	}
	defer s.release()
	share, err := s.load(ctx)
	if err != nil {
		return State{}, err
	}
	defer share.Wipe()
	if kg3, ok := share.Unconfirmed(); ok {
		st := State{Operation: Generate, Done: true}
		if err := s.confirm(ctx, share, kg3); errors.Is(err, ErrSession) {
			st.Done, st.Err = false, ErrNotRun
		} else if err != nil {
			return State{}, err
		}
		return st, nil
	}
	if share.open == nil && share.next == nil {
		return State{Epoch: share.current.number}, nil
	}
	request, err := share.ResumeRequest()
	if err != nil {
		return State{}, err
	}
	reply, err := s.transport.RoundTrip(ctx, Call{Operation: Resume, Round: 1, KeyID: s.id, Message: request})
	if errors.Is(err, ErrEpoch) {
		return State{}, ErrStale
	} else if err != nil {
		return State{}, err
	}
	st, err := share.Resumed(request, reply)
	if err != nil {
		return State{}, err
	}
	return st, s.settle(ctx, share)
}
