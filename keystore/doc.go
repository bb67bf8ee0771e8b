// Package keystore keeps everything the cloud-key client has on a device: organisations, certificates, the device's own
// keys, shares of two-party keys, unfinished operations, the signature history and settings. It is one bbolt file in one
// directory, made so that nothing readable leaves the device with a copied file, nothing acknowledged is lost in a crash,
// and no damaged, swapped, missing or rolled-back record is ever taken for a good one.
//
// # Sealing
//
// A random 32-byte store key seals every record, names and addresses included. It lies in the file only in wrapped form;
// a [KeyWrapper] of the platform (hardware key, OS keyring, or a file of mode 0600, see [Protection]) opens it. Sub-keys
// come from it by HKDF (RFC 5869) with SM3, salted with the store ID.
//
// Each write of a record draws a 24-byte random salt; HKDF-Expand turns sealing key and salt into an SM4 key (16 bytes)
// and a nonce (12 bytes) that are used for this one record version, so that no counter can repeat after a restored
// backup. The AEAD is SM4-GCM (GB/T 32907, RFC 8998 §2), suite 1; the suite byte is authenticated, and another suite comes with
// another format number. Associated data are suite, store ID, kind and name of the record, and generation: a record
// put in another's place, taken from another store or replaced by an earlier version of itself does not open.
//
// The keys under which records lie in the file are pseudonyms (HMAC-SM3 of the kind and name under a sub-key, 16 bytes).
//
// # Manifest
//
// A manifest lists every record with its generation and tag. It is split into 64 leaves by pseudonym; the root holds
// generation and tag of each leaf and the commit counter. Each commit rewrites the touched leaves and the root, also
// sealed; header and root lie in the file twice, so that one bad page does not cost the list. [Open] checks all of it: a record that is missing, older, newer or strange is reported by name as a
// [*DamagedError]. [Store.Position] gives counter and digest of the last commit, for a server to notice a whole file that
// was put back. The entries of a signature history are held by their own hash chain, whose head is in the manifest.
//
// # PIN
//
// No record, tag or check value here depends on a certificate password. A share record is masked by its owner (package
// cosign) and opaque here; the tag around it is keyed by the store key only, so it tells nothing about a guessed password.
// The body of a [PendingRequest] and the keys of an [Enrolment] must not hold one either; callers keep to that.
//
// # Crashes, damage, deletion
//
// One call of [Store.Update] is one commit and one change the user sees: after a crash at any moment the store holds all
// of it or nothing. A new file is written beside the old one, synced, renamed, and the directory synced. Before bbolt maps
// a file its pages are walked in a copy in memory (package boltfile), because bbolt itself panics or faults on damaged
// files. Damage makes Open fail and changes nothing; [Recover] sets the damaged file aside and saves what authenticates.
//
// [Store.DeleteProfile] removes the records in one commit and then writes the whole store into a new file under a new
// store key, wrapped by a new platform key; the old platform key is destroyed, so the old file's blocks, wherever the
// disk keeps them, do not open again. When a crash comes between, the next Open finishes it.
//
// # Concurrency
//
// A [Store] is safe for concurrent use. Reads see one commit. Only one Store can have a directory open, in this process or
// another: a second Open returns [ErrBusy].
package keystore
