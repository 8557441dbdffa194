//go:build integration

package integration

import (
	"encoding/json"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// peerAnswer is the part of `auditwheel show --json` that the tests read.
type peerAnswer struct {
	OverallTag   string             `json:"overall_tag"`
	ExternalLibs map[string]*string `json:"external_libs"`
	Error        string             `json:"error"`   // the set-up's note of a failure
	Timeout      int                `json:"timeout"` // seconds after which the set-up gave up
}

// askAuditwheel runs `auditwheel show --json` on a wheel.
func askAuditwheel(t *testing.T, wheel string, flags ...string) peerAnswer {
	t.Helper()
	r := run(t, nil, peer(t, "auditwheel"), append(append([]string{"show", "--json"}, flags...), wheel)...).must(t)
	return decodeAnswer(t, []byte(r.stdout))
}

func decodeAnswer(t *testing.T, b []byte) peerAnswer {
	t.Helper()
	var a peerAnswer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("auditwheel show --json: %v\n%s", err, b)
	}
	return a
}

// checkContainer asks two independent readers whether members and RECORD of a
// wheel agree.
func checkContainer(t *testing.T, wheel string) {
	t.Helper()
	if r := run(t, nil, peer(t, "python"), "testdata/check_record.py", wheel); r.code != 0 {
		t.Errorf("check_record.py %s: %s", wheel, r.stderr)
	}
	if r := run(t, nil, peer(t, "python"), "-m", "wheel", "unpack", "--dest", t.TempDir(), wheel); r.code != 0 {
		t.Errorf("python -m wheel unpack %s: %s%s", wheel, r.stdout, r.stderr)
	}
}

// checkELF asks readelf about every ELF file of a wheel. What eu-elflint says
// must be what it said of the file's original; originals maps members to the
// bytes that they were made from.
func checkELF(t *testing.T, wheel string, originals map[string][]byte) {
	t.Helper()
	for name, image := range elfMembers(t, wheel) {
		file := writeFile(t, path.Base(name), image)
		r := run(t, nil, "readelf", "-dVlW", file)
		for line := range strings.Lines(r.stdout + r.stderr) {
			if strings.Contains(line, "Warning") || strings.Contains(line, "Error") {
				t.Errorf("readelf of %s: %s", name, strings.TrimSpace(line))
			}
		}
		original, ok := originals[name]
		if !ok {
			t.Errorf("%s: not in the unrepaired wheel, and no library that was grafted", name)
			continue
		}
		known := lint(t, writeFile(t, path.Base(name), original))
		for _, line := range lint(t, file) {
			if !slices.Contains(known, line) {
				t.Errorf("eu-elflint of %s, not of its original: %s", name, line)
			}
		}
	}
}

// numbers are what two lint reports about one library may differ in: indexes
// of sections and offsets.
var numbers = regexp.MustCompile(`0x[0-9a-f]+|[0-9]+`)

// lint returns what eu-elflint complains about, each complaint once, without
// section indexes and offsets.
func lint(t *testing.T, file string) []string {
	t.Helper()
	r := run(t, nil, "eu-elflint", "--gnu-ld", file)
	var lines []string
	for line := range strings.Lines(r.stdout + r.stderr) {
		if line = strings.TrimSpace(line); line != "" && line != "No errors" {
			lines = append(lines, numbers.ReplaceAllString(line, "N"))
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines)
}
