// Package authz holds the rules of authorizations (授权): a grantor (授权人), the owner of a certificate, allows a grantee
// (被授权人) to sign with it within a validity and a number of uses. It is pure: no clock, no storage, no network. Every
// value is safe for concurrent reads; the caller stores the result of Do in the transaction it read the input in.
package authz
