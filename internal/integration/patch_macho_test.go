//go:build integration

package integration

import (
	"bytes"
	"debug/macho"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machoFixtures has what zig made of mod.c and dep.c: mod_value calls the library.
const (
	machoFixtures = "../../macho/testdata"
	machoAnswer   = "83\n"
	machoLibrary  = "@rpath/libdep.1.dylib" // as mod.so loads it
)

// machoCalls are calls of the patch command, one after the other, on a module and
// on the library that it loads.
var machoCalls = []struct {
	name            string
	module, library [][]string
}{
	{"signed", [][]string{{"--sign"}}, [][]string{{"--sign"}}},
	{"names and search paths", [][]string{
		{"--set-rpath", "@loader_path/../demo.dylibs:@loader_path", "--replace-needed", machoLibrary + "=@loader_path/libdep.1.dylib"},
		{"--set-soname", "@rpath/a/name/that/is/longer/than/before/mod.so", "--remove-rpath=@loader_path"},
		{"--add-rpath", "/opt/a:/opt/b", "--add-needed", "/usr/lib/libz.1.dylib"},
		{"--remove-needed", "/usr/lib/libz.1.dylib", "--remove-rpath"},
	}, [][]string{{"--set-soname", "/DLC/demo/.dylibs/libdep.1.dylib"}}},
	{"one library in the place of two", [][]string{{"--replace-needed", "/usr/lib/libSystem.B.dylib=" + machoLibrary}}, nil},
	{"no room, so that the images move", [][]string{{"--set-rpath", manyPaths(60), "--sign"}}, [][]string{{"--add-rpath", manyPaths(60)}}},
	{"moved twice and back", [][]string{
		{"--set-rpath", manyPaths(60)}, {"--remove-rpath"},
		{"--set-rpath", manyPaths(200)}, {"--set-rpath", "/opt/build/lib"},
	}, [][]string{{"--add-rpath", manyPaths(60)}, {"--add-rpath", manyPaths(200)}, {"--remove-rpath"}}},
	{"a hundred edits", hundredNames(), nil},
}

// manyPaths is a search path that no header has room for.
func manyPaths(n int) string {
	var paths []string
	for i := range n {
		paths = append(paths, fmt.Sprintf("@loader_path/../a_folder_with_quite_a_long_name/%d", i))
	}
	return strings.Join(paths, ":")
}

// hundredNames are calls that give the library another name each time.
func hundredNames() [][]string {
	var calls [][]string
	name := machoLibrary
	for i := range 100 {
		next := fmt.Sprintf("@loader_path/%s/libdep.1.dylib", strings.Repeat("x", i*7%90))
		calls = append(calls, []string{"--replace-needed", name + "=" + next})
		name = next
	}
	return calls
}

// machoScript runs a script of package macho with the Python of the peers.
func machoScript(t *testing.T, script string, args ...string) string {
	t.Helper()
	interpreter := os.Getenv("WHEELMEND_PEER_PYTHON")
	if interpreter == "" {
		t.Skip("WHEELMEND_PEER_PYTHON is not set; run scripts/setup-integration")
	}
	return run(t, nil, interpreter, append([]string{filepath.Join(machoFixtures, script)}, args...)...).must(t).stdout
}

// machoSubject copies a fixture.
func machoSubject(t *testing.T, dir, fixture, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(machoFixtures, fixture))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// patchMachO carries out calls of the patch command.
func patchMachO(t *testing.T, path string, calls [][]string) {
	t.Helper()
	for _, flags := range calls {
		wheelmend(t, append(append([]string{"patch"}, flags...), path)...).must(t)
	}
}

// TestPatchMachO edits what zig made for two architectures by the command line,
// and runs the result.
func TestPatchMachO(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, kind := range []string{"mod.so", "nopad.so"} {
			for _, tt := range machoCalls {
				t.Run(arch+"/"+kind+"/"+tt.name, func(t *testing.T) {
					dir := t.TempDir()
					module := machoSubject(t, dir, "zig-"+arch+"-"+kind, "mod.so")
					library := machoSubject(t, dir, "zig-"+arch+"-libdep.dylib", "libdep.1.dylib")
					symbols := []string{machoSymbols(t, module), machoSymbols(t, library)}
					patchMachO(t, module, tt.module)
					patchMachO(t, library, tt.library)
					checkMachO(t, module, library)
					if now := []string{machoSymbols(t, module), machoSymbols(t, library)}; !slices.Equal(symbols, now) {
						t.Errorf("symbols were\n%s\nand are\n%s", symbols, now)
					}
				})
			}
		}
	}
}

// checkMachO runs the module and lets the judges look at both files.
func checkMachO(t *testing.T, module, library string) {
	t.Helper()
	if got := machoScript(t, "run_image.py", "mod_value", module, library); got != machoAnswer {
		t.Errorf("mod_value is %q, want %q", got, machoAnswer)
	}
	for _, path := range []string{module, library} {
		loads := wheelmend(t, "patch", "--print-soname", "--print-needed", path).must(t).stdout
		if got := objdumpLoads(t, path); got != loads {
			t.Errorf("%s and what it loads:\n%s\nllvm-objdump says\n%s", filepath.Base(path), loads, got)
		}
	}
	machoScript(t, "check_image.py", module, library)
}

// objdumpLoads returns the name of a thin library and what it loads, by llvm-objdump.
func objdumpLoads(t *testing.T, path string) string {
	t.Helper()
	var names strings.Builder
	for line := range strings.Lines(run(t, nil, "llvm-objdump", "--macho", "--dylibs-used", path).must(t).stdout) {
		if name, _, ok := strings.Cut(strings.TrimSpace(line), " (compatibility"); ok {
			names.WriteString(name + "\n")
		}
	}
	return names.String()
}

// machoSymbols returns the kinds and names of the symbols, without their addresses.
func machoSymbols(t *testing.T, path string) string {
	t.Helper()
	var symbols []string
	for line := range strings.Lines(run(t, nil, "llvm-nm", "--format=bsd", path).must(t).stdout) {
		fields := strings.Fields(line)
		symbols = append(symbols, strings.Join(fields[max(0, len(fields)-2):], " "))
	}
	slices.Sort(symbols)
	return strings.Join(symbols, "\n")
}

// universal joins thin files of arm64 and x86_64, each aligned to 16 KiB
// (<mach-o/fat.h>).
func universal(t *testing.T, path, arm, intel string) {
	t.Helper()
	const align = 14
	head := []uint32{0xcafebabe, 2}
	body := make([]byte, 1<<align)
	for _, part := range []struct {
		fixture  string
		cpu, sub uint32
	}{{arm, 0x0100000c, 0}, {intel, 0x01000007, 3}} {
		b, err := os.ReadFile(filepath.Join(machoFixtures, part.fixture))
		if err != nil {
			t.Fatal(err)
		}
		head = append(head, part.cpu, part.sub, uint32(len(body)), uint32(len(b)), align)
		body = append(body, b...)
		body = append(body, make([]byte, -len(body)&(1<<align-1))...)
	}
	for i, v := range head {
		binary.BigEndian.PutUint32(body[4*i:], v)
	}
	if err := os.WriteFile(path, body, 0o755); err != nil {
		t.Fatal(err)
	}
}

// thin takes the slices of a universal file apart, by architecture.
func thin(t *testing.T, path string) map[string][]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := macho.NewFatFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	slices := map[string][]byte{}
	for _, a := range f.Arches {
		name := map[macho.Cpu]string{macho.CpuArm64: "arm64", macho.CpuAmd64: "x86_64"}[a.Cpu]
		slices[name] = data[a.Offset : a.Offset+a.Size]
	}
	return slices
}

// TestPatchUniversal edits a universal file and runs each of its slices.
func TestPatchUniversal(t *testing.T) {
	dir := t.TempDir()
	module, library := filepath.Join(dir, "mod.so"), filepath.Join(dir, "libdep.1.dylib")
	universal(t, module, "zig-arm64-nopad.so", "zig-x86_64-mod.so")
	universal(t, library, "zig-arm64-libdep.dylib", "zig-x86_64-libdep.dylib")
	patchMachO(t, module, [][]string{{"--set-rpath", manyPaths(60)}, {"--sign", "--replace-needed", machoLibrary + "=@loader_path/libdep.1.dylib"}})
	patchMachO(t, library, [][]string{{"--set-soname", "/DLC/libdep.1.dylib"}})
	for _, arch := range []string{"arm64", "x86_64"} {
		t.Run(arch, func(t *testing.T) {
			apart := t.TempDir()
			var paths []string
			for _, path := range []string{module, library} {
				out := filepath.Join(apart, filepath.Base(path))
				if err := os.WriteFile(out, thin(t, path)[arch], 0o755); err != nil {
					t.Fatal(err)
				}
				paths = append(paths, out)
			}
			checkMachO(t, paths[0], paths[1])
			if got := objdumpLoads(t, paths[0]); !strings.Contains(got, "@loader_path/libdep.1.dylib\n") {
				t.Errorf("the %s slice loads\n%s", arch, got)
			}
		})
	}
}
