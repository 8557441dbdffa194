//go:build integration

package integration

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A windowsCase is a published wheel and a program that uses its libraries.
type windowsCase struct {
	wheel string   // pattern of its name in CACHE/windows or CACHE/windows-corpus
	needs []string // patterns of the wheels that it imports
	code  string   // sets result, which the repaired wheel has to find, too
	// ownPath is whether the package adds the folders of PATH to the search itself.
	ownPath bool
}

// windowsCases are repaired after their libraries were taken out.
var windowsCases = []windowsCase{
	{wheel: "shapely-*-cp312-win_amd64", needs: []string{"numpy-*amd64"}, code: "import shapely\nresult = shapely.Point(0, 0).buffer(1).area"},
	{wheel: "pyproj-*-cp312-win_amd64", needs: []string{"certifi"}, code: "import pyproj\nresult = pyproj.CRS(4326).name, pyproj.Transformer.from_crs(4326, 3857).transform(50, 10)"},
	{wheel: "rasterio-*-cp312-win_amd64", needs: []string{"numpy-*amd64", "affine", "attrs", "click", "cligj", "certifi", "pyparsing"}, ownPath: true, code: `
import numpy, rasterio
from rasterio.io import MemoryFile
with MemoryFile() as f:
    with f.open(driver="GTiff", width=9, height=9, count=1, dtype="uint8", compress="deflate") as d:
        d.write(numpy.arange(81, dtype="uint8").reshape(1, 9, 9))
    with f.open() as d:
        result = int(d.read().sum()), rasterio.__gdal_version__
`},
	{wheel: "pikepdf-*-cp312-win_amd64", code: "import pikepdf._core as p\nresult = len(p.Object.parse(b'[1 2]')), p.qpdf_version()"},
	{wheel: "psycopg2_binary-*-cp312-win_amd64", code: "import psycopg2.extensions as e\nresult = e.parse_dsn('host=a port=1'), e.libpq_version()"},
	{wheel: "numpy-2.5*-cp312-win_amd64", code: "import numpy\nresult = numpy.linalg.inv([[1.0, 2.0], [3.0, 4.0]]).round(9).tolist()"},
	{wheel: "av-*-abi3-win_amd64", code: "import av\nresult = av.VideoFrame(64, 64, 'yuv420p').reformat(format='rgb24').format.name, av.library_versions"},
	{wheel: "confluent_kafka-*-cp312-win_amd64", code: "import confluent_kafka.cimpl as c\nresult = c.libversion(), len(c.Producer({}))"},
	{wheel: "gmpy2-*-cp312-win_amd64", code: "import gmpy2\nresult = gmpy2.mpz(3) ** 200 % 1009, gmpy2.const_pi(200), gmpy2.sqrt(gmpy2.mpc(-2))"},
	{wheel: "pycurl-*-cp312-win_amd64", code: "import pycurl\nresult = pycurl.version, pycurl.Curl().errstr()"},
	{wheel: "pyodbc-*-cp312-win_amd64", code: "import pyodbc\nresult = pyodbc.version, pyodbc.paramstyle"},
	{wheel: "pyogrio-*-abi3-win_amd64", needs: []string{"numpy-*amd64", "certifi", "packaging"}, code: "import pyogrio\nresult = sorted(pyogrio.list_drivers()), pyogrio.__gdal_version__"},
	{wheel: "python_flint-*-abi3-win_amd64", code: "import flint\nresult = flint.fmpz(2 ** 67 - 1).factor(), flint.arb.pi()"},
	{wheel: "scs-*-cp312-win_amd64", needs: []string{"numpy-*amd64"}, code: `
import sys, types
for name in ("scipy", "scipy.sparse", "scipy.sparse.linalg"):
    sys.modules[name] = types.ModuleType(name)
sys.modules["scipy"].sparse = sys.modules["scipy.sparse"]
from scs import _scs_direct
result = _scs_direct.version(), _scs_direct.sizeof_float()
`},
}

// corpusWheel finds a wheel by a pattern of the beginning of its name.
func corpusWheel(t *testing.T, pattern string) string {
	t.Helper()
	for _, folder := range []string{"windows", "windows-corpus"} {
		for _, end := range []string{".whl", "-*.whl"} {
			if found, _ := filepath.Glob(filepath.Join(cacheDir(t), folder, pattern+end)); len(found) == 1 {
				return found[0]
			}
		}
	}
	t.Fatalf("%s: no such wheel, or several; run scripts/setup-windows", pattern)
	return ""
}

func (c windowsCase) run(t *testing.T, wheel string, onPath ...string) windowsOutcome {
	t.Helper()
	wheels := []string{wheel}
	for _, need := range c.needs {
		wheels = append(wheels, corpusWheel(t, need))
	}
	return newWindowsSite(t, wheels...).runWindows(t, pythonOf(wheel), c.code, onPath...)
}

// What is repaired after its libraries were taken out computes what the published wheel
// does, and has all its libraries from the wheel; without a repair it cannot be imported.
func TestWindowsCorpus(t *testing.T) {
	for _, c := range windowsCases {
		wheel := corpusWheel(t, c.wheel)
		t.Run(strings.Split(filepath.Base(wheel), "-")[0], func(t *testing.T) {
			want := c.run(t, wheel)
			if want.Error != "" || want.Result == "" {
				t.Fatalf("as published: error %q, result %q", want.Error, want.Result)
			}
			bare, libraries := undelvewheel(t, wheel)
			var onPath []string
			if !c.ownPath {
				onPath = append(onPath, libraries)
			}
			if o := c.run(t, bare, onPath...); !strings.Contains(o.Error, "DLL load failed") {
				t.Errorf("without its libraries: error %q, result %q", o.Error, o.Result)
			}
			repaired := repairWindows(t, bare, libraries)
			got := c.run(t, repaired)
			if got.Error != "" || got.Result != want.Result {
				t.Errorf("repaired: error %q, result %q, want %q", got.Error, got.Result, want.Result)
			}
			if s := got.strangers(t); len(s) > 0 {
				t.Errorf("loaded from elsewhere: %q", s)
			}
			if got, want := sourcesOf(got.Loaded), sourcesOf(want.Loaded); !slices.Equal(got, want) {
				t.Errorf("loaded %q, want %q", got, want)
			}
			checkWindowsRepair(t, bare, repaired)
		})
	}
}

// repairWindows repairs as on a build machine: its libraries are in a folder, and
// Microsoft's runtime is in another.
func repairWindows(t *testing.T, wheel, libraries string) string {
	t.Helper()
	return repair(t, wheel, "--search-path", libraries, "--search-path", cached(t, "windows-python", "runtime"))
}

// nameHash is what copies have in their names, ours and those of delvewheel.
var nameHash = regexp.MustCompile(`-([0-9a-f]{32}|[0-9a-f]{8})\b`)

// sourcesOf are the names without folders and hashes, sorted.
func sourcesOf(files []string) []string {
	var names []string
	for _, file := range files {
		names = append(names, nameHash.ReplaceAllString(strings.ToLower(path.Base(file)), ""))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// checkWindowsRepair holds what a repair wrote to verify, to its second run, and to what it
// promises about Python files.
func checkWindowsRepair(t *testing.T, bare, repaired string) {
	t.Helper()
	wheelmend(t, "verify", repaired).must(t)
	sameBytes(t, repair(t, repaired), repaired)
	before, after := members(t, bare), members(t, repaired)
	folders := map[string]bool{}
	for name := range before {
		if strings.HasSuffix(name, ".pyd") {
			folders[path.Dir(name)] = true
		}
	}
	for name, content := range before {
		if strings.HasSuffix(name, ".py") && len(folders) == 1 && string(after[name]) != string(content) {
			t.Errorf("%s is changed, though all modules lie in one folder", name)
		}
	}
}
