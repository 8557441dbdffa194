//go:build unix

package config

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A FIFO that nobody writes to must not hold a command up.
func TestFindFIFO(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"wheelmend.toml", "pyproject.toml"} {
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o644); err != nil {
			t.Skip(err)
		}
	}
	if s, err := Find(dir); err != nil || s != nil && filepath.Dir(s.File) == dir {
		t.Errorf("got %+v, %v; want none", s, err)
	}
}
