package cosign

import "crypto/hpke"

// Recovery (找回密码) is a refresh whose proof comes from the recovery wrap instead of the PIN. The caller of the server
// role has checked captcha, SMS code and device signature before it opens the session. Round 2 carries the server's
// half of the recovery key, sealed to a fresh key of the client and to the pinned key's holder.

type recovering struct {
	sealKey    hpke.PrivateKey
	fromStatic []byte
}

// BeginRecover makes round 1 of a recovery. kdf is for the new PIN. It is possible in every state but with an
// unanswered request; locks and freezes do not hinder it.
func (s *Share) BeginRecover(kdf KDF) (*Refreshing, []byte, error) {
	if err := kdf.check(); err != nil {
		return nil, nil, err
	}
	if err := s.usable(); err != nil {
		return nil, nil, err
	}
	rec := &recovering{}
	var err error
	if rec.sealKey, err = sealKEM().GenerateKey(); err != nil {
		return nil, nil, err
	}
	encS, secret, err := encapsulate(s.serverSeal[:], sealInfo("recover server", s.id))
	if err != nil {
		return nil, nil, err
	}
	rec.fromStatic = secret
	o, err := s.begin(Recover, new(writer).put(rec.sealKey.PublicKey().Bytes(), encS).b, s.current.link.device[:])
	if err != nil {
		return nil, nil, err
	}
	return &Refreshing{opening: *o, kdf: kdf, recover: rec}, o.first, nil
}

// recoverRound2 appends encC and the sealed secret.
func (s *Server) recoverRound2(w *writer, key *ServerKey, m *first, message []byte) error {
	static, err := decapsulate(s.seal.key, m.encS[:], sealInfo("recover server", key.id))
	if err != nil {
		return err
	}
	encC, client, err := encapsulate(m.sealKey[:], sealInfo("recover client", key.id))
	if err != nil {
		return err
	}
	w.put(encC)
	keys := deriveSealKeys(hashFields("recover", message, w.b), client, static)
	w.put(sealOnce(keys.request, w.b, key.current.recovery[:]))
	keys.wipe()
	wipe(static, client)
	return nil
}

// receiveRecovery opens the wrap.
func (f *Refreshing) receiveRecovery(r *reader, message []byte) error {
	encC := r.b32("enc")
	header := message[:len(message)-hashSize-len(r.b)] // up to here; the tag stands behind
	sealed := r.take("recovery secret", hashSize+16)
	if err := r.end(); err != nil {
		return err
	}
	client, err := decapsulate(f.recover.sealKey, encC[:], sealInfo("recover client", f.share.id))
	if err != nil {
		return err
	}
	keys := deriveSealKeys(hashFields("recover", f.first, header), client, f.recover.fromStatic)
	server, err := openOnce(keys.request, header, sealed)
	keys.wipe()
	wipe(client)
	if err != nil {
		return err
	}
	f.secret, err = f.share.current.recovery.unwrap(server, f.share.id, f.share.current.number)
	wipe(server)
	return err
}
