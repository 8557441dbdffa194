//go:build integration

package integration

import (
	"strings"
	"testing"
)

// windowsWheel returns a wheel that scripts/setup-windows fetched.
func windowsWheel(t *testing.T, pattern string) string {
	t.Helper()
	return cached(t, "windows", pattern+".whl")
}

// Published wheels work in CPython for Windows under wine, with the DLLs that they bring
// along; without these they fail as they do on Windows, and PATH is no help.
func TestWindowsWheelsLoad(t *testing.T) {
	for pattern, code := range map[string]string{
		"lxml-*-cp312-win_amd64":            "import lxml.etree\nresult = lxml.etree.fromstring('<a>1</a>').text",
		"psycopg2_binary-*-cp312-win_amd64": "import psycopg2\nresult = 1 if psycopg2.__libpq_version__ else 0",
		"pyzmq-*-abi3-win_amd64":            "import zmq\ns = zmq.Context().socket(zmq.PAIR)\nresult = s.type == zmq.PAIR and 1",
		"pikepdf-*-cp312-win_amd64":         "import pikepdf._core as p\nresult = len(p.Object.parse(b'[1]'))",
	} {
		t.Run(strings.Split(pattern, "-")[0], func(t *testing.T) {
			wheel := windowsWheel(t, pattern)
			o := newWindowsSite(t, wheel).runWindows(t, pythonOf(wheel), code)
			if o.Error != "" || o.Result != "1" || len(o.strangers(t)) > 0 {
				t.Errorf("result %q, error %q, files from elsewhere %q", o.Result, o.Error, o.strangers(t))
			}
			bare, libraries := undelvewheel(t, wheel)
			if len(filesIn(t, libraries)) == 0 {
				return // all in one module: nothing to take out
			}
			o = newWindowsSite(t, bare).runWindows(t, pythonOf(wheel), code, libraries)
			if !strings.HasPrefix(o.Error, "ImportError: ") || !strings.Contains(o.Error, "DLL load failed") {
				t.Errorf("without its libraries: error %q, result %q", o.Error, o.Result)
			}
		})
	}
}
