package repair_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/repair"
)

// spoil changes every 512th byte of a file where it lies, and gives it the time that
// it had, as rsync and make may do.
func spoil(t *testing.T, path string, keepTime bool) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(data); i += 512 {
		data[i] ^= 0x55
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
	if keepTime {
		if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
			t.Fatal(err)
		}
	}
}

// appendNoise makes a file longer by bytes that do not compress.
func appendNoise(t *testing.T, path string, n int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	noise := rand.New(rand.NewPCG(1, 2))
	for range n {
		data = append(data, byte(noise.Uint32()))
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// What was read is what was hashed is what is written: a library or a wheel that is
// written to during the repair ends it, or the result is that of what was there.
func TestFilesThatChangeDuringTheRepair(t *testing.T) {
	wheelSpec := graftingWheel + "demo/data text \"" + strings.Repeat("x", 70_000) + "\"\n"
	make := func() *world {
		w := newWorld(t, linuxWheel, wheelSpec, graftedLibrary)
		appendNoise(t, filepath.Join(w.system, "usr/lib/libx.so.1"), 1100<<10) // several chunks of the encoder
		return w
	}
	want, err := os.ReadFile(make().repair(t, repair.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, of := range []string{"library", "wheel"} {
		for _, keepTime := range []bool{false, true} {
			ended := 0
			for at := range 5 {
				w := make()
				victim := w.wheel
				if of == "library" {
					victim = filepath.Join(w.system, "usr/lib/libx.so.1")
				}
				calls := 0
				opts := repair.Options{Progress: func(done, total int64) {
					if calls == at {
						spoil(t, victim, keepTime)
					}
					calls++
				}}
				dir := t.TempDir()
				result, err := w.repairer(t, opts).Repair(context.Background(), w.wheel, dir)
				left, dirErr := os.ReadDir(dir)
				if dirErr != nil {
					t.Fatal(dirErr)
				}
				if err != nil {
					ended++
					if !strings.Contains(err.Error(), "changed while it was read") || len(left) != 0 {
						t.Errorf("%s changed at %d: %v; %v is left", of, at, err, left)
					}
					continue
				}
				got, err := os.ReadFile(result.Path)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s changed at %d (same time: %v): no error, and another wheel (%v)", of, at, keepTime, err)
				}
			}
			t.Logf("%s, same time %v: %d of 5 ended", of, keepTime, ended)
		}
	}
}
