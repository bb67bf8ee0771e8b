// Package cosign is two-party SM2 (协同签名): a phone and a CA server sign, decrypt, change the PIN and delegate with a key
// that neither of them ever holds whole. It contains both roles as pure steps: no network, no files, no clock.
package cosign
