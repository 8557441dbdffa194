package graftcache

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultLimit is how many bytes a cache keeps.
const DefaultLimit = 1 << 30

// staleTemp is the age of what a run that was killed has left.
const staleTemp = time.Hour

// tempPrefix begins the names of entries that are being written.
const tempPrefix = "tmp-"

// A Key stands for what an entry is made of.
type Key = [sha256.Size]byte

// A Cache is a folder of compressed libraries. It may be used from several goroutines
// and by several processes.
type Cache struct {
	dir   string
	limit int64 // bytes

	mu      sync.Mutex
	pending int64 // bytes that were written since entries were counted; -1 at first
}

// Open returns the cache in a folder, which it makes. It is an error if others can write
// to the folder.
func Open(dir string, limit int64) (*Cache, error) {
	if err := prepare(dir); err != nil {
		return nil, err
	}
	return &Cache{dir: dir, limit: limit, pending: -1}, nil
}

// path returns the file of an entry. Its folder has the first two digits of the name.
func (c *Cache) path(key Key) string {
	name := hex.EncodeToString(key[:])
	return filepath.Join(c.dir, name[:2], name)
}

// share is the part of the limit that is written before entries are counted again: what
// is there stays below the limit.
func (c *Cache) share() int64 { return c.limit / 16 }

// wrote counts the bytes of a new entry, and makes room where that is due.
func (c *Cache) wrote(n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pending >= 0 && c.pending+n <= c.share() {
		c.pending += n
		return
	}
	c.pending = 0
	entries, err := list(c.dir)
	if err == nil {
		trim(entries, c.limit-c.share())
	}
}

// An entryFile is an entry, or one that is being written.
type entryFile struct {
	path string
	size int64
	used time.Time
}

func (e *entryFile) temporary() bool { return strings.HasPrefix(filepath.Base(e.path), tempPrefix) }

// list returns the files of a cache. What is not its own is left out.
func list(dir string) ([]entryFile, error) {
	var all []entryFile
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // another process has removed it
		}
		if err != nil || !d.Type().IsRegular() || !isEntry(d.Name()) {
			return err
		}
		if info, err := d.Info(); err == nil {
			all = append(all, entryFile{path, info.Size(), info.ModTime()})
		}
		return nil
	})
	return all, err
}

func isEntry(name string) bool {
	_, err := hex.DecodeString(name)
	return strings.HasPrefix(name, tempPrefix) || err == nil && len(name) == 2*len(Key{})
}

// trim removes the entries that were not used for the longest time, until no more than
// limit bytes are left.
func trim(entries []entryFile, limit int64) {
	slices.SortFunc(entries, func(a, b entryFile) int { return cmp.Or(a.used.Compare(b.used), strings.Compare(a.path, b.path)) })
	var total int64
	for _, e := range entries {
		total += e.size
	}
	for _, e := range entries {
		if e.temporary() && time.Since(e.used) < staleTemp || !e.temporary() && total <= limit {
			continue
		}
		if os.Remove(e.path) == nil {
			total -= e.size
		}
	}
}

// Size returns how many entries a folder has, and how many bytes.
func Size(dir string) (entries int, bytes int64, err error) {
	files, err := list(dir)
	for _, f := range files {
		bytes += f.size
		if !f.temporary() {
			entries++
		}
	}
	return entries, bytes, err
}

// Clear removes the entries of a folder, and nothing else that may be there.
func Clear(dir string) (entries int, err error) {
	files, err := list(dir)
	errs := []error{err}
	for _, f := range files {
		gone := os.Remove(f.path)
		switch {
		case gone != nil && !errors.Is(gone, fs.ErrNotExist):
			errs = append(errs, gone)
		case !f.temporary():
			entries++
		}
		_ = os.Remove(filepath.Dir(f.path)) // once it is empty
	}
	return entries, errors.Join(errs...)
}
