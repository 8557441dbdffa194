package graftcache

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"time"
)

// An entry is a file: the magic, the key, the number of parts (uint32, little endian),
// for each part its length (uint32) and its SHA-256, the SHA-256 of all that, and then
// the parts.
const (
	magic    = "wheelmend graft\n"
	partSize = 4 + sha256.Size
	// maxPart and maxParts bound what an entry can claim.
	maxPart  = 1 << 20
	maxParts = 1 << 16
)

var errDamaged = errors.New("the entry of the cache is damaged")

// headSize returns the bytes in front of n parts.
func headSize(n int) int { return len(magic) + len(Key{}) + 4 + n*partSize + sha256.Size }

// A part of a stream, as the head of its entry has it.
type part struct {
	off  int64
	size int
	sum  [sha256.Size]byte
}

// appendHead appends the head of an entry.
func appendHead(b []byte, key Key, parts []part) []byte {
	b = append(append(b, magic...), key[:]...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(parts)))
	for _, p := range parts {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(p.size)), p.sum[:]...)
	}
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

// An Entry is an entry that is open.
type Entry struct {
	file  *os.File
	parts []part
}

// Lookup opens the entry of a key, which then counts as used now. It returns nil for one
// that is not there, not whole, or not of so many parts.
func (c *Cache) Lookup(key Key, parts int) *Entry {
	path := c.path(key)
	// A FIFO would be waited for.
	if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	e := &Entry{file: f}
	if err := e.readHead(key, parts); err != nil {
		f.Close() // read only: nothing to lose
		return nil
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // or it goes earlier
	return e
}

// readHead reads the head of an entry that is to have n parts.
func (e *Entry) readHead(key Key, n int) error {
	info, err := e.file.Stat()
	size := headSize(n)
	if err != nil || n > maxParts || info.Size() < int64(size) {
		return errDamaged
	}
	head := make([]byte, size)
	if _, err := e.file.ReadAt(head, 0); err != nil {
		return err
	}
	table := head[len(magic)+len(key)+4:]
	off := int64(size)
	for range n {
		p := part{off: off, size: int(binary.LittleEndian.Uint32(table)), sum: [sha256.Size]byte(table[4:partSize])}
		if p.size > maxPart {
			return errDamaged
		}
		e.parts = append(e.parts, p)
		table, off = table[partSize:], off+int64(p.size)
	}
	if off != info.Size() || !bytes.Equal(appendHead(nil, key, e.parts), head) {
		return errDamaged
	}
	return nil
}

// Part returns the i-th part, in buf if that is large enough. It may be called
// concurrently.
func (e *Entry) Part(i int, buf []byte) ([]byte, error) {
	if i < 0 || i >= len(e.parts) {
		return nil, errDamaged
	}
	p := e.parts[i]
	if cap(buf) < p.size {
		buf = make([]byte, p.size)
	}
	buf = buf[:p.size]
	if _, err := e.file.ReadAt(buf, p.off); err != nil && err != io.EOF {
		return nil, err
	}
	if sha256.Sum256(buf) != p.sum {
		return nil, errDamaged
	}
	return buf, nil
}

// Close closes the entry.
func (e *Entry) Close() { e.file.Close() } // read only: nothing to lose

// A Sink is an entry that is being written.
type Sink struct {
	cache *Cache
	key   Key
	file  *os.File // nil once it has failed
	want  int      // parts
	parts []part
	end   int64
}

// Store begins an entry of so many parts. It returns nil if nothing can be kept.
func (c *Cache) Store(key Key, parts int) *Sink {
	if parts > maxParts {
		return nil
	}
	dir := filepath.Dir(c.path(key))
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return nil
	}
	f, err := os.CreateTemp(dir, tempPrefix+"*")
	if err != nil {
		return nil
	}
	return &Sink{cache: c, key: key, file: f, want: parts, end: int64(headSize(parts))}
}

// Append adds a part. What cannot be written is given up at once, so
// that a full disk has room again for what the user waits for.
func (s *Sink) Append(b []byte) {
	if s.file == nil {
		return
	}
	if _, err := s.file.WriteAt(b, s.end); err != nil || len(b) > maxPart || s.end > s.cache.share() {
		s.Abort()
		return
	}
	s.parts = append(s.parts, part{s.end, len(b), sha256.Sum256(b)})
	s.end += int64(len(b))
}

// Commit gives the entry its name, if all of it is there.
func (s *Sink) Commit() {
	if s.file == nil || len(s.parts) != s.want {
		s.Abort()
		return
	}
	_, err := s.file.WriteAt(appendHead(nil, s.key, s.parts), 0)
	if err = errors.Join(err, s.file.Chmod(fileMode)); err != nil {
		s.Abort()
		return
	}
	name := s.file.Name()
	if err := s.file.Close(); err != nil || os.Rename(name, s.cache.path(s.key)) != nil {
		_ = os.Remove(name)
	} else {
		s.cache.wrote(s.end)
	}
	s.file = nil
}

// Abort gives the entry up.
func (s *Sink) Abort() {
	if s.file != nil {
		name := s.file.Name()
		s.file.Close() // it is given up
		_ = os.Remove(name)
		s.file = nil
	}
}
