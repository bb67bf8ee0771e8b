// Package boltfile is what a bbolt file needs before bbolt may open it: a lock that holds within a process too, and a check of
// every page.
//
// bbolt maps its file and follows page numbers and lengths in it without doubt: a damaged file makes it panic, fault in a way
// that no recover catches, or lose keys silently. [Check] walks the pages in a copy in memory, against the format (bbolt 1.5,
// version 2) and against what the stores of this program put in: buckets in the root and none below. What it lets through does
// not hurt bbolt (FuzzCheck); whether keys and values are the right ones is for the store to know.
package boltfile
