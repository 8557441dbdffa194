//go:build integration

package integration

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A module with packed relocations that wants no version of libc looks as if every
// glibc took it. Those before 2.36 load it, leave its addresses as they are, and the
// process dies; so no older tag may be written, whether the module itself is linked so
// or a library that is copied in.
func TestPackedRelocationsOnOldGlibc(t *testing.T) {
	packed := []string{"-nostdlib", "-Wl,-z,pack-relative-relocs"}
	tests := []struct {
		name  string
		build func(t *testing.T) string
	}{
		{"the module", func(t *testing.T) string { return packedModule(t, packed...) }},
		{"a library that is copied in", func(t *testing.T) string {
			dir := t.TempDir()
			lib := library(t, filepath.Join(dir, "libpacked.so.1"), "packed_library.c", packed...)
			return extension(t, "packed", "packed_answer", lib, runpath(dir))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			wheel := mkwheel(t, map[string]string{"packed.so": tt.build(t)})
			for _, plat := range []string{"manylinux_2_5_x86_64", "manylinux_2_31_x86_64", "manylinux_2_35_x86_64"} {
				r := wheelmend(t, "repair", "--plat", plat, "-w", t.TempDir(), wheel)
				if r.code != 1 || !strings.Contains(r.stderr, "DT_RELR") {
					t.Errorf("repair --plat %s: exit %d, want 1 and the packed relocations named\n%s", plat, r.code, r.stderr)
				}
			}
			repaired := repair(t, wheel)
			if got, want := platforms(repaired), []string{"manylinux_2_36_x86_64"}; !slices.Equal(got, want) {
				t.Errorf("platforms: got %q, want %q", got, want)
			}
			wheelmend(t, "verify", repaired).must(t)
			for _, version := range glibcVersions {
				checkOn(t, glibcRootOf(t, version), repaired, version != "2.17" && version != "2.31")
			}
		})
	}
}

// packedModule compiles packed.c as the module packed.
func packedModule(t *testing.T, flags ...string) string {
	t.Helper()
	include := run(t, nil, peer(t, "python"), "-c", "import sysconfig; print('-I' + sysconfig.get_path('include'), end='')").must(t).stdout
	args := append([]string{"-shared", include, "-DINIT=PyInit_packed", "-DNAME=\"packed\""}, flags...)
	return gcc(t, filepath.Join(t.TempDir(), "packed.so"), "packed.c", args...)
}

// checkOn asserts whether the module packed of a wheel works on a glibc: where it does
// not, a signal ends the process.
func checkOn(t *testing.T, root glibcRoot, wheel string, works bool) {
	t.Helper()
	r := root.python(t, root.unpack(t, wheel), called("packed"))
	switch {
	case works && (r.code != 0 || r.stdout != "42\n"):
		t.Errorf("glibc %s: exit %d, printed %q, want 42\n%s", root.version, r.code, r.stdout, r.stderr)
	case !works && r.code != -1:
		t.Errorf("glibc %s: exit %d, printed %q, want a signal: the premise of the tag is gone", root.version, r.code, r.stdout)
	}
}

// What a repair calls manylinux_2_17 or older is imported by a Python on a real glibc
// 2.17, and on every later one: grafts, renamed needs and version tables included.
func TestRepairedWheelOnOldGlibc(t *testing.T) {
	dir := t.TempDir()
	deep := constant(t, filepath.Join(dir, "libdeep.so.1"), "deep", "42")
	relay := library(t, filepath.Join(dir, "librelay.so.2"), "relay.c", "-DFUNCTION=relay", "-DCALLEE=deep", "-DVALUE=0", deep, runpath(dir))
	wheel := mkwheel(t, map[string]string{
		"pkg/one.so": extension(t, "one", "relay", relay, runpath(dir)),
		"two.so":     extension(t, "two", "relay", relay, runpath(dir)),
	})
	repaired := repair(t, wheel, "--plat", "manylinux2014_x86_64")
	remove(t, dir)
	if got := platforms(repaired); !slices.Contains(got, "manylinux2014_x86_64") && !slices.Contains(got, "manylinux_2_17_x86_64") {
		t.Fatalf("platforms: got %q, want manylinux_2_17_x86_64", got)
	}
	wheelmend(t, "verify", repaired).must(t)
	for _, version := range glibcVersions {
		root := glibcRootOf(t, version)
		r := root.python(t, root.unpack(t, repaired), called("pkg.one")+"\n"+called("two"))
		if r.code != 0 || r.stdout != "42\n42\n" {
			t.Errorf("glibc %s: exit %d, printed %q, want 42 twice\n%s", version, r.code, r.stdout, r.stderr)
		}
	}
}

// Published wheels for manylinux2014, repaired once more with their libraries grafted
// by somebody else's tool, still work on glibc 2.17.
func TestPublishedWheelsOnOldGlibc(t *testing.T) {
	tests := []struct{ wheel, program string }{
		{"psycopg2_binary-*-cp311-manylinux2014_x86_64.*.whl", "import psycopg2; print(psycopg2.__libpq_version__ > 0)"},
		{"lxml-*-cp311-manylinux2014_x86_64.*.whl", "import lxml.etree as e; print(e.fromstring('<a><b/></a>')[0].tag == 'b')"},
		{"bcrypt-*-manylinux2014_x86_64.*.whl", "import bcrypt; print(bcrypt.checkpw(b'x', bcrypt.hashpw(b'x', bcrypt.gensalt(4))))"},
	}
	for _, tt := range tests {
		repaired := repair(t, cached(t, "corpus", tt.wheel))
		for _, version := range glibcVersions {
			root := glibcRootOf(t, version)
			r := root.python(t, root.unpack(t, repaired), tt.program)
			if r.code != 0 || r.stdout != "True\n" {
				t.Errorf("%s on glibc %s: exit %d, printed %q, want True\n%s", filepath.Base(repaired), version, r.code, r.stdout, r.stderr)
			}
		}
	}
}

// Expanded by patch, packed relocations work on every glibc, and repair says so.
func TestExpandedRelocationsOnOldGlibc(t *testing.T) {
	module := packedModule(t, "-nostdlib", "-Wl,-z,pack-relative-relocs")
	wheelmend(t, "patch", "--expand-relr", module).must(t)
	repaired := repair(t, mkwheel(t, map[string]string{"packed.so": module}))
	if got := platforms(repaired); !slices.Contains(got, "manylinux_2_5_x86_64") {
		t.Errorf("platforms: got %q, want manylinux_2_5_x86_64 among them", got)
	}
	for _, version := range glibcVersions {
		checkOn(t, glibcRootOf(t, version), repaired, true)
	}
}

// With a PLT and everything bound at the start, glibc 2.17 wants both tables of relocations
// in one piece; those that were packed come in front of them.
func TestExpandedRelocationsBesideAPLT(t *testing.T) {
	dir := t.TempDir()
	constant(t, filepath.Join(dir, "libdeep.so.1"), "deep", "42")
	module := extension(t, "packed", "deep", filepath.Join(dir, "libdeep.so.1"), runpath(dir), "-Wl,-z,pack-relative-relocs,-z,now")
	relocations := func() int {
		return strings.Count(run(t, nil, "readelf", "-rW", module).must(t).stdout, "R_X86_64_")
	}
	before := relocations()
	packed := repair(t, mkwheel(t, map[string]string{"packed.so": module}))
	old := glibcRootOf(t, "2.17")
	if r := old.python(t, old.unpack(t, packed), called("packed")); r.code == 0 {
		t.Fatalf("glibc 2.17 takes packed relocations: %s", r.stdout)
	}
	wheelmend(t, "patch", "--expand-relr", module).must(t)
	if after := relocations(); after <= before {
		t.Errorf("readelf sees %d relocations, %d before the edit", after, before)
	}
	repaired := repair(t, mkwheel(t, map[string]string{"packed.so": module}))
	for _, version := range glibcVersions {
		checkOn(t, glibcRootOf(t, version), repaired, true)
	}
}

// Symbols that patch gives the versions of an older glibc are found there, and on every
// later one; without the edit they are not.
func TestSymbolVersionsOnOldGlibc(t *testing.T) {
	dir := t.TempDir()
	library(t, filepath.Join(dir, "libnewer.so"), "newer.c", "-lm")
	lib := filepath.Join(dir, "libnewer.so")
	module := extension(t, "one", "newer", lib, runpath(dir))
	original := repair(t, mkwheel(t, map[string]string{"one.so": module}))
	old := glibcRootOf(t, "2.17")
	if r := old.python(t, old.unpack(t, original), called("one")); r.code == 0 || !strings.Contains(r.stderr, "GLIBC_2") {
		t.Fatalf("glibc 2.17 takes the library as it was linked: exit %d, %s%s", r.code, r.stdout, r.stderr)
	}
	wheelmend(t, "patch", "--add-needed", "libpthread.so.0",
		"--set-symbol-version", "pthread_create=libpthread.so.0:GLIBC_2.2.5", "--set-symbol-version", "pthread_join=libpthread.so.0:GLIBC_2.2.5",
		"--set-symbol-version", "pow@GLIBC_2.29=libm.so.6:GLIBC_2.2.5", lib).must(t)
	run(t, nil, "eu-elflint", "--gnu-ld", lib).must(t)
	repaired := repair(t, mkwheel(t, map[string]string{"one.so": module}))
	if got := platforms(repaired); !slices.Contains(got, "manylinux_2_17_x86_64") && !slices.Contains(got, "manylinux_2_5_x86_64") {
		t.Errorf("platforms: got %q, want manylinux_2_17_x86_64 or older", got)
	}
	for _, version := range glibcVersions {
		root := glibcRootOf(t, version)
		r := root.python(t, root.unpack(t, repaired), called("one"))
		if r.code != 0 || r.stdout != "42\n" {
			t.Errorf("glibc %s: exit %d, printed %q, want 42\n%s", version, r.code, r.stdout, r.stderr)
		}
	}
}
