package wheel

import (
	"bytes"
	"errors"
	"testing"
)

// A memoryCache keeps members in memory, and lets a test change them.
type memoryCache struct {
	parts   map[CacheKey][][]byte
	stored  int
	refuses bool // to store
}

func (m *memoryCache) Lookup(key CacheKey, parts int) CacheEntry {
	if kept := m.parts[key]; len(kept) == parts {
		return memoryEntry(kept)
	}
	return nil
}

func (m *memoryCache) Store(key CacheKey, _ int) CacheSink {
	if m.refuses {
		return nil
	}
	return &memorySink{m, key, nil}
}

type memoryEntry [][]byte

func (e memoryEntry) Part(i int, buf []byte) ([]byte, error) {
	if e[i] == nil {
		return nil, errors.New("the disk is broken")
	}
	return append(buf[:0], e[i]...), nil
}

func (e memoryEntry) Close() {}

type memorySink struct {
	cache *memoryCache
	key   CacheKey
	parts [][]byte
}

func (s *memorySink) Append(b []byte) { s.parts = append(s.parts, bytes.Clone(b)) }
func (s *memorySink) Abort()          {}
func (s *memorySink) Commit() {
	s.cache.stored++
	s.cache.parts[s.key] = s.parts
}

// writeCached writes a wheel of one large member, a small and an empty one.
func writeCached(t *testing.T, cache Cache, opts WriterOptions, text []byte) []byte {
	t.Helper()
	opts.Cache = cache
	w := NewWriter("demo-1.0.dist-info", opts)
	w.Add(Header{Name: "demo-1.0.dist-info/WHEEL"}, bytes.NewReader([]byte("Wheel-Version: 1.0\n")))
	w.Add(Header{Name: "demo-1.0.dist-info/METADATA"}, bytes.NewReader([]byte("Name: demo\n")))
	w.AddCached(Header{Name: "demo/large.so"}, bytes.NewReader(text), "large")
	w.AddCached(Header{Name: "demo/small.so"}, bytes.NewReader(text[:100]), "small")
	w.AddCached(Header{Name: "demo/empty.so"}, bytes.NewReader(nil), "empty")
	out := mustWrite(t, w)
	if err := mustRead(t, out).Scan(t.Context(), 1, nil); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCacheHasNoInfluence writes the same wheel with a cache that knows nothing, all, and
// what is wrong in some way.
func TestCacheHasNoInfluence(t *testing.T) {
	text := sourceText(5*chunkSize/2 + 1)
	want := writeCached(t, nil, WriterOptions{}, text)
	cache := &memoryCache{parts: map[CacheKey][][]byte{}}
	write := func(what string, stored int) {
		t.Helper()
		for _, jobs := range []int{1, 4} {
			before := cache.stored
			if got := writeCached(t, cache, WriterOptions{Jobs: jobs}, text); !bytes.Equal(got, want) {
				t.Errorf("%s: the wheel differs", what)
			}
			if got := cache.stored - before; got != stored {
				t.Errorf("%s, %d jobs: %d members were stored, want %d", what, jobs, got, stored)
			}
			stored = 0 // once is enough
		}
	}
	write("empty", 2)
	var large CacheKey
	for key, parts := range cache.parts {
		if len(parts) == 3 {
			large = key
		}
	}
	good := cache.parts[large]
	if good == nil {
		t.Fatal("the large member is not in three parts")
	}
	changed := bytes.Clone(text)
	for i := range changed {
		changed[i] ^= 1
	}
	other := writeParts(t, changed)
	for what, change := range map[string]func([][]byte){
		"other content, well compressed":   func(p [][]byte) { copy(p, other) },
		"other content in the second part": func(p [][]byte) { p[1] = other[1] },
		"the last part twice":              func(p [][]byte) { p[1] = p[2] },
		"a byte flipped":                   func(p [][]byte) { p[2][len(p[2])/2] ^= 4 },
		"a part cut":                       func(p [][]byte) { p[0] = p[0][:len(p[0])/2] },
		"a part too long":                  func(p [][]byte) { p[1] = append(p[1], 0) },
		"an empty part":                    func(p [][]byte) { p[2] = []byte{} },
		"a part that cannot be read":       func(p [][]byte) { p[1] = nil },
	} {
		bad := make([][]byte, len(good))
		for i := range good {
			bad[i] = bytes.Clone(good[i])
		}
		change(bad)
		cache.parts[large] = bad
		write(what, 1)
		if again := cache.parts[large]; len(again) != 3 || !bytes.Equal(bytes.Join(again, nil), bytes.Join(good, nil)) {
			t.Errorf("%s: the entry is not as it was", what)
		}
	}
	clear(cache.parts)
	cache.refuses = true
	write("nothing can be stored", 0)
}

// writeParts returns what a cache keeps of a content.
func writeParts(t *testing.T, text []byte) [][]byte {
	t.Helper()
	cache := &memoryCache{parts: map[CacheKey][][]byte{}}
	writeCached(t, cache, WriterOptions{}, text)
	for _, parts := range cache.parts {
		if len(parts) == 3 {
			return parts
		}
	}
	t.Fatal("nothing was kept")
	return nil
}

// TestCacheKnowsLevels does not take what another level made.
func TestCacheKnowsLevels(t *testing.T) {
	text := sourceText(chunkSize)
	cache := &memoryCache{parts: map[CacheKey][][]byte{}}
	writeCached(t, cache, WriterOptions{}, text)
	for _, level := range []int{1, 9, NoCompression} {
		want := writeCached(t, nil, WriterOptions{Level: level}, text)
		if got := writeCached(t, cache, WriterOptions{Level: level}, text); !bytes.Equal(got, want) {
			t.Errorf("level %d: the cache changes the wheel", level)
		}
	}
	stored := cache.stored
	if writeCached(t, cache, WriterOptions{Level: defaultLevel}, text); cache.stored != stored {
		t.Error("the default level, given by its number, is stored again")
	}
}
