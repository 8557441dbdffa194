package graftcache

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

func keyOf(n int) Key { return sha256.Sum256(fmt.Append(nil, n)) }

func open(t *testing.T, limit int64) *Cache {
	t.Helper()
	c, err := Open(filepath.Join(t.TempDir(), "cache", format), limit)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// put stores an entry with these parts.
func put(t *testing.T, c *Cache, key Key, parts ...string) {
	t.Helper()
	s := c.Store(key, len(parts))
	if s == nil {
		t.Fatal("nothing can be stored")
	}
	for _, p := range parts {
		s.Append([]byte(p))
	}
	s.Commit()
}

// get returns the parts of an entry, and whether there is a whole one.
func get(c *Cache, key Key, n int) (parts []string, ok bool) {
	e := c.Lookup(key, n)
	if e == nil {
		return nil, false
	}
	defer e.Close()
	for i := range n {
		b, err := e.Part(i, nil)
		if err != nil {
			return nil, false
		}
		parts = append(parts, string(b))
	}
	return parts, true
}

func TestEntriesComeBack(t *testing.T) {
	c := open(t, DefaultLimit)
	put(t, c, keyOf(1), "first", "", "third part")
	for range 2 {
		got, ok := get(c, keyOf(1), 3)
		if !ok || fmt.Sprint(got) != "[first  third part]" {
			t.Fatalf("got %q, %v", got, ok)
		}
		put(t, c, keyOf(1), "first", "", "third part") // another run had the same idea
	}
	if _, ok := get(c, keyOf(2), 3); ok {
		t.Error("an entry is there that nobody stored")
	}
	if _, ok := get(c, keyOf(1), 2); ok {
		t.Error("an entry of three parts is taken for one of two")
	}
	if n, size, err := Size(c.dir); err != nil || n != 1 || size != int64(headSize(3)+15) {
		t.Errorf("Size: %d entries, %d bytes, %v", n, size, err)
	}
	if n, err := Clear(c.dir); err != nil || n != 1 {
		t.Errorf("Clear: %d entries, %v", n, err)
	}
	if _, ok := get(c, keyOf(1), 3); ok {
		t.Error("an entry is left")
	}
}

// TestDamagedEntriesAreNone changes every byte, cuts everywhere, and appends.
func TestDamagedEntriesAreNone(t *testing.T) {
	c := open(t, DefaultLimit)
	put(t, c, keyOf(1), "first", "second")
	path := c.path(keyOf(1))
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken := [][]byte{append(bytes.Clone(good), 0)}
	for i := range good {
		b := bytes.Clone(good)
		b[i] ^= 0x10
		broken = append(broken, b, good[:i])
	}
	for n, b := range broken {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := get(c, keyOf(1), 2); ok {
			t.Fatalf("damage %d: got %q", n, got)
		}
	}
	put(t, c, keyOf(1), "first", "second")
	if _, ok := get(c, keyOf(1), 2); !ok {
		t.Error("a damaged entry cannot be replaced")
	}
	// The entry of another key, under the name of this one.
	if err := os.MkdirAll(filepath.Dir(c.path(keyOf(2))), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.path(keyOf(2)), good, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, ok := get(c, keyOf(2), 2); ok {
		t.Errorf("an entry of another key is taken: %q", got)
	}
}

func TestWhatIsNoFileIsNoEntry(t *testing.T) {
	c := open(t, DefaultLimit)
	if err := os.MkdirAll(c.path(keyOf(1)), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, ok := get(c, keyOf(1), 1); ok {
		t.Error("a directory is taken for an entry")
	}
	put(t, c, keyOf(1), "text") // fails, and says nothing
	if n, _, err := Size(c.dir); n != 0 || err != nil {
		t.Errorf("%d entries, %v, want none", n, err)
	}
}

// TestTheOldestGo stores more than the limit.
func TestTheOldestGo(t *testing.T) {
	const limit, part = 64 << 10, 1 << 10
	c := open(t, limit)
	text := string(make([]byte, part))
	begin := time.Now().Add(-2 * time.Hour)
	for i := range 200 {
		put(t, c, keyOf(i), text)
		at := begin.Add(time.Duration(i) * time.Second)
		if err := os.Chtimes(c.path(keyOf(i)), at, at); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if i == 20 {
			// What a run that was killed has left, long ago and now.
			for name, age := range map[string]time.Duration{"tmp-old": 2 * staleTemp, "tmp-new": 0} {
				name = filepath.Join(c.dir, name)
				if err := os.WriteFile(name, nil, 0o600); err != nil {
					t.Fatal(err)
				}
				if err := os.Chtimes(name, time.Now().Add(-age), time.Now().Add(-age)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if i > 0 && i < 50 {
			get(c, keyOf(0), 1) // in use
			later := begin.Add(time.Duration(i) * time.Hour)
			_ = os.Chtimes(c.path(keyOf(0)), later, later)
		}
	}
	_, size, err := Size(c.dir)
	if err != nil || size > limit || size < limit/2 {
		t.Errorf("%d bytes are kept, %v, want up to %d", size, err, limit)
	}
	for key, want := range map[int]bool{0: true, 1: false, 50: false, 199: true} {
		if _, ok := get(c, keyOf(key), 1); ok != want {
			t.Errorf("entry %d: %v, want %v", key, ok, want)
		}
	}
	if _, err := os.Stat(filepath.Join(c.dir, "tmp-old")); err == nil {
		t.Error("what a killed run has left is still there")
	}
	if _, err := os.Stat(filepath.Join(c.dir, "tmp-new")); err != nil {
		t.Error("what another run is writing is gone")
	}
}

// TestWhatCannotBeWrittenIsGivenUp has a file that takes no bytes, as on a full disk.
func TestWhatCannotBeWrittenIsGivenUp(t *testing.T) {
	c := open(t, DefaultLimit)
	s := c.Store(keyOf(1), 2)
	s.Append([]byte("first"))
	name := s.file.Name()
	s.file.Close()
	s.Append([]byte("second"))
	s.Commit()
	if _, err := os.Stat(name); err == nil {
		t.Error("the file is left")
	}
	if _, ok := get(c, keyOf(1), 2); ok {
		t.Error("half an entry is taken")
	}
	s = c.Store(keyOf(1), 2)
	s.Append([]byte("first"))
	s.Commit() // one part is missing
	if _, ok := get(c, keyOf(1), 2); ok {
		t.Error("an entry without its last part is taken")
	}
	small := open(t, 160)
	put(t, small, keyOf(1), "0123456789", "more")
	if n, size, _ := Size(small.dir); n != 0 || size != 0 {
		t.Errorf("%d entries of %d bytes are kept, more than a part of the limit", n, size)
	}
}

// TestProcessesShareAFolder has several caches write and read the same entries.
func TestProcessesShareAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache", format)
	var wg sync.WaitGroup
	for range 4 {
		c, err := Open(dir, 20<<10)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			for n := range 200 {
				want := fmt.Sprintf("entry %d", n%7)
				if got, ok := get(c, keyOf(n%7), 1); ok && got[0] != want {
					t.Errorf("got %q, want %q", got, want)
				}
				if s := c.Store(keyOf(n%7), 1); s != nil {
					s.Append([]byte(want))
					s.Commit()
				}
			}
		})
	}
	wg.Wait()
}

func TestOpenRefusesFoldersOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are no matter of modes on Windows")
	}
	dir := filepath.Join(t.TempDir(), "cache", format)
	for _, open := range []string{dir, filepath.Dir(dir)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(open, 0o777); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(dir, DefaultLimit); err == nil {
			t.Errorf("%s, to which everybody can write, is used", open)
		}
		if err := os.Chmod(open, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir, DefaultLimit); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir); err != nil || info.Mode().Perm()&0o022 != 0 {
		t.Errorf("the folder has the mode %v, %v", info.Mode(), err)
	}
}

func TestDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("paths of other systems")
	}
	for _, tt := range []struct {
		goos string
		env  map[string]string
		want string
	}{
		{"linux", map[string]string{"HOME": "/home/me"}, "/home/me/.cache/wheelmend/grafts-1"},
		{"linux", map[string]string{"HOME": "/home/me", "XDG_CACHE_HOME": "/var/me"}, "/var/me/wheelmend/grafts-1"},
		{"linux", map[string]string{"HOME": "/home/me", "XDG_CACHE_HOME": "relative"}, "/home/me/.cache/wheelmend/grafts-1"},
		{"darwin", map[string]string{"HOME": "/Users/me", "XDG_CACHE_HOME": "/x"}, "/Users/me/Library/Caches/wheelmend/grafts-1"},
		{"windows", map[string]string{"LocalAppData": "/c/local"}, "/c/local/wheelmend/grafts-1"},
		{"linux", map[string]string{"HOME": "/home/me", DirVariable: "kept"}, "kept/grafts-1"},
		{"linux", nil, ""},
		{"linux", map[string]string{"HOME": "."}, ""},
	} {
		if got := Dir(func(name string) string { return tt.env[name] }, tt.goos); got != tt.want {
			t.Errorf("%s, %v: got %q, want %q", tt.goos, tt.env, got, tt.want)
		}
	}
}
