// Package basehash stands in for the package of the same path; see libpf.
package basehash

const noProfiles = "this Collector was built for tests of logs: it exports no profiles"

// Hash128 is a hash of 128 bits.
type Hash128 struct{ hi, lo uint64 }

// New128 makes a hash of its two halves.
func New128(hi, lo uint64) Hash128 { return Hash128{hi, lo} }

// New128FromBytes is never called.
func New128FromBytes([]byte) (Hash128, error) { panic(noProfiles) }

// Base64 is never called.
func (Hash128) Base64() string { panic(noProfiles) }
