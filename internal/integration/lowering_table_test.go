//go:build integration

package integration

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/wheelmend/wheelmend/policy/lower"
)

// The tables of lowered symbols are what real C libraries give.
func TestLoweringTablesAreReproducible(t *testing.T) {
	cache := filepath.Dir(cached(t, "libc"))
	out := t.TempDir()
	run(t, nil, "go", "run", "../../scripts/lowering-table", "-o", out, cache).must(t)
	for _, arch := range lower.Archs() {
		name := string(arch) + ".txt"
		if !bytes.Equal(readFile(t, filepath.Join(out, name)), readFile(t, filepath.Join("../../policy/lower/data", name))) {
			t.Errorf("%s: not what the C libraries of the cache give", name)
		}
	}
}
