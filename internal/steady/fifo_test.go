//go:build unix

package steady

import (
	"errors"
	"path/filepath"
	"syscall"
	"testing"
)

func TestFIFOIsNotWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Skip(err)
	}
	if _, err := Open(path); !errors.Is(err, ErrIrregular) {
		t.Errorf("%v, want %v", err, ErrIrregular)
	}
}
