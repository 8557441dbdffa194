// Package faultio has readers for tests that fail, or give other bytes, from one of
// their reads on: disks break and files are written to while they are read. Start
// with [Each].
package faultio

import (
	"io"
	"sync/atomic"
	"syscall"
)

// Err is the error of a read that fails.
const Err = syscall.EIO

// A Reader reads from R, but for one read.
type Reader struct {
	R    io.ReaderAt
	at   int64 // the read that fails, counted from 1
	seen atomic.Int64
	kind kind
}

type kind int

const (
	fails kind = iota
	changes
)

// ReadAt implements [io.ReaderAt].
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return r.R.ReadAt(p, off) // asks for nothing
	}
	seen := r.seen.Add(1)
	switch {
	case r.kind == fails && seen == r.at:
		return 0, Err
	case r.kind == changes && seen >= r.at:
		n, err := r.R.ReadAt(p, off)
		for i := range p[:n] {
			p[i] ^= 0x55
		}
		return n, err
	}
	return r.R.ReadAt(p, off)
}

// Each calls do with a reader that fails once, at its first read, then with one at
// its second, and so on, until do needs no more reads than that. After the first
// 200 it goes in longer steps. do reports whether to go on.
func Each(r io.ReaderAt, do func(n int64, r *Reader) bool) { each(r, fails, do) }

// EachChange does the same with readers that give other bytes from that read on.
func EachChange(r io.ReaderAt, do func(n int64, r *Reader) bool) { each(r, changes, do) }

func each(r io.ReaderAt, k kind, do func(n int64, r *Reader) bool) {
	for n := int64(1); ; n += 1 + n/200 {
		faulty := &Reader{R: r, at: n, kind: k}
		if !do(n, faulty) || faulty.seen.Load() < n {
			return
		}
	}
}

// Struck reports whether the read that was to fail has been asked for.
func (r *Reader) Struck() bool { return r.seen.Load() >= r.at }
