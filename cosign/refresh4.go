package cosign

// refresh evaluates round 3 and makes the pending epoch.
func (a *Attempt) refresh(r *reader) ([]byte, error) {
	key, h := a.key, a.server.hooks
	delta := r.scalar("δc")
	defer delta.wipe()
	pi := r.proof("proof of d1")
	if err := r.end(); err != nil {
		return nil, err
	}
	b := delta.bytes()
	err := verifyLogs("share", refreshContext(3, a.session.transcript, b), generator, []point{key.current.p1}, pi)
	wipe(b)
	if err != nil && !h.omits(checkPIN) {
		return nil, errWrongPIN
	}
	deltaS := h.randomScalar()
	delta.mul(delta, deltaS)
	inverse := newScalar().inv(delta)
	fresh := a.keys.link()
	defer fresh.wipe()
	a.pending = &pendingEpoch{
		serverEpoch: serverEpoch{
			number: key.current.number + 1, d2: newScalar().mul(key.current.d2, inverse), p1: key.current.p1.mul(delta),
			device: fresh.device, recovery: h.random32(),
		},
		ratchet: fresh.ratchet, from: a.session.id,
	}
	w := new(writer).scalar(deltaS).put(a.pending.recovery[:])
	wipeScalars(deltaS, inverse)
	return w.b, nil
}

// commitTranscript is the transcript of rounds 1 to 4.
func commitTranscript(transcript [hashSize]byte, request, answer []byte) [hashSize]byte {
	return hashFields("commit", transcript[:], request, answer)
}
