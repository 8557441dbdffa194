//go:build integration

package elf

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// facts is what one file says, in a form that both sides can give.
type facts struct {
	Path, Error            string
	Needed                 []string
	Interpreter            string
	Soname, RPath, RunPath string
	Needs                  map[string][]string
	Defs                   []string
	Symbols                int
	Digest                 string // of the symbols
	Sections               string // digest
	Separate               bool   `json:"-"` // the debug information of another file
}

// libraries are where the files lie that are compared.
const libraries = "/usr/lib"

// TestSameFactsAsPyelftools reads every ELF file of the system.
func TestSameFactsAsPyelftools(t *testing.T) {
	if peerTool("python") == "" {
		t.Skip("WHEELMEND_PEER_PYTHON is not set to a Python that has pyelftools")
	}
	var paths []string
	err := filepath.WalkDir(libraries, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && isELF(path) {
			paths = append(paths, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 1000 {
		t.Errorf("%d ELF files in %s, want at least 1000", len(paths), libraries)
	}
	n := runtime.GOMAXPROCS(0)
	for i := range n {
		t.Run(fmt.Sprintf("part %d", i), func(t *testing.T) {
			t.Parallel()
			var part []string
			for k := i; k < len(paths); k += n {
				part = append(part, paths[k])
			}
			compareFacts(t, part)
		})
	}
}

// isELF reports whether a file begins with the magic number.
func isELF(path string) bool {
	file, err := os.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	magic := make([]byte, len(elf.ELFMAG))
	_, err = io.ReadFull(file, magic)
	return err == nil && string(magic) == elf.ELFMAG
}

// compareFacts compares what both say of each file.
func compareFacts(t *testing.T, paths []string) {
	python := startAsker(t, nil, peerTool("python"), "testdata/peer_facts.py")
	defer python.stop()
	compared, dynamic, symbols, separate := 0, 0, 0, 0
	for _, path := range paths {
		var want facts
		if err := json.Unmarshal([]byte(python.ask(t, path)), &want); err != nil {
			t.Fatal(err)
		}
		got, err := factsOf(path)
		switch {
		case want.Path == "":
			t.Logf("%s: pyelftools does not read it %s; we: %v", path, want.Error, err)
			continue
		case err != nil:
			t.Errorf("%s: %v", path, err)
			continue
		case got.Separate:
			// The tables of the dynamic linker have no bytes here, and what
			// pyelftools makes of them is what lies there instead.
			if !strings.HasSuffix(path, ".debug") {
				t.Errorf("%s: taken for separate debug information", path)
			}
			separate++
			continue
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-pyelftools +ours):\n%s", path, diff)
		}
		compared, symbols = compared+1, symbols+got.Symbols
		if len(got.Needed) > 0 {
			dynamic++
		}
	}
	t.Logf("compared %d files with %d symbols; %d of them need others; %d hold debug information alone", compared, symbols, dynamic, separate)
}

// factsOf reads a file with this package.
func factsOf(path string) (facts, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return facts{}, err
	}
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return facts{}, err
	}
	got := facts{Path: path, Needed: f.Needed(), Soname: f.Soname(), RPath: f.RPath(), RunPath: f.RunPath(), Needs: map[string][]string{}}
	if got.Separate = f.SeparateDebug(); got.Separate {
		return got, nil
	}
	if got.Interpreter, err = f.Interpreter(); err != nil {
		return got, err
	}
	if f.SectionErr != nil {
		return got, f.SectionErr
	}
	var sections []string
	for _, s := range f.Sections {
		sections = append(sections, fmt.Sprintf("%s %d %d %d %d %d", s.Name, s.Addr, s.Off, s.Size, s.Link, s.Info))
	}
	got.Sections = digest(sections)
	if !f.Dynamic() {
		return got, nil
	}
	return got, addVersions(f, &got)
}

func digest(lines []string) string {
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	return hex.EncodeToString(sum[:])
}

// addVersions adds the versions and the symbols to the facts.
func addVersions(f *File, got *facts) error {
	needs, err := f.VersionNeeds()
	if err != nil {
		return err
	}
	for _, n := range needs {
		for _, v := range n.Versions {
			got.Needs[n.Library] = append(got.Needs[n.Library], v.Name)
		}
	}
	defs, err := f.VersionDefs()
	if err != nil {
		return err
	}
	for _, d := range defs {
		got.Defs = append(got.Defs, d.Name)
	}
	var lines []string
	for s, err := range f.Symbols() {
		if err != nil {
			return err
		}
		place := "D"
		if s.Undefined() {
			place = "U"
		}
		lines = append(lines, s.Name+" "+s.Version+" "+place)
	}
	got.Symbols, got.Digest = len(lines), digest(lines)
	return nil
}
