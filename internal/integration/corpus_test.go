//go:build integration

package integration

import (
	"bytes"
	"debug/elf"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCorpusAudit compares the audit of published wheels with what auditwheel
// says of them, which the set-up has collected.
func TestCorpusAudit(t *testing.T) {
	unused := maps.Clone(differences)
	for _, wheel := range corpus(t) {
		t.Run(wheel, func(t *testing.T) {
			theirs := decodeAnswer(t, readFile(t, cached(t, "answers", "current", wheel+".json")))
			ours := audit(t, cached(t, "corpus", wheel))
			if ours.Wheel != wheel {
				t.Errorf("wheel: got %q, want %q", ours.Wheel, wheel)
			}
			diff := cmp.Diff(verdictOfPeer(theirs), verdictOf(ours))
			d, known := differences[wheel]
			delete(unused, wheel)
			switch {
			case diff == "" && known:
				t.Errorf("agrees with auditwheel; remove it from the table of differences")
			case known:
				if want := (verdict{d.tag, d.externals}); !cmp.Equal(verdictOf(ours), want) {
					t.Errorf("audit: got %+v, want %+v: %s", verdictOf(ours), want, d.reason)
				}
			case theirs.Error != "" || theirs.Timeout != 0:
				t.Errorf("auditwheel has no answer (%s, timeout %d s); put what is right into the table of differences:\n%+v", theirs.Error, theirs.Timeout, verdictOf(ours))
			case diff != "":
				t.Errorf("audit (-auditwheel +wheelmend):\n%s", diff)
			}
		})
	}
	for wheel := range unused {
		t.Errorf("the table of differences names %s, which is not in the corpus", wheel)
	}
}

// verdict is what both tools say of a wheel as it stands.
type verdict struct {
	Tag       string
	Externals []string // sonames that the strictest policy of that C library does not promise, sorted
}

func verdictOfPeer(a peerAnswer) verdict {
	return verdict{a.OverallTag, slices.Sorted(maps.Keys(a.ExternalLibs))}
}

func verdictOf(r report) verdict {
	var names []string
	for _, lib := range r.with("graft", "missing") {
		names = append(names, lib.Soname)
	}
	slices.Sort(names)
	return verdict{r.Tag, slices.Compact(names)}
}

// TestCorpusRepair repairs each published wheel, which mostly has nothing to
// repair: what was right stays byte for byte, and a second repair finds nothing.
func TestCorpusRepair(t *testing.T) {
	for _, wheel := range corpus(t) {
		t.Run(wheel, func(t *testing.T) {
			path := cached(t, "corpus", wheel)
			rep := audit(t, path)
			if missing := rep.with("missing"); len(missing) > 0 {
				checkRefused(t, path, missing[0].Soname)
				return
			}
			repaired := repair(t, path)
			checkContainer(t, repaired)
			if len(rep.with("graft")) == 0 {
				checkUntouched(t, path, repaired)
			}
			sameBytes(t, repair(t, repaired), repaired)
		})
	}
}

// checkRefused asserts that a repair fails because of a library, names it and
// leaves nothing.
func checkRefused(t *testing.T, wheel, soname string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	r := wheelmend(t, "repair", "--wheel-dir", out, wheel)
	if r.code != 1 {
		t.Errorf("repair without %s: exit %d, want 1", soname, r.code)
	}
	if !strings.Contains(r.stderr, soname) || !strings.Contains(r.stderr, filepath.Base(wheel)) {
		t.Errorf("stderr does not name %s and %s:\n%s", soname, filepath.Base(wheel), r.stderr)
	}
	if left := filesIn(t, out); len(left) > 0 {
		t.Errorf("left %q", left)
	}
}

// checkUntouched asserts that no ELF member changed, except those that had an
// rpath into the machine that built them.
func checkUntouched(t *testing.T, wheel, repaired string) {
	t.Helper()
	after := elfMembers(t, repaired)
	before := elfMembers(t, wheel)
	if got, want := slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)); !slices.Equal(got, want) {
		t.Errorf("ELF members: got %q, want %q", got, want)
	}
	for name, image := range before {
		if !bytes.Equal(after[name], image) && !hasBuildRpath(t, image) {
			t.Errorf("%s changed, and has no rpath to clear", name)
		}
	}
}

// hasBuildRpath reports whether an image has an absolute entry in its rpath.
func hasBuildRpath(t *testing.T, image []byte) bool {
	t.Helper()
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		for _, value := range dynamic(t, image, tag) {
			if slices.ContainsFunc(strings.Split(value, ":"), func(dir string) bool { return strings.HasPrefix(dir, "/") }) {
				return true
			}
		}
	}
	return false
}
