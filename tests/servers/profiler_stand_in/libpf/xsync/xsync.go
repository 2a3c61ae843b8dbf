// Package xsync stands in for the package of the same path; see libpf. This part is used: a value behind a lock.
package xsync

import "sync"

// RWMutex holds a value that is reached by locking.
type RWMutex[T any] struct {
	guard sync.RWMutex
	value T
}

// NewRWMutex makes one around a value.
func NewRWMutex[T any](value T) RWMutex[T] { return RWMutex[T]{value: value} }

// WLock locks for writing and hands out the value.
func (m *RWMutex[T]) WLock() *T {
	m.guard.Lock()
	return &m.value
}

// WUnlock ends what WLock began, and takes the value away.
func (m *RWMutex[T]) WUnlock(ref **T) {
	*ref = nil
	m.guard.Unlock()
}
