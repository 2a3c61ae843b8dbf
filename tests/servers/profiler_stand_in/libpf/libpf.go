// Package libpf stands in for go.opentelemetry.io/ebpf-profiler, which not every Go module proxy serves.
//
// The Elasticsearch exporter needs it for profiles only. Here it declares what the compiler asks for; no profile
// can be exported with it, and logs never reach it.
package libpf

const noProfiles = "this Collector was built for tests of logs: it exports no profiles"

// AddressOrLineno is an address in a program or a line in a source file.
type AddressOrLineno uint64

// FrameType is the kind of a stack frame.
type FrameType uint8

// FrameTypeFromString is never called.
func FrameTypeFromString(string) FrameType { panic(noProfiles) }

// IsError is never called.
func (FrameType) IsError() bool { panic(noProfiles) }

// FileID names an executable file.
type FileID struct{ hi, lo uint64 }

// NewFileID makes a FileID of its two halves.
func NewFileID(hi, lo uint64) FileID { return FileID{hi, lo} }

// FileIDFromString is never called.
func FileIDFromString(string) (FileID, error) { panic(noProfiles) }

// FileIDFromBytes is never called.
func FileIDFromBytes([]byte) (FileID, error) { panic(noProfiles) }

// Base64 is never called.
func (FileID) Base64() string { panic(noProfiles) }

// Bytes is never called.
func (FileID) Bytes() []byte { panic(noProfiles) }

// IsZero tells whether this is no FileID.
func (id FileID) IsZero() bool { return id == FileID{} }
