//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/policy/lower"
)

// A dynamicSymbol is one row of readelf.
type dynamicSymbol struct{ name, version, section, bind string }

func dynamicSymbols(t *testing.T, files ...string) []dynamicSymbol {
	t.Helper()
	var all []dynamicSymbol
	for line := range strings.Lines(run(t, nil, "readelf", append([]string{"-W", "--dyn-syms"}, files...)...).must(t).stdout) {
		f := strings.Fields(line)
		if len(f) < 8 || !strings.HasSuffix(f[0], ":") || f[0] == "Num:" {
			continue
		}
		section, full := f[6], f[7]
		if strings.HasPrefix(section, "[") && len(f) > 8 { // of ppc64le: [<localentry>: 8]
			section, full = f[len(f)-2], f[len(f)-1]
		}
		name, version, _ := strings.Cut(full, "@")
		all = append(all, dynamicSymbol{name, strings.TrimPrefix(version, "@"), section, f[4]})
	}
	return all
}

// checkDefined asserts that a glibc defines each version that the files of a folder ask
// it for.
func checkDefined(t *testing.T, dir string, defined map[string]bool) {
	t.Helper()
	var files []string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasPrefix(string(readFile(t, path)), "\x7fELF") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d ELF files, %v", dir, len(files), err)
	}
	for _, s := range dynamicSymbols(t, files...) {
		if s.section == "UND" && strings.HasPrefix(s.version, "GLIBC_") && !defined[s.name+"@"+s.version] {
			t.Errorf("%s: %s@%s is not in that glibc", filepath.Base(dir), s.name, s.version)
		}
	}
}

// What stands in for a symbol is, by zig's account of glibc, in the library that the table
// names, on every architecture. It has none of libanl.so.1.
func TestStandInsAreDefined(t *testing.T) {
	for arch, target := range map[policy.Arch]string{
		policy.X86_64: "x86_64-linux-gnu", policy.I686: "x86-linux-gnu", policy.AARCH64: "aarch64-linux-gnu",
		policy.ARMV7L: "arm-linux-gnueabihf", policy.PPC64LE: "powerpc64le-linux-gnu",
		policy.S390X: "s390x-linux-gnu", policy.RISCV64: "riscv64-linux-gnu",
	} {
		defined, checked := zigSymbols(t, target), 0
		for _, row := range lower.For(arch).Rows() {
			if row.Class == lower.Compat || row.To.Library == "libanl.so.1" {
				continue
			}
			if name := row.To.Name + "@" + row.To.Version; !defined[row.To.Library][name] {
				t.Errorf("%s: %s is not in %s, to stand in for %s@%s", arch, name, row.To.Library, row.From.Name, row.From.Version)
			}
			checked++
		}
		if checked < 100 {
			t.Errorf("%s: %d rows only", arch, checked)
		}
	}
}

// Of the wheels made of Debian 13's modules that miss manylinux_2_28, nine in ten come to
// meet it; auditwheel and verify say the same of their tags, and zig's stubs of glibc 2.28
// have all that they ask for.
func TestLoweredWheelsOfDebian(t *testing.T) {
	const tag = "manylinux_2_28_x86_64"
	root := cached(t, "lowering", "trixie", "root")
	libs := filepath.Join(root, "usr/lib/x86_64-linux-gnu")
	flags := []string{"--plat", tag, "--sysroot", root, "--search-path", libs + "/blas", "--search-path", libs + "/lapack"}
	wheels, err := filepath.Glob(filepath.Join(cached(t, "lowering", "trixie", "wheels"), "*.whl"))
	if err != nil || len(wheels) < 40 {
		t.Fatalf("%d wheels, want at least 40 (%v)", len(wheels), err)
	}
	defined := stubsOf(t, "x86_64-linux-gnu", "2.28")
	blocked, reached := 0, 0
	for _, wheel := range wheels {
		if wheelmend(t, append([]string{"repair", "--dry-run", "--json", wheel}, flags...)...).code == 0 {
			continue
		}
		blocked++
		out := t.TempDir()
		if r := wheelmend(t, append([]string{"repair", "--lower", "-w", out, wheel}, flags...)...); r.code != 0 {
			t.Logf("%s\n%s", filepath.Base(wheel), r.stderr)
			if files := filesIn(t, out); len(files) > 0 {
				t.Errorf("%s: refused, and left %q", filepath.Base(wheel), files)
			}
			continue
		}
		reached++
		lowered := filepath.Join(out, filesIn(t, out)[0])
		if !slices.Contains(platforms(lowered), tag) {
			t.Errorf("%s: %q, want %s", filepath.Base(lowered), platforms(lowered), tag)
		}
		wheelmend(t, "verify", lowered).must(t)
		if a := askAuditwheel(t, lowered); !slices.Contains(platforms(lowered), a.OverallTag) {
			t.Errorf("%s: auditwheel calls it %s", filepath.Base(lowered), a.OverallTag)
		}
		checkDefined(t, unpack(t, lowered), defined)
	}
	if t.Logf("%d of %d that miss %s reach it", reached, blocked, tag); blocked < 25 || reached*10 < blocked*9 {
		t.Errorf("%d of %d wheels reach %s, want nine in ten of at least 25", reached, blocked, tag)
	}
}

// Functions of 128 bits are only in glibc 2.26 and later: numpy cannot be lowered below,
// which is said by name, and nothing is written.
func TestNumpyIsNotLoweredTooFar(t *testing.T) {
	root := cached(t, "lowering", "trixie", "root")
	libs := filepath.Join(root, "usr/lib/x86_64-linux-gnu")
	out := t.TempDir()
	r := wheelmend(t, "repair", "--lower", "--plat", "manylinux_2_17_x86_64", "-w", out, "--sysroot", root,
		"--search-path", libs+"/blas", "--search-path", libs+"/lapack", cached(t, "lowering", "trixie", "wheels", "numpy-*.whl"))
	if r.code != 1 || !strings.Contains(r.stderr, "strtof128") {
		t.Errorf("exit %d, want 1 and strtof128 named\n%s", r.code, r.stderr)
	}
	if files := filesIn(t, out); len(files) > 0 {
		t.Errorf("left %q", files)
	}
}
