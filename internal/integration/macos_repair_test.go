//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// machoData is where the Mach-O fixtures are, and the scripts that judge images
// without wheelmend.
const machoData = "../../macho/testdata"

// macSystem makes a sysroot with the library that the fixtures of an architecture
// load, and an unrepaired wheel with one of their modules.
func macSystem(t *testing.T, arch, module string) (root, wheel string) {
	t.Helper()
	root = t.TempDir()
	lib := filepath.Join(root, "opt/build/lib")
	if err := os.MkdirAll(lib, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(lib, "libdep.1.0.dylib"), readFile(t, filepath.Join(machoData, "zig-"+arch+"-libdep.dylib")), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/opt/build/lib/libdep.1.0.dylib", filepath.Join(lib, "libdep.1.dylib")); err != nil {
		t.Fatal(err)
	}
	return root, writeWheel(t, t.TempDir(), "macosx_11_0_"+arch, map[string][]byte{
		"made/__init__.py": nil, "made/mod.so": readFile(t, filepath.Join(machoData, strings.Replace(module, "ARCH", arch, 1))),
	})
}

// TestMacOSRepairedWheelRuns repairs wheels and runs the module from the result:
// with the copied library, and with nothing else. The headers of the second and of the
// third, which has chained fixups, have no room for the names of the result.
func TestMacOSRepairedWheelRuns(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, module := range []string{"zig-ARCH-mod.so", "zig-ARCH-nopad.so", "lld19-ARCH-chained.so"} {
			t.Run(arch+" "+module, func(t *testing.T) {
				root, wheel := macSystem(t, arch, module)
				repaired := repair(t, wheel, "--sysroot", root)
				checkContainer(t, repaired)
				inside := members(t, repaired)
				files := []string{
					writeFile(t, "mod.so", inside["made/mod.so"]),
					writeFile(t, "libdep.1.0.dylib", inside["made/.dylibs/libdep.1.0.dylib"]),
				}
				const want = "83\n" // of dep.c and mod.c
				if got := machoScript(t, "run_image.py", append([]string{"mod_value"}, files...)...); got != want {
					t.Errorf("mod_value is %q, want %q", got, want)
				}
				machoScript(t, "check_image.py", files...)
				used := run(t, nil, "llvm-objdump", "--macho", "--dylibs-used", "--rpaths", files[0]).must(t).stdout
				if !strings.Contains(used, "\t@loader_path/.dylibs/libdep.1.0.dylib (") || strings.Contains(used, "/opt/build") {
					t.Errorf("llvm-objdump says\n%s", used)
				}
				id := run(t, nil, "llvm-objdump", "--macho", "--dylib-id", files[1]).must(t).stdout
				if !strings.HasSuffix(strings.TrimSpace(id), "\n/DLC/made/.dylibs/libdep.1.0.dylib") {
					t.Errorf("the install name of the copy: %s", id)
				}
				// Elsewhere, it needs no more, and is true.
				again := repair(t, repaired)
				if string(readFile(t, again)) != string(readFile(t, repaired)) {
					t.Error("a second repair changes the wheel")
				}
				wheelmend(t, "verify", repaired).must(t)
			})
		}
	}
}

// TestMacOSOwnLibraryRuns runs modules whose library lies in the wheel, where no name
// leads to it, and whose library is called as Python's own: its symbols are then looked
// up in the whole process.
func TestMacOSOwnLibraryRuns(t *testing.T) {
	const want = "83\n" // of dep.c and mod.c
	for _, arch := range []string{"arm64", "x86_64"} {
		for _, module := range []string{"zig-ARCH-mod.so", "lld19-ARCH-chained.so"} {
			t.Run(arch+" "+module, func(t *testing.T) {
				module := readFile(t, filepath.Join(machoData, strings.Replace(module, "ARCH", arch, 1)))
				library := readFile(t, filepath.Join(machoData, "zig-"+arch+"-libdep.dylib"))
				wheel := writeWheel(t, t.TempDir(), "macosx_12_0_"+arch, map[string][]byte{"made/__init__.py": nil, "made/mod.so": module, "made/deep/libdep.1.dylib": library})
				repaired := repair(t, wheel)
				wheelmend(t, "verify", repaired).must(t)
				inside := members(t, repaired)
				files := []string{writeFile(t, "mod.so", inside["made/mod.so"]), writeFile(t, "libdep.1.dylib", inside["made/deep/libdep.1.dylib"])}
				if got := machoScript(t, "run_image.py", append([]string{"mod_value"}, files...)...); got != want {
					t.Errorf("mod_value is %q, want %q", got, want)
				}
				if used := run(t, nil, "llvm-objdump", "--macho", "--dylibs-used", files[0]).must(t).stdout; !strings.Contains(used, "\t@loader_path/deep/libdep.1.dylib (") {
					t.Errorf("llvm-objdump says\n%s", used)
				}

				python := writeFile(t, "mod.so", module)
				wheelmend(t, "patch", "--replace-needed", "@rpath/libdep.1.dylib=@rpath/libpython3.12.dylib", python).must(t)
				wheel = writeWheel(t, t.TempDir(), "macosx_12_0_"+arch, map[string][]byte{"made/__init__.py": nil, "made/mod.so": readFile(t, python)})
				repaired = repair(t, wheel)
				wheelmend(t, "verify", repaired).must(t)
				files[0] = writeFile(t, "mod.so", members(t, repaired)["made/mod.so"])
				if got := machoScript(t, "run_image.py", append([]string{"mod_value"}, files...)...); got != want {
					t.Errorf("with symbols of the process, mod_value is %q, want %q", got, want)
				}
				machoScript(t, "check_image.py", files...)
			})
		}
	}
}

// TestMacOSRepairBesidePeer compares with repairwheel, which carries delocate: the
// same tag, the same copies under the same names, and the same names to load.
func TestMacOSRepairBesidePeer(t *testing.T) {
	for _, arch := range []string{"arm64", "x86_64"} {
		t.Run(arch, func(t *testing.T) {
			root, wheel := macSystem(t, arch, "zig-ARCH-mod.so")
			// The peer knows no sysroot, and no links to absolute paths in one.
			flat := t.TempDir()
			library := readFile(t, filepath.Join(root, "opt/build/lib/libdep.1.0.dylib"))
			if err := os.WriteFile(filepath.Join(flat, "libdep.1.dylib"), library, 0o755); err != nil {
				t.Fatal(err)
			}
			out := t.TempDir()
			run(t, nil, peer(t, "repairwheel"), "--output-dir", out, "--lib-dir", flat, wheel).must(t)
			theirs := filepath.Join(out, filesIn(t, out)[0])
			ours := repair(t, wheel, "--search-path", flat)
			if filepath.Base(ours) != filepath.Base(theirs) {
				t.Errorf("our wheel is %s, theirs %s", filepath.Base(ours), filepath.Base(theirs))
			}
			for _, name := range []string{"made/mod.so", "made/.dylibs/libdep.1.dylib"} {
				if got, want := loadsOf(t, ours, name), loadsOf(t, theirs, name); got != want {
					t.Errorf("%s: llvm-objdump says\n%s\nof theirs\n%s", name, got, want)
				}
			}
		})
	}
}

// loadsOf returns what llvm-objdump says of the names that a member of a wheel has
// and loads.
func loadsOf(t *testing.T, wheel, name string) string {
	t.Helper()
	content, ok := members(t, wheel)[name]
	if !ok {
		t.Fatalf("%s: no %s", wheel, name)
	}
	file := writeFile(t, "image", content)
	said := run(t, nil, "llvm-objdump", "--macho", "--dylib-id", "--dylibs-used", file).must(t).stdout
	return strings.ReplaceAll(said, file, name)
}
