package cosign

// A refresh replaces d1, d2 by d1*δ, d2/δ with δ = δc*δs from both sides; P stays. Every change, reset and recovery of
// the PIN is one, because masking the same share again under another PIN would be an offline test for whoever has two
// snapshots of the record. It has two phases: both sides keep the old and the new epoch until the server has seen a
// proof under the new share, so a crash at any byte leaves exactly one usable PIN.
//
//	rounds 1, 2: as in every operation (begin.go); Recover: the server's half of the recovery key, sealed
//	round 3, C→S, sealed: δc, PoK(d1): the old PIN, counted
//	round 4, S→C, sealed: δs, the server's half of the new recovery key; the server holds the new epoch as pending
//	round 5, C→S, sealed: PoK(d1*δ): the client holds both epochs durably
//	round 6, S→C, sealed: done; the server has dropped the old epoch, the client does it now

// Refreshing is the client's state of a refresh. It holds d1 between rounds 3 and 5 and lives in memory only.
type Refreshing struct {
	secretState
	opening
	request []byte  // round 3
	secret  *scalar // d1, then d1*δ
	delta   *scalar // δc
	link    link    // of the epoch that this refresh makes
	recover *recovering
	kdf     KDF
}

// BeginRefresh makes round 1 of a PIN change. kdf is for the new PIN. It changes nothing.
func (s *Share) BeginRefresh(kdf KDF) (*Refreshing, []byte, error) {
	if err := kdf.check(); err != nil {
		return nil, nil, err
	}
	if err := s.usable(); err != nil {
		return nil, nil, err
	}
	o, err := s.begin(Refresh, nil, s.current.link.device[:])
	if err != nil {
		return nil, nil, err
	}
	return &Refreshing{opening: *o, kdf: kdf}, o.first, nil
}

// Cancel wipes the state. It leaves the share as it is; an unanswered request stays unanswered.
func (f *Refreshing) Cancel() {
	f.opening.wipe()
	f.secret.wipe()
	f.delta.wipe()
	f.link.wipe()
	if f.recover != nil {
		wipe(f.recover.fromStatic)
	}
}
