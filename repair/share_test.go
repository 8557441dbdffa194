package repair

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// A run keeps the wheels that it finished last open, and offers no library of another.
func TestShareForgetsTheFirst(t *testing.T) {
	const wheels = maxShared + 2
	dir, out := t.TempDir(), t.TempDir()
	opts := Options{}
	opts.Audit.Sysroot = t.TempDir()
	r := NewRepairer(opts)
	defer r.Close()
	for i := range wheels {
		if err := wheeltest.WriteLibs(opts.Audit.Sysroot, fmt.Sprintf("usr/lib/lib%d.so elf x86_64 bss=%d", i, 100*i)); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("w%d-1.0-py3-none-linux_x86_64.whl", i)
		image, err := wheeltest.Build(name, fmt.Sprintf("w/_m.so elf x86_64 needed=lib%d.so", i))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), image, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := r.Repair(context.Background(), filepath.Join(dir, name), out); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.share.wheels) != maxShared || len(r.share.grafts) != maxShared {
		t.Errorf("%d wheels with %d libraries are kept, want %d", len(r.share.wheels), len(r.share.grafts), maxShared)
	}
	for _, g := range r.share.grafts {
		if !slices.Contains(r.share.wheels, g.wheel) {
			t.Errorf("%s is of a wheel that is not kept", g.member.Name)
		}
	}
}
