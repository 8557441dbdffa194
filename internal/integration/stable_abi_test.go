//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// An unstable symbol is one that a wheel for the stable ABI may not import, with the
// CPython that has it from then on, "" for none.
type unstable struct{ file, symbol, since string }

// askAbi3audit returns what abi3audit finds in a wheel.
func askAbi3audit(t *testing.T, wheel string) []unstable {
	t.Helper()
	r := run(t, nil, peer(t, "abi3audit"), "--report", wheel)
	var document struct {
		Specs map[string]struct {
			Wheel []struct {
				Name   string
				Result struct {
					Never []string          `json:"non_abi3_symbols"`
					Late  map[string]string `json:"future_abi3_objects"`
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &document); err != nil {
		t.Fatalf("abi3audit %s: %v\n%s", wheel, err, r.stderr)
	}
	var found []unstable
	for _, spec := range document.Specs {
		for _, object := range spec.Wheel {
			for _, symbol := range object.Result.Never {
				found = append(found, unstable{object.Name, symbol, ""})
			}
			for symbol, since := range object.Result.Late {
				found = append(found, unstable{object.Name, symbol, since})
			}
		}
	}
	return sortedUnstable(found)
}

// askVerify returns what verify finds in it.
func askVerify(t *testing.T, wheel string) []unstable {
	t.Helper()
	r := wheelmend(t, "verify", "--json", wheel)
	var document struct {
		Claims []struct {
			Topic  string
			Faults []struct {
				File, Reason string
				Symbols      []string
			}
		}
	}
	if err := json.Unmarshal([]byte(r.stdout), &document); err != nil {
		t.Fatalf("verify %s: %v\n%s", wheel, err, r.stderr)
	}
	claims := 0
	var found []unstable
	for _, c := range document.Claims {
		if c.Topic != "stable" {
			continue
		}
		claims++
		for _, f := range c.Faults {
			since := ""
			if rest, late := strings.CutPrefix(f.Reason, "in the stable ABI from CPython "); late {
				since, _, _ = strings.Cut(rest, " ")
			}
			for _, symbol := range f.Symbols {
				found = append(found, unstable{filepath.Base(f.File), symbol, since})
			}
		}
	}
	if claims != 1 {
		t.Errorf("%s: %d claims about the stable ABI", filepath.Base(wheel), claims)
	}
	return sortedUnstable(found)
}

func sortedUnstable(found []unstable) []unstable {
	slices.SortFunc(found, func(a, b unstable) int {
		return strings.Compare(a.file+" "+a.symbol, b.file+" "+b.symbol)
	})
	return slices.Compact(found)
}

// TestStableABIAsAbi3auditHasIt compares the wheels of PyPI as they are, and under names
// that claim an older CPython, so that there is something to find.
func TestStableABIAsAbi3auditHasIt(t *testing.T) {
	wheels, err := filepath.Glob(filepath.Join(cacheDir(t), "abi3", "*.whl"))
	if err != nil || len(wheels) < 20 {
		t.Fatalf("%d wheels, %v; run scripts/setup-integration", len(wheels), err)
	}
	broken := 0
	for _, wheel := range append(wheels, underOlderNames(t, wheels)...) {
		ours, theirs := askVerify(t, wheel), askAbi3audit(t, wheel)
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s: verify finds %v, abi3audit %v", filepath.Base(wheel), ours, theirs)
		}
		if len(ours) > 0 {
			broken++
		}
	}
	if broken < 5 {
		t.Errorf("%d wheels with faults: too few to compare", broken)
	}
}

// underOlderNames gives wheels names for a CPython that lacks some of what they import,
// and wheels for one CPython a name for all.
func underOlderNames(t *testing.T, wheels []string) []string {
	t.Helper()
	dir := t.TempDir()
	var renamed []string
	link := func(wheel, from, to string) {
		path := filepath.Join(dir, strings.Replace(filepath.Base(wheel), from, to, 1))
		if err := os.Symlink(wheel, path); err != nil {
			t.Fatal(err)
		}
		renamed = append(renamed, path)
	}
	for _, wheel := range wheels {
		if base := filepath.Base(wheel); strings.HasPrefix(base, "pyzmq-") || strings.HasPrefix(base, "protobuf-") || strings.HasPrefix(base, "tornado-") {
			parts := strings.Split(base, "-")
			link(wheel, "-"+parts[2]+"-abi3-", "-cp35-abi3-")
		}
	}
	link(cached(t, "corpus", "lxml-*manylinux_2_17_x86_64.whl"), "-cp311-cp311-", "-cp38-abi3-")
	link(cached(t, "corpus", "matplotlib-*_x86_64.whl"), "-cp311-cp311-", "-cp311-abi3-")
	return renamed
}
