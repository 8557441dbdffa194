//go:build integration

package elf

import (
	"context"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/overlay"
)

// glibc makes the stack of a process executable for a library that asks for it, or
// that says nothing; after the edit it stays as it was.
func TestLibrariesWithClearedStacksLoad(t *testing.T) {
	dir := t.TempDir()
	source, library := filepath.Join(dir, "lib.c"), filepath.Join(dir, "lib.so")
	if err := os.WriteFile(source, []byte("int table[4000] = {1}; int answer(void) { return table[0] + 41; }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	must(t, "gcc", "-shared", "-fPIC", "-Wl,-z,execstack", "-o", library, source)
	asks, err := os.ReadFile(library)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"asks": asks, "says nothing": withoutStack(t, asks)} {
		for _, tt := range []struct {
			edit string
			data []byte
			want string
		}{
			{"before", data, "42 rwxp"},
			{"cleared", contents(t, overlayOf(t, data, SetExecutableStack(false))), "42 rw-p"},
			{"cleared, stripped and longer", contents(t, overlayOf(t, data, SetExecutableStack(false), SetRunPath(longPath), Strip())), "42 rw-p"},
			{"cleared and set again", contents(t, overlayOf(t, contents(t, overlayOf(t, data, SetExecutableStack(false))), SetExecutableStack(true))), "42 rwxp"},
		} {
			path := filepath.Join(dir, strings.ReplaceAll(name+tt.edit, " ", "-")+".so")
			if err := os.WriteFile(path, tt.data, 0o755); err != nil {
				t.Fatal(err)
			}
			const load = `import ctypes, sys
answer = ctypes.CDLL(sys.argv[1]).answer()
print(answer, *[l.split()[1] for l in open("/proc/self/maps") if "[stack]" in l])`
			out, err := exec.Command("python3", "-c", load, path).CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != tt.want {
				t.Errorf("%s, %s: %q, %v; want %q", name, tt.edit, got, err, tt.want)
			}
		}
	}
}

func overlayOf(t *testing.T, data []byte, edits ...Edit) *overlay.Overlay {
	t.Helper()
	o, err := parse(t, data).Edit(context.Background(), edits...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// withoutStack returns an image whose program header table lacks PT_GNU_STACK.
func withoutStack(t *testing.T, data []byte) []byte {
	f := parse(t, data)
	progs := slices.DeleteFunc(slices.Clone(f.Progs), func(p Prog) bool { return p.Type == elf.PT_GNU_STACK })
	data = slices.Clone(data)
	clear(data[f.Phoff:][:uint64(f.Phnum)*f.progSize()])
	copy(data[f.Phoff:], f.encodeProgs(progs))
	f.Order.PutUint16(data[56:], uint16(len(progs)))
	return data
}
