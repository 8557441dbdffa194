//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A loweredWheel is one that is built here, or on Debian 12 alike, and runs on older C
// libraries once its symbols are lowered.
type loweredWheel struct {
	wheel   string   // in the cache
	policy  string   // that it is lowered to
	program string   // that uses it, in testdata
	deps    []string // wheels that it needs at run time
	flags   []string // of repair
}

var loweredWheels = []loweredWheel{
	{"raw/psycopg2-*.whl", "manylinux_2_17", "use_psycopg2.py", nil, nil},
	// Policies leave libz to the system, and libpng wants a newer one.
	{"raw/pillow-*.whl", "manylinux_2_17", "use_pillow.py", nil, []string{"--graft", "libz.so.1"}},
	{"raw/h5py-*.whl", "manylinux_2_17", "use_h5py.py", []string{"lowering/deps/numpy-*.whl"}, nil},
	{"raw/randomgen-*.whl", "manylinux_2_17", "use_randomgen.py", []string{"lowering/deps/numpy-*.whl"}, nil},
	{"lowering/trixie/wheels/cryptography-*.whl", "manylinux_2_17", "use_cryptography.py", []string{"corpus/cffi-*-manylinux2014_x86_64*.whl"}, nil},
	{"lowering/bookworm/wheels/uvloop-*.whl", "manylinux_2_17", "use_uvloop.py", nil, nil},
	// C++: new strings (GLIBCXX_3.4.21) keep these from older systems.
	{"raw/lxml-*.whl", "manylinux_2_28", "use_lxml.py", nil, nil},
	{"lowering/bookworm/wheels/greenlet-*.whl", "manylinux_2_28", "use_greenlet.py", nil, nil},
	{"lowering/bookworm/wheels/kiwisolver-*.whl", "manylinux_2_28", "use_kiwisolver.py", nil, nil},
	{"lowering/bookworm/wheels/contourpy-*.whl", "manylinux_2_28", "use_contourpy.py", []string{"lowering/deps/numpy-*.whl"}, nil},
}

// glibcOf returns the version of glibc that a policy promises.
func glibcOf(policy string) string {
	return strings.ReplaceAll(strings.TrimPrefix(policy, "manylinux_"), "_", ".")
}

// What repair lowers is imported and used on real C libraries from the one that the tag
// promises to the newest, with all symbols bound at once. Where the tag promises 2.17,
// that one refuses the same wheel unlowered.
func TestLoweredWheelsOnOldGlibc(t *testing.T) {
	for _, tt := range loweredWheels {
		name, _, _ := strings.Cut(filepath.Base(tt.wheel), "-")
		t.Run(name, func(t *testing.T) {
			wheel := cached(t, strings.Split(tt.wheel, "/")...)
			flags := tt.flags
			if parts := strings.Split(tt.wheel, "/"); parts[0] == "lowering" {
				flags = append(flags, "--sysroot", cached(t, "lowering", parts[1], "root"))
			}
			plain := repair(t, wheel, flags...)
			lowered := repair(t, wheel, append(flags, "--lower", "--plat", tt.policy+"_x86_64")...)
			if got := platforms(lowered); !slices.Contains(got, tt.policy+"_x86_64") {
				t.Fatalf("platforms: got %q, want %s_x86_64", got, tt.policy)
			}
			wheelmend(t, "verify", lowered).must(t)
			checkContainer(t, lowered)
			checkELF(t, lowered, members(t, lowered))
			again := repair(t, lowered, "--lower", "--plat", tt.policy+"_x86_64")
			if string(readFile(t, again)) != string(readFile(t, lowered)) {
				t.Error("repairing the lowered wheel changes it")
			}
			program, err := os.ReadFile(filepath.Join("testdata", tt.program))
			if err != nil {
				t.Fatal(err)
			}
			old := glibcOf(tt.policy)
			for _, version := range glibcVersions {
				if version == "2.17" && old != "2.17" {
					continue
				}
				root := glibcRootOf(t, version)
				sites := []string{root.unpack(t, lowered)}
				for _, dep := range tt.deps {
					sites = append(sites, root.unpack(t, cached(t, strings.Split(dep, "/")...)))
				}
				if r := root.python(t, strings.Join(sites, ":"), string(program)); r.code != 0 {
					t.Errorf("glibc %s: exit %d\n%s%s", version, r.code, r.stdout, r.stderr)
				}
				if version != "2.17" {
					continue
				}
				sites[0] = root.unpack(t, plain)
				if r := root.python(t, strings.Join(sites, ":"), string(program)); r.code == 0 || !strings.Contains(r.stderr, "GLIBC_2.") {
					t.Errorf("glibc %s takes the wheel unlowered (exit %d), so that this proves nothing\n%s", version, r.code, r.stderr)
				}
			}
		})
	}
}

// Constructors of a program that newer linkers made run on every C library, once and with
// the arguments of main, and so do its destructors.
func TestLoweredProgramsOnOldGlibc(t *testing.T) {
	for name, flags := range map[string][]string{"position independent": {"-pie", "-fPIE"}, "fixed": {"-no-pie"}} {
		t.Run(name, func(t *testing.T) {
			program := gcc(t, filepath.Join(t.TempDir(), "constructed"), "constructed.c", flags...)
			if r := run(t, nil, "readelf", "-W", "--dyn-syms", program).must(t); !strings.Contains(r.stdout, "__libc_start_main@GLIBC_2.34") {
				t.Skip("this machine's start code is that of glibc before 2.34")
			}
			lowered := repair(t, mkwheel(t, map[string]string{"pkg/constructed": program}), "--lower", "--plat", "manylinux_2_17_x86_64")
			for _, version := range glibcVersions {
				root := glibcRootOf(t, version)
				site := root.unpack(t, lowered)
				if err := os.Chmod(filepath.Join(root.dir, site, "pkg/constructed"), 0o755); err != nil {
					t.Fatal(err)
				}
				if r := root.execute(t, site, site+"/pkg/constructed", "one", "two"); r.code != 0 || r.stdout != "first 3\nsecond 3\nmain 3\nlast\n" {
					t.Errorf("glibc %s: exit %d, printed %q\n%s", version, r.code, r.stdout, r.stderr)
				}
			}
		})
	}
}
