//go:build integration

package integration

import (
	"path/filepath"
	"strings"
	"testing"
)

// realPackages are well-known packages, built here from their sdists, which
// link the libraries of this system.
var realPackages = []struct {
	name   string
	needs  []string // what else must be installed to import it, as patterns of wheel names
	grafts bool     // whether it needs a library that no policy promises
}{
	{"psycopg2", nil, true},
	{"lxml", nil, true},
	{"pillow", nil, true},
	{"h5py", []string{"numpy-*.whl"}, true},
	{"randomgen", []string{"numpy-*.whl"}, false},
}

func TestRealPackages(t *testing.T) {
	for _, p := range realPackages {
		t.Run(p.name, func(t *testing.T) {
			raw := rawWheel(t, p.name)
			before := readFile(t, raw)
			repaired := repair(t, raw)
			grafts := graftsOf(t, raw, repaired)
			if got := len(grafts) > 0; got != p.grafts {
				t.Errorf("grafts something: got %t, want %t", got, p.grafts)
			}
			if string(readFile(t, raw)) != string(before) {
				t.Errorf("%s: the input was modified", raw)
			}

			t.Run("files", func(t *testing.T) {
				checkContainer(t, repaired)
				checkELF(t, repaired, originalsOf(t, raw, grafts))
			})
			t.Run("auditwheel agrees with the tag", func(t *testing.T) {
				if tag := askAuditwheel(t, repaired).OverallTag; !strings.Contains(filepath.Base(repaired), tag) {
					t.Errorf("overall_tag of %s: got %q, want a tag of the name", filepath.Base(repaired), tag)
				}
			})
			t.Run("again", func(t *testing.T) { checkStable(t, raw, repaired) })
			t.Run("use", func(t *testing.T) { checkUse(t, p.name, p.needs, repaired, grafts) })
		})
	}
}

// originalsOf maps the ELF members of a repaired wheel to what they were made
// from: members of the raw wheel, and libraries of the system.
func originalsOf(t *testing.T, raw string, grafts []grafted) map[string][]byte {
	t.Helper()
	originals := elfMembers(t, raw)
	for _, g := range grafts {
		originals[g.member] = readFile(t, g.source)
	}
	return originals
}

// checkStable asserts that the number of jobs and a second repair change no byte.
func checkStable(t *testing.T, raw, repaired string) {
	t.Helper()
	for _, jobs := range []string{"-j1", "-j8"} {
		again := repair(t, raw, jobs)
		if filepath.Base(again) != filepath.Base(repaired) {
			t.Errorf("repair %s: got %s, want %s", jobs, filepath.Base(again), filepath.Base(repaired))
		}
		sameBytes(t, again, repaired)
	}
	twice := repair(t, repaired)
	if filepath.Base(twice) != filepath.Base(repaired) {
		t.Errorf("repair of a repaired wheel: got %s, want %s", filepath.Base(twice), filepath.Base(repaired))
	}
	sameBytes(t, twice, repaired)
}

// checkUse installs a repaired wheel and uses the package; and again after
// other tools have worked on the grafted libraries.
func checkUse(t *testing.T, name string, needs []string, repaired string, grafts []grafted) {
	t.Helper()
	wheels := []string{repaired}
	for _, pattern := range needs {
		wheels = append(wheels, cached(t, "deps", pattern))
	}
	v := newVenv(t)
	v.install(t, wheels...)
	if r := v.pip(t, "check"); r.code != 0 {
		t.Errorf("pip check: %s", r.stdout)
	}
	script := "use_" + name + ".py"
	checkMapped(t, v, v.mapped(t, script, "LD_BIND_NOW=1"), grafts)

	site := v.sitePackages(t)
	for _, tool := range [][]string{
		{"strip"},
		{peer(t, "patchelf"), "--force-rpath", "--set-rpath", "$ORIGIN:$ORIGIN/made/longer/than/it/was"},
	} {
		for _, g := range grafts {
			file := filepath.Join(site, g.member)
			run(t, nil, tool[0], append(tool[1:], file)...).must(t)
		}
		checkMapped(t, v, v.mapped(t, script, "LD_BIND_NOW=1"), grafts)
	}
}

// Wheels of one call share the work on the libraries that several of them
// need; each comes out as if it had been alone.
func TestRealPackagesTogether(t *testing.T) {
	together := t.TempDir()
	args := []string{"repair", "-w", together}
	for _, p := range realPackages {
		args = append(args, rawWheel(t, p.name))
	}
	wheelmend(t, args...).must(t)
	if got := filesIn(t, together); len(got) != len(realPackages) {
		t.Fatalf("left %q, want %d wheels", got, len(realPackages))
	}
	for _, p := range realPackages {
		alone := repair(t, rawWheel(t, p.name))
		sameBytes(t, filepath.Join(together, filepath.Base(alone)), alone)
	}
}
