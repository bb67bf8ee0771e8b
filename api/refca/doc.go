// Package refca is a complete CA service for the cloud-key client, for development and quality assurance: it issues real SM2
// certificates, holds the server's half of two-party keys, counts password attempts, and keeps everything in one bbolt file
// that survives crashes. It is for testing. It is not a licensed CA: its keys lie in a file, and its short messages go to an
// outbox on a web page instead of to phones.
//
// Every changing request is authenticated by the device's signature, executed once per idempotency key, and answered only
// when its effect, its answer and its audit entry are durable in one transaction. An attempt at a password is durable before
// the share is evaluated. Sessions, with the nonces that must never be written down, are in memory only.
package refca
