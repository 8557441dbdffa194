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
	R io.ReaderAt
	*Disk
}

// A Disk counts the reads of all readers that it is put before, one of which is faulty.
type Disk struct {
	at   int64 // the read that fails, counted from 1
	seen atomic.Int64
	kind Kind
}

// A Kind is what becomes of a read.
type Kind int

// What becomes of a read.
const (
	Fails   Kind = iota // it alone
	Changes             // it and all later ones give other bytes
)

// Through returns a reader of what r has, on the disk.
func (d *Disk) Through(r io.ReaderAt) io.ReaderAt { return &Reader{r, d} }

// ReadAt implements [io.ReaderAt].
func (r *Reader) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 0 {
		return r.R.ReadAt(p, off) // asks for nothing
	}
	seen := r.seen.Add(1)
	switch {
	case r.kind == Fails && seen == r.at:
		return 0, Err
	case r.kind == Changes && seen >= r.at:
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
func Each(r io.ReaderAt, do func(n int64, r *Reader) bool) { each(r, Fails, do) }

// EachChange does the same with readers that give other bytes from that read on.
func EachChange(r io.ReaderAt, do func(n int64, r *Reader) bool) { each(r, Changes, do) }

func each(r io.ReaderAt, k Kind, do func(n int64, r *Reader) bool) {
	EachOf(k, func(n int64, d *Disk) bool { return do(n, &Reader{r, d}) })
}

// EachOf does the same with disks, for what reads many files.
func EachOf(k Kind, do func(n int64, d *Disk) bool) {
	for n := int64(1); ; n += 1 + n/200 {
		faulty := &Disk{at: n, kind: k}
		if !do(n, faulty) || faulty.seen.Load() < n {
			return
		}
	}
}

// Struck reports whether the read that was to fail has been asked for.
func (d *Disk) Struck() bool { return d.seen.Load() >= d.at }
