package cosign

// The checks that tests leave out, one at a time, to show the attack that each one stops.
const (
	checkServerProof   check = 1 << iota // client: PoK of d2 (KG2)
	checkClientProof                     // server: PoK of d1 (KG3)
	checkKeyCommitment                   // server: KG3 opens com of KG1
	checkNonceProof                      // client: PoK of b in base G' (S2)
	checkCommitment                      // server: S3 opens com of S1
	checkZero                            // server: s1 is not zero (S3)
	checkPIN                             // server: the proof that the PIN was right
	checkRatchet                         // server: the ratchet is the expected one
	checkDevice                          // server: the device tag
	checkEpoch                           // server: the session's epoch stands
	checkSession                         // server: a session is used once, for its own messages
	checkReserve                         // server: the attempt is counted before it is evaluated
)
