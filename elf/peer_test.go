//go:build integration

package elf

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// facts is what one file says, in a form that both sides can give.
type facts struct {
	Path                   string
	Needed                 []string
	Interpreter            string
	Soname, RPath, RunPath string
	Needs                  map[string][]string
	Defs                   []string
	Symbols                int
	Digest                 string // of the symbols
	Sections               string // digest
}

//go:embed testdata/peer_facts.py
var peerFacts string

// libraries are where the files lie that are compared.
const libraries = "/usr/lib"

// TestSameFactsAsPyelftools reads every library of the system.
func TestSameFactsAsPyelftools(t *testing.T) {
	python := os.Getenv("WHEELMEND_PEER_PYTHON")
	if python == "" {
		t.Skip("WHEELMEND_PEER_PYTHON is not set to a Python that has pyelftools")
	}
	var paths bytes.Buffer
	own := map[string]facts{}
	err := filepath.WalkDir(libraries, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".so") {
			if f, ok := factsOf(t, path); ok {
				own[path] = f
				paths.WriteString(path + "\n")
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", peerFacts)
	cmd.Stdin, cmd.Stderr = &paths, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	compared := 0
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); compared++ {
		var want facts
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, own[want.Path], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-pyelftools +ours):\n%s", want.Path, diff)
		}
	}
	t.Logf("compared %d files of %d", compared, len(own))
	if compared < 50 {
		t.Errorf("compared %d files, want at least 50", compared)
	}
}

// factsOf reads a file with this package. A file that is not ELF, or not
// dynamic, is left out.
func factsOf(t *testing.T, path string) (facts, bool) {
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if errors.Is(err, ErrNotELF) || err == nil && !f.Dynamic() {
		return facts{}, false
	}
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return facts{}, false
	}
	got := facts{Path: path, Needed: f.Needed(), Soname: f.Soname(), RPath: f.RPath(), RunPath: f.RunPath(), Needs: map[string][]string{}}
	needs, err := f.VersionNeeds()
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, n := range needs {
		for _, v := range n.Versions {
			got.Needs[n.Library] = append(got.Needs[n.Library], v.Name)
		}
	}
	defs, err := f.VersionDefs()
	if err != nil {
		t.Errorf("%s: %v", path, err)
	}
	for _, d := range defs {
		got.Defs = append(got.Defs, d.Name)
	}
	var lines []string
	for s, err := range f.Symbols() {
		if err != nil {
			t.Errorf("%s: %v", path, err)
			break
		}
		place := "D"
		if s.Undefined() {
			place = "U"
		}
		lines = append(lines, s.Name+" "+s.Version+" "+place)
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	got.Symbols, got.Digest = len(lines), hex.EncodeToString(sum[:])
	return got, true
}
