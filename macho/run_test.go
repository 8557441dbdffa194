//go:build integration

package macho

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// python runs a script of testdata with the Python of the peers.
func python(t *testing.T, script string, args ...string) string {
	t.Helper()
	interpreter := os.Getenv("WHEELMEND_PEER_PYTHON")
	if interpreter == "" {
		t.Skip("WHEELMEND_PEER_PYTHON is not set; run scripts/setup-integration")
	}
	return output(t, interpreter, append([]string{filepath.Join("testdata", script)}, args...)...)
}

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, out, stderr.String())
	}
	return string(out)
}

// write puts an edited image into a file whose name says what was done to it.
func write(t *testing.T, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestEditedImagesRun(t *testing.T) {
	const want = "83\n" // of dep.c and mod.c, constructor included
	longer := roomy + "libdep.1.dylib"
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, module := range []string{"zig-ARCH-mod.so", "zig-ARCH-nopad.so", "lld19-ARCH-chained.so"} {
			module := strings.Replace(module, "ARCH", arch, 1)
			for _, tt := range []struct {
				name    string
				module  []Edit
				library []Edit
			}{
				{"as it was", nil, nil},
				{"signed", []Edit{Sign("a")}, []Edit{Sign("b")}},
				{"longer names", []Edit{ReplaceDylib(libdep, longer), AddRPath(roomy)}, []Edit{SetID("/DLC/" + longer)}},
				{"shorter names", []Edit{ReplaceDylib(libdep, "@loader_path/libdep.1.dylib"), ClearRPaths()}, []Edit{SetID("libdep.1.dylib")}},
				{"moved images", full(), append(full(), SetID("/DLC/"+longer))},
				{"flat lookup", []Edit{LookUpFlat(libdep)}, nil},
				{"one name for two", []Edit{ReplaceDylib(system, libdep)}, nil},
			} {
				t.Run(module+" "+tt.name, func(t *testing.T) {
					dir := t.TempDir()
					paths := []string{
						write(t, dir, "mod.so", edit(t, fixture(t, module), tt.module...)),
						write(t, dir, "libdep.dylib", edit(t, fixture(t, "zig-"+arch+"-libdep.dylib"), tt.library...)),
					}
					if got := python(t, "run_image.py", append([]string{"mod_value"}, paths...)...); got != want {
						t.Errorf("mod_value is %q, want %q", got, want)
					}
					if tt.module != nil {
						python(t, "check_image.py", paths...)
					}
				})
			}
		}
	}
}

// TestMovedImagesUnwind compares what an unwinder reads of modules that throw, before
// and after they were moved, with a reader of our own and with llvm-objdump.
func TestMovedImagesUnwind(t *testing.T) {
	for name, want := range map[string]string{
		"zig-arm64-throws.so":    "4 functions, 3 frames, 2 landing pads, 1 types\n",
		"zig-x86_64-throws.so":   "4 functions, 0 frames, 2 landing pads, 1 types\n",
		"lld19-arm64-throws.so":  "4 functions, 3 frames, 2 landing pads, 1 types\n",
		"lld19-x86_64-throws.so": "4 functions, 0 frames, 2 landing pads, 1 types\n",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			was := fixture(t, name)
			now := edit(t, was, append(full(), Sign(""))...)
			before, after := write(t, dir, "before", was), write(t, dir, "after", now)
			if got := python(t, "check_unwind.py", before, after); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			python(t, "check_image.py", after)
			delta := open(t, now).Slices[0].room - open(t, was).Slices[0].room
			wanted := unwindRows(t, before, uint64(delta))
			if got := unwindRows(t, after, 0); delta <= 0 || len(got) < 6 || !slices.Equal(got, wanted) {
				t.Errorf("llvm-objdump says\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(wanted, "\n"))
			}
		})
	}
}

// unwindRows returns the lines of llvm-objdump that name functions, their data and
// personalities, with delta added to what counts from the header.
func unwindRows(t *testing.T, path string, delta uint64) []string {
	t.Helper()
	offset := regexp.MustCompile(`(function offset=|LSDA offset=|personality\[1\]: )0x([0-9a-f]{8})`)
	var rows []string
	for line := range strings.Lines(output(t, "llvm-objdump", "--macho", "--unwind-info", path)) {
		if strings.Contains(line, "2nd level page") { // its LSDA offset counts from the section
			line, _, _ = strings.Cut(line, ", 2nd level")
		}
		if !offset.MatchString(line) {
			continue
		}
		rows = append(rows, offset.ReplaceAllStringFunc(strings.TrimSpace(line), func(s string) string {
			m := offset.FindStringSubmatch(s)
			n, _ := strconv.ParseUint(m[2], 16, 32)
			return fmt.Sprintf("%s0x%08x", m[1], n+delta)
		}))
	}
	return rows
}

// Numbers in what llvm-objdump prints that count from the header or are addresses.
var address = regexp.MustCompile(`0x[0-9A-Fa-f]+`)

// TestMovedImagesRead compares what llvm-objdump and llvm-nm say of an image
// before and after it was moved: all addresses differ by the same distance.
func TestMovedImagesRead(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, module := range []string{"zig-ARCH-mod.so", "zig-ARCH-nopad.so", "zig-ARCH-libdep.dylib", "zig-ARCH-throws.so", "lld19-ARCH-chained.so"} {
			module := strings.Replace(module, "ARCH", arch, 1)
			t.Run(module, func(t *testing.T) {
				dir := t.TempDir()
				was := fixture(t, module)
				now := edit(t, was, full()...)
				delta := uint64(open(t, now).Slices[0].room - open(t, was).Slices[0].room)
				if delta == 0 {
					t.Fatal("the image has not moved")
				}
				before, after := write(t, dir, "before", was), write(t, dir, "after", now)
				for _, args := range [][]string{
					{"llvm-nm", "--no-sort", "--format=bsd"},
					{"llvm-objdump", "--macho", "--exports-trie"},
					{"llvm-objdump", "--macho", "--rebase"},
					{"llvm-objdump", "--macho", "--bind"},
					{"llvm-objdump", "--macho", "--lazy-bind"},
				} {
					compareMoved(t, args, before, after, delta)
				}
			})
		}
	}
}

func compareMoved(t *testing.T, args []string, before, after string, delta uint64) {
	t.Helper()
	table := func(path string) []string {
		lines := strings.Split(output(t, args[0], append(args[1:], path)...), "\n")
		return lines[min(1, len(lines)):] // the first line has the path
	}
	want, got := table(before), table(after)
	if len(want) != len(got) {
		t.Fatalf("%s: %d lines before, %d after", strings.Join(args, " "), len(want), len(got))
	}
	bare := regexp.MustCompile(`^[0-9a-f]{16} `)
	for i := range want {
		moved := address.ReplaceAllStringFunc(want[i], func(s string) string {
			n, _ := strconv.ParseUint(s[2:], 16, 64)
			return "0x" + strconv.FormatUint(n+delta, 16)
		})
		moved = bare.ReplaceAllStringFunc(moved, func(s string) string {
			n, _ := strconv.ParseUint(strings.TrimSpace(s), 16, 64)
			return "0x" + strconv.FormatUint(n+delta, 16) + " "
		})
		now := bare.ReplaceAllStringFunc(got[i], func(s string) string { return "0x" + strings.TrimLeft(strings.TrimSpace(s), "0") + " " })
		now = address.ReplaceAllStringFunc(now, func(s string) string { return "0x" + strings.ToLower(strings.TrimLeft(s[2:], "0")) })
		if now != moved {
			t.Errorf("%s: %q became %q, want addresses %#x higher", strings.Join(args, " "), want[i], got[i], delta)
		}
	}
}
