package wheel

import (
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/wheelmend/wheelmend/wheel/internal/deflate"
)

// A CacheKey stands for content, level and encoder of a compressed member.
type CacheKey [sha256.Size]byte

// A Cache keeps the compressed bytes of members between runs, in the parts in which a
// [Writer] makes them. It is called from one goroutine. What it gives back is inflated
// and compared with the content before it is used: a cache can save time, and cannot
// change what a member has. Nothing that it fails in is an error.
type Cache interface {
	Lookup(key CacheKey, parts int) CacheEntry // nil if there is none
	Store(key CacheKey, parts int) CacheSink   // nil if nothing can be kept
}

// A CacheEntry is a compressed member. Part may be called concurrently.
type CacheEntry interface {
	Part(i int, buf []byte) ([]byte, error) // in buf, if that is large enough
	Close()
}

// A CacheSink takes a member to keep, part by part.
type CacheSink interface {
	Append(part []byte)
	Commit()
	Abort()
}

// AddCached is Add for content that other wheels have, too: its compressed bytes may come
// from the cache of the options. key tells such contents apart. One that stands for several
// contents costs time, and has no influence on the output.
func (w *Writer) AddCached(h Header, c Content, key string) {
	w.Add(h, c)
	e := w.entries[len(w.entries)-1]
	if w.opts.Cache == nil || e.method != Deflate {
		return
	}
	level := w.opts.Level
	if level == 0 {
		level = defaultLevel
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "encoder %s, level %d, parts of %d, %d bytes of %s", deflate.Version, level, chunkSize, e.size, key))
	e.cached = &cachedEntry{cache: w.opts.Cache, key: sum, parts: int((e.size + chunkSize - 1) / chunkSize)}
}

// A cachedEntry is what a cache has to do with a member.
type cachedEntry struct {
	cache Cache
	key   CacheKey
	parts int
	entry CacheEntry // nil for none
	sink  CacheSink  // nil for none
	wrong atomic.Bool
}

// open asks for the entry, before the first chunk is made.
func (k *cachedEntry) open() { k.entry = k.cache.Lookup(k.key, k.parts) }

// take fills c.out from the cache. It reports whether that is what the content needs.
func (k *cachedEntry) take(z *compressor, c *chunk) bool {
	if k.entry == nil || k.wrong.Load() {
		return false
	}
	out, err := k.entry.Part(c.index(), c.out[:0])
	if err == nil {
		c.out, err = out, z.prove(&chunk{in: c.in, dict: c.dict, last: c.last, out: out})
	}
	if err != nil {
		k.wrong.Store(true)
	}
	return err == nil
}

// keep has the cache take a chunk that is written, if it did not come from there. An
// entry that turned out to be wrong is written anew, from its first part.
func (k *cachedEntry) keep(c *chunk) {
	if c.first && k.entry == nil {
		k.sink = k.cache.Store(k.key, k.parts)
	} else if k.sink == nil && !c.fromCache && k.entry != nil {
		k.sink = k.restart(c.index())
	}
	if k.sink == nil {
		return
	}
	k.sink.Append(c.out)
	if c.last {
		k.sink.Commit()
		k.sink = nil
	}
}

// restart begins an entry with the parts in front of the i-th, which were right.
func (k *cachedEntry) restart(i int) CacheSink {
	sink := k.cache.Store(k.key, k.parts)
	for n := 0; n < i && sink != nil; n++ {
		part, err := k.entry.Part(n, nil)
		if err != nil {
			sink.Abort()
			return nil
		}
		sink.Append(part)
	}
	return sink
}

// close ends what is open.
func (k *cachedEntry) close() {
	if k.entry != nil {
		k.entry.Close()
		k.entry = nil
	}
	if k.sink != nil {
		k.sink.Abort()
		k.sink = nil
	}
}

// index returns which chunk of a member that is compressed as a whole this is.
func (c *chunk) index() int { return int(c.off / chunkSize) }
