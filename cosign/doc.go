// Package cosign is two-party SM2 (协同签名): a client (phone) and a server (CA) sign, decrypt, change the PIN and delegate
// with an SM2 key that neither of them ever holds whole. It contains both roles as pure steps: no network, no files, no
// clock. A Signer runs the client's steps over a Transport and a ShareStore that the caller provides, and is a
// crypto.Signer and crypto.Decrypter. Everything needed to write the other side stands in this text and in the files
// named after the rounds: sign1.go is the first message of a signature, refresh5.go the fifth of a refresh.
//
// # Notation
//
// G is the base point and n its order (GB/T 32918.5), O the point at infinity, x(·) the x-coordinate mod n,
// e = SM3(Z || M) the digest of GB/T 32918.2. H(tag; f1, f2, …) is SM3 over "cloudkey/cosign/v1 " || tag and the fields,
// each preceded by its length (4 bytes, big-endian); MAC(k, tag; …) is HMAC-SM3 under k over the same bytes. Scalars
// are 32 bytes big-endian, in [1, n-1] on the wire; points are 65 bytes, 04 || x || y, never O. u8, u16, u32, u64 are
// big-endian.
//
// # The key
//
// 1 + d = d1*d2 mod n. P1 = d1*G, P = d1*d2*G - G, G' = P + G = d1*d2*G. The client has d1, the server d2 and P1.
//
// The client stores c = d1 - K mod n with K = argon2id(PIN, salt), 48 bytes, mod n, and nothing that tells a right PIN
// from a wrong one: every PIN unmasks to a scalar, and only the server, which counts, can tell. So P1, P2, s1, k1, T and
// every other value that depends on d1 and is not uniformly masked are kept off the device's storage and, by the inner
// seal, off the wire.
//
// # Messages
//
// Every message begins with: version u8 = 1, operation u8, round u8, key ID (16), and, where a session exists (rounds 2
// and later, not for Generate and Resume), session ID (16). Operations: Sign 1, Refresh 2, Decrypt 3, Delegate 4,
// Recover 5, Activate 6, Generate 7, Resume 8. There is one encoding of each message; lengths, ranges, points and
// trailing bytes are checked, with a *MessageError that wraps what was wrong.
//
// Key generation:
//
//	KG1 C→S  nC (32), com (32), client's seal key (32), encS (32)
//	         com = H("KG commitment"; keyID, nC, P1, π1, ρ), π1 = PoK "d1" of d1 in base G, context keyID || nC
//	KG2 S→C  nS (32), server's session seal key (32), encC (32), AEAD{ P2 = d2*G, π2, recovery secret (32) }
//	         π2 = PoK "d2" in base G, context keyID || nC || nS || com
//	KG3 C→S  encE (32), AEAD{ P1, π1, ρ (32) }
//	KG4 S→C  tag = MAC(device secret, "KG4"; keyID, P)
//
// Both sides compute P (the client d1*P2 - G, the server d2*P1 - G) and refuse O. The client stores its record before it
// sends KG3; a repeated KG3 gets the same KG4.
//
// Every other operation, rounds 1 and 2:
//
//	1 C→S  epoch u32, nC (32), fields, tag = MAC(device secret, "request"; message up to here)
//	2 S→C  server's session seal key (32), fields, tag = MAC(device secret, "opened"; round 1, message up to here)
//
//	Sign     1: N u16, e1 … eN (32 each), com (32);  com = H("S commitment"; keyID, e1, R1_1, …, eN, R1_N, ρ), R1 = k1*G
//	         2: R2_1 … R2_N, proof (64);  R2 = b*G', PoK "b" in base G', context H("S2"; keyID || sid || com || e1 … eN)
//	Recover  1: client's seal key (32), encS (32);  2: encC (32), AEAD{ recovery secret (32) }
//	Activate has no tags: the device has no link to the server yet; the other operations have no fields.
//
// Requests that evaluate a share (round 3, and round 5 of a refresh) and their answers (rounds 4 and 6):
//
//	3, 5 C→S  encS (32), encE (32), AEAD{ device tag (32), ratchet tag (32), body }
//	4, 6 S→C  AEAD{ verdict u8, attempts left u8, locked u8, locked until u64 (Unix seconds), resync u8, ν (32), body }
//	          the body of Decrypt and of round 4 of a refresh is AEAD{ body } again, under the key "body"
//
//	Sign      3: ρ (32), then R1, s1 for each digest;  s1 = (k1 + r)/d1, r = e + x(R1 + R2)
//	          4: r, s for each digest;  s = s1/d2 + b - r
//	Refresh   3: δc, PoK "share" of d1;  4: δs, recovery secret (32);  5: PoK "share" of d1*δc*δs;  6: empty
//	Recover, Activate: as Refresh, with d1 from the recovery wrap or from the package
//	Decrypt   3: C1, PoK "decrypt" of d1;  4: T = d2*C1, proof that log P1→G' is log C1→T
//	Delegate  3: grantee's key ID (16), its device's seal key (32), t (32), package, PoK "delegate" of d1;  4: empty
//
// Verdicts: 1 done, 2 wrong PIN, 3 violation, 4 clone suspected, 5 the server failed. Only 1 has a body.
//
// Device and ratchet tag are MAC(·, "device" or "ratchet"; header with both encapsulations, transcript, body) under the
// two secrets of the link that key generation or the last refresh made. The transcript is H("transcript"; round 1,
// round 2), for round 5 H("commit"; that, round 3, round 4). The proofs of d1 are in base G; their context is H over the
// transcript and the other fields of the body.
//
// Resume:
//
//	1 C→S  epoch u32, nonce (32), the unanswered request: operation u8, round u8, session (16), all zero if none;
//	       session of an uncommitted refresh (16), zero if none; MAC(device secret, "resume"; …) of the present and
//	       of the new epoch, zero if none
//	2 S→C  nonce, fate u8 (0 nothing asked, 1 answered, 2 counted but never evaluated, 3 never accepted), epoch u32,
//	       length u32 and answer, MAC(device secret, "resumed"; message up to here)
//
// A package (delegation): version u8, grantor's and grantee's key ID (16 each), P, HPKE encapsulation (32) and ciphertext
// of d1*t (32 + 16), one-shot HPKE with AES-256-GCM to the grantee's device.
//
// # Proofs
//
// PoK is Schnorr's proof as (c, z): c = H("proof " || tag; context, base, A, X1, …) mod n with A = w*base,
// z = w + c*x1 + c²*x2 + …; the verifier computes A = z*base - c*X1 - c²*X2 - … and compares c (64 bytes on the wire). For
// one statement it is the classical proof, for a batch that of Gennaro and others. The proof of equal logarithms
// (Chaum and Pedersen) has A1, A2 before and base2, X1, X2 in the place of the statements.
//
// # The inner seal
//
// HPKE (RFC 9180), DHKEM(X25519, HKDF-SHA256) with HKDF-SHA256, export only: encS to the server's long-term key, which
// the client has pinned, and encE to the server's key of this session. Info is "cloudkey/cosign/v1 " || use || " " ||
// key ID, where use is "server", or "session " and the session ID ("KG server", "KG client", "KG session", "recover server",
// "recover client" where those are meant). From each comes Export("cloudkey/cosign/v1 secret", 32). HKDF-SHA256 over the secrets
// (session's, then long-term; KG2: long-term, client's; KG3: long-term, client's, session's; Recover: client's, long-term),
// no salt, with info "cloudkey/cosign/v1 " || label || " " || transcript gives the keys "request", "answer" and "body", each
// for one AES-256-GCM encryption with the zero nonce and all clear bytes before the ciphertext as associated data ("body": the
// header of the answer), and the link of a new epoch, "device" and "ratchet". Transcripts of KG2 and KG3 are H("KG2"; KG1, clear part of KG2) and
// H("KG3"; KG1, KG2), that of Recover's round 2 H("recover"; round 1, clear part of round 2).
//
// # Why each check is there
//
//	commitment in KG1        else the client chooses d1 after P2 and with it the public key
//	PoK of d1, d2            else a party registers a share it does not know (another's P1)
//	commitment in S1         else R1 or e chosen after R2: 256 parallel sessions give a 257th signature on a message that the
//	                         server never saw (ROS), and s1 = 0 passes as a right PIN and signs
//	PoK of b in base G'      G' is public. In base P1 the client would have to know P1, which tests PINs offline
//	R ≠ O, r ≠ 0             GB/T 32918.2, 6.1; public values only
//	s1 ≠ 0                   0 = R1 + r*G can be had without d1
//	all public checks first, else the answer or its time tells which of several guesses in a batch was right:
//	then every s1            one try would test many PINs
//	server verifies (r, s)   a computing fault in s can give d2 away; and this is the check of the PIN (below)
//	client verifies (r, s)   the server is not trusted to be right
//	k1, b used once          two requests with one k1 give d1 to the server, two answers with one b give d2 to the client.
//	                         Both are hedged with a secret and with what they are for; a Session cannot be encoded,
//	                         and a used one is refused
//	PoK before T             T with any ciphertext tests PINs offline, uncounted
//	proof of T               else the server sees from whether C3 fits what depends on d1
//	seal of S3 and the like  s1 and a phone image test PINs. Two keys: a proxy that breaks TLS lacks the long-term key,
//	                         who steals that later lacks the session's
//	body sealed apart        the key of an answer waits in the record; T or δs must not be there for who has an image
//	device tag               without it a stranger could lock a key by guessing
//	attempt counted first    else stopping the server between check and counter gives free guesses
//	ratchet                  two copies of a record cannot both be in use: the second use of either is noticed
//	epoch                    a record from before a PIN change is turned away before it is counted
//	one open session         and each session used once, for one request that names it in its keys
//	refresh, not re-masking  two snapshots of one share under two PINs test pairs of PINs offline
//
// # One equation for PIN, arithmetic and signature
//
// The server does not compute s1*P1 = R1 + r*G first and verify (r, s) afterwards. It computes s = s1/d2 + b - r, which
// is constant time for every s1, and checks
//
//	s*G + (r + s)*P = R1 + R2  and  r = e + x(R1 + R2)
//
// before anything of s is used. That is both checks. With G' = P + G = d2*P1 and R2 = b*G' the left side is
// s*G' + r*P = (s + r)*G' - r*G = (s1/d2 + b)*G' - r*G = s1*P1 + R2 - r*G. So the equation holds exactly if s1*P1 = R1 + r*G:
// a wrong PIN fails as before, s1 = 0 and R1 = -r*G pass it as before (hence s1 ≠ 0 and the commitment). And G' has the order n,
// so only one s satisfies it: a fault in d2, its inverse, b, or the arithmetic fails too. The equation of points implies that of
// x-coordinates in GB/T 32918.2, 7.1, and r is computed again from R, so (r, s) is a valid signature. When it fails the server
// checks every s1*P1 = R1 + r*G alone, to tell a wrong PIN (counted) from its own fault (not counted). That takes longer,
// but only says what the verdict says; in a batch it is done for all digests, whichever failed.
//
// For several digests the left and right sides are summed with random weights of 128 bits, drawn after all values are fixed
// (Bellare, Garay and Rabin): one wrong term passes with probability 2^-128. The client verifies in the same way, as it
// knows R1 + R2. After a Resume it does not, and verifies each by GB/T 32918.2.
//
// Sums with variable time (multiscalar.go) take only points and scalars that both sides know (P, R1, R2, challenges,
// responses) and weights of one use. Everything with a share, a nonce, s1, P1 or an unverified s is left to the
// constant-time library.
//
// # Who learns what
//
// The client learns R2, (r, s), T = d2*C1 for points it has proved itself for, δs, and attempts left. The server learns the
// digests, R1, s1 (which under the discrete logarithm assumption tells nothing about d1 without k1), δc, whether the PIN
// was right, and for a grantee t. It never learns PIN, salt or c. The grantor knows the grantee's share until the grantee's first
// refresh; a grantee's device together with the server, which knows t until then, could compute the grantor's d1:
// delegation trusts that these two do not conspire, as signing trusts that client and server do not.
//
//	has                          can
//	phone image                  guess online as the ladder allows; the owner's next use shows it
//	server database              nothing without a discrete logarithm; no PIN test: salt and c are on the phone
//	both                         through the recovery wrap, the key; without the wrap, try PINs at argon2id's price each
//	transcript, TLS broken       nothing, also not later with the phone image; delay and loss of messages
//	malicious client             get no signature that the server did not count
//	malicious server             get no signature that the client did not ask for; make the client abort on public
//	                             values only
//
// # Attempts
//
// A Guard counts failures in a row: at 3 the share is locked for 3 hours, at 6 for 24, at 9 until it is unlocked. Wrong
// PIN and protocol violations count; whatever does not come from the enrolled device does not (ErrSeal, ErrDevice). A
// valid proof sets the counter to zero; a valid proof with a ratchet that is out of step freezes the share
// (ErrCloneSuspected). The ratchet is K(i+1) = MAC(K(i), "roll"; ν, sid) after each evaluated request, whatever its verdict but
// a suspected clone; a refresh starts a new one. After Guard.Unfreeze the next valid proof starts it from the exchange's own
// "ratchet" key (resync). A lost answer is fetched with Resume, which rolls the ratchet as the answer would have.
//
// A server handles a sealed request in this order, with records loaded and stored in transactions of its own:
//
//	sess := sessions.Take(id)                      // memory
//	tx 1: attempt := server.Accept(key, guard, sess, message, now); store guard
//	attempt.Evaluate()                             // outside of any transaction
//	tx 2: result := attempt.Settle(key, guard, now) on the records as they are now; store guard, key if
//	      result.KeyChanged, result.Grantee; take back one use, write the audit record …
//	sessions.Put(result.Next); send result.Answer
//
// # Measurements
//
// One run on a shared two-core amd64 virtual machine, CPU time, OpenSSL 3.0 beside it (go test -v -run TestMarks -marks FILE
// repeats it; BenchmarkSign is for profiles). Both sides with all proofs, everything but argon2id and storage:
//
//	a signature               735 µs   OpenSSL's sign and verify alone: 513 µs
//	  SM2 curve operations    333      two multiplications and two checks of s*G + t*P at 46 to 58 µs, the proof 72, k1*G, sums
//	  inner seal, HPKE        275      seven X25519 operations at 34 µs, key schedules
//	  all else                127      SM3 30, two inversions 19, allocation 25, key derivation 7, encodings, AES, randomness
//	each of a batch of 100    137      27 % of OpenSSL's sign and verify
//	client after the PIN       92      OpenSSL's sign: 261 µs
//
// The whole is 1.20 times the curve operations it does, seal included, and 1.03 times what the terms of its equations would
// cost one by one in the library: fewer operations make the rest weigh more. It is 1.44 times OpenSSL's single-party sign
// and verify, 0.90 without the seal. That it stays above OpenSSL's is due to the seal: four Diffie-Hellman computations and
// three key pairs are what two ephemeral secrets in standard HPKE take, and DHKEM(P-256) is no faster here (key pair 12 µs,
// agreement 51 µs; X25519 33 and 34). One shared ephemeral key (as in Noise NK) and a table for X25519 key pairs would save
// some 90 µs, and still leave the sum above 1: the proof of b, its two secret multiplications and the two checks of the
// signature are half of OpenSSL's time already, and none of them may be left out. 848 bytes and two round trips a
// signature, 26 KB for a hundred in one session.
//
// The ratchet as a key shared beforehand, in the place of the session's key, would be cheaper, but is not used:
//
//	stale ratchet     the server could not open the request, so neither count a clone's PIN nor freeze, nor set the ratchet
//	                  after Unfreeze; round 1 would have to say whether it is in step, and the session's key stay for when not
//	unanswered S3     a request that is lost or declared void does not roll: an image with K(i), and the long-term key, open it
//	refresh           an old K(i), the long-term key and the transcript give every later ν and K, and with the present seal
//	                  of a refresh replaced also its link: nothing would heal a copied record
//
// A batch shares commitment, seal, proof of b and both verifications (publicSum, verifyNonces); a signature then needs k1*G,
// b*G' and its terms in three sums. Nonces and their commitments stay one for each digest.
//
// Timing (go test -run TestTiming -timing 40000, Welch's t between a fixed and random secrets): inversion, s1, s, unmasking,
// k1*G, b*G', s1*P1, s*G + t*P, Z and the reduction of wide values all stay below |t| = 1.7, where 4.5 would be a suspicion. The same
// test showed a leak of the bit length in an earlier reduction of 32 bytes, which is now used for public values only.
//
// # Limits
//
// Go may have copied a secret before it is wiped (stack growth, library code, math/big inside the curve library for points);
// building with GOEXPERIMENT=runtimesecret clears such copies where the toolchain can. Scalars are never in
// math/big, but for an inversion, where a random factor hides them.
// A server that answers Resume wrongly can make a client wait or freeze, not sign. Round 1 of a Resume carries two device
// tags of which the server can check one; the other is not bound to anything.
//
// # Sources
//
// GB/T 32918.1-5 (SM2), GB/T 32905 (SM3), GM/T 0009 (encodings). Schnorr, J. Cryptology 4 (1991). Chaum and Pedersen,
// CRYPTO 1992. Straus, American Mathematical
// Monthly 71 (1964). Bellare, Garay, Rabin, EUROCRYPT 1998 (batch verification). Gennaro, Leigh, Sundaram, Yerazunis, ASIACRYPT 2004 (batch proofs). Benhamouda, Lepoint, Loss, Orrù,
// Raykova, EUROCRYPT 2021 (ROS). Hoover and Kausik, IEEE S&P 1999 (camouflage). Buldas, Kalu, Laud, Oruaas, ESORICS 2017
// (SplitKey: server-supported signing, clone detection). RFC 9106 (argon2), RFC 9180 (HPKE), RFC 9458, 4.4 (keys of an
// answer from an HPKE context). Brier and Joye, PKC 2002 (y-coordinate).
//
// # Patents
//
// Two-party SM2 signing is covered by patents in China, for example CN104243456B and its family. Whoever ships this has to
// clear that.
package cosign
