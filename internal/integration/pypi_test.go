//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// judgePyPI returns why PyPI would refuse the archive of each wheel, "" for no reason.
func judgePyPI(t *testing.T, wheels []string) []string {
	t.Helper()
	list := writeFile(t, "wheels", []byte(strings.Join(wheels, "\n")+"\n"))
	script := fmt.Sprintf("exec python3 -I testdata/pypi_zip.py < %q", list)
	r := run(t, nil, "sh", "-c", script).must(t)
	var all []string
	for line := range strings.Lines(r.stdout) {
		var why string
		if err := json.Unmarshal([]byte(line), &why); err != nil {
			t.Fatalf("%v\n%s", err, line)
		}
		all = append(all, why)
	}
	if len(all) != len(wheels) {
		t.Fatalf("%d verdicts for %d wheels\n%s", len(all), len(wheels), r.stderr)
	}
	return all
}

// mutatedArchives writes wheels of which bytes of the archive are changed.
func mutatedArchives(t *testing.T, n int) []string {
	t.Helper()
	source := newMutantSource(t, cached(t, "corpus", "markupsafe-*_x86_64.whl"))
	var paths []string
	for i := range n {
		image, _ := source.mutateArchive(rand.New(rand.NewPCG(3, uint64(i))), 1)
		path := filepath.Join(t.TempDir(), filepath.Base(source.path))
		if err := os.WriteFile(path, image, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// What PyPI asks of an archive is the least that verify does.
func TestVerifyRefusesWhatPyPIRefuses(t *testing.T) {
	shapes := wheeltest.Shapes("py3-none-any")
	paths := append(writeShapes(t, shapes, "py3-none-any"), mutatedArchives(t, 300)...)
	refused := 0
	for i, why := range judgePyPI(t, paths) {
		name := paths[i]
		if i < len(shapes) {
			name = shapes[i].Name
			if shapes[i].Sound && why != "" {
				t.Errorf("%s: PyPI refuses a sound wheel: %s", name, why)
			}
		}
		if why == "" {
			continue
		}
		refused++
		r := wheelmend(t, "verify", "--json", paths[i])
		if r.code == 0 {
			t.Errorf("%s: verify says that all hold, but PyPI refuses it: %s", name, why)
		}
	}
	if refused < 150 {
		t.Errorf("PyPI refuses %d of %d archives, too few to say something", refused, len(paths))
	}
	t.Logf("%d of %d are refused", refused, len(paths))
}
