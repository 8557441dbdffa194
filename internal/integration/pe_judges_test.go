//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/wheelmend/wheelmend/overlay"
	"github.com/wheelmend/wheelmend/pe"
)

// peFacts is what testdata/pe_facts.py prints of a file.
type peFacts struct {
	Machine  int         `json:"machine"`
	Imports  []peLibrary `json:"imports"`
	Delay    []peLibrary `json:"delay"`
	Exports  []peExport  `json:"exports"`
	Overlay  int64       `json:"overlay"` // offset, 0 when there is none
	CheckSum bool        `json:"checksum,omitempty"`
}

// A peLibrary is a name, and the symbols that are imported from there.
type peLibrary struct {
	Name    string
	Symbols []string
}

func (l *peLibrary) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&l.Name, &l.Symbols})
}

// A peExport is a name, an ordinal and a forwarder.
type peExport struct {
	Name    string
	Ordinal uint32
	Forward string
}

func (e *peExport) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&e.Name, &e.Ordinal, &e.Forward})
}

// askPefile returns what pefile reads of files.
func askPefile(t *testing.T, args ...string) []peFacts {
	t.Helper()
	r := run(t, nil, peer(t, "python"), append([]string{"testdata/pe_facts.py"}, args...)...).must(t)
	var all []peFacts
	for d := json.NewDecoder(strings.NewReader(r.stdout)); ; {
		var f peFacts
		if err := d.Decode(&f); err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, f)
	}
}

func openPE(t *testing.T, r io.ReaderAt, size int64) *pe.File {
	t.Helper()
	f, err := pe.NewFile(r, size)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// readPE returns what we read, in the words of pefile.
func readPE(t *testing.T, f *pe.File) peFacts {
	t.Helper()
	imports, err := f.Imports()
	if err != nil {
		t.Fatal(err)
	}
	delay, err := f.DelayImports()
	if err != nil {
		t.Fatal(err)
	}
	exports, err := f.Exports()
	if err != nil {
		t.Fatal(err)
	}
	out := peFacts{Machine: int(f.Machine), Imports: spellImports(imports), Delay: spellImports(delay)}
	if exports != nil {
		for _, e := range exports.Symbols {
			out.Exports = append(out.Exports, peExport{e.Name, e.Ordinal, e.Forward})
		}
	}
	slices.SortFunc(out.Exports, func(a, b peExport) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.Ordinal, b.Ordinal))
	})
	over, err := f.Overlay()
	if err != nil {
		t.Fatal(err)
	}
	if over.Off < f.Size() {
		out.Overlay = over.Off
	}
	return out
}

func spellImports(imports []pe.Import) []peLibrary {
	var out []peLibrary
	for _, d := range imports {
		l := peLibrary{Name: d.Name}
		for _, s := range d.Symbols {
			l.Symbols = append(l.Symbols, cmp.Or(s.Name, fmt.Sprintf("#%d", s.Ordinal)))
		}
		out = append(out, l)
	}
	return out
}

// renameAll gives everything that an image loads a longer name.
func renameAll(facts peFacts) []pe.Edit {
	var edits []pe.Edit
	longer := func(name string) string { return "0123456789abcdef-" + name }
	seen := map[string]bool{}
	for _, d := range facts.Imports {
		if !seen[d.Name] {
			edits = append(edits, pe.ReplaceImport(d.Name, longer(d.Name)))
		}
		seen[d.Name] = true
	}
	for _, d := range facts.Delay {
		edits = append(edits, pe.ReplaceDelayImport(d.Name, longer(d.Name)))
	}
	return edits
}

// llvmName finds the libraries in what llvm-readobj --coff-imports prints.
var llvmName = regexp.MustCompile(`(?m)^  Name: (.*)$`)

// Published libraries and modules read as pefile reads them, before and after all that
// they load has got a longer name.
func TestPublishedPE(t *testing.T) {
	wheels, err := filepath.Glob(filepath.Join(cacheDir(t), "windows", "*.whl"))
	if err != nil || len(wheels) == 0 {
		t.Fatalf("no wheels for Windows (%v); run scripts/setup-windows", err)
	}
	for _, wheel := range wheels {
		t.Run(filepath.Base(wheel), func(t *testing.T) { judgePE(t, peMembers(t, wheel)) })
	}
}

// peMembers writes the PE files of a wheel to a folder of their own.
func peMembers(t *testing.T, wheel string) []string {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	var files []string
	for i, m := range z.File {
		if !strings.HasSuffix(m.Name, ".dll") && !strings.HasSuffix(m.Name, ".pyd") {
			continue
		}
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, fmt.Sprintf("%03d-%s", i, filepath.Base(m.Name)))
		if err := os.WriteFile(file, b, 0o644); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

func judgePE(t *testing.T, files []string) {
	var edited []string
	var wants []peFacts
	for i, want := range askPefile(t, files...) {
		b, err := os.ReadFile(files[i])
		if err != nil {
			t.Fatal(err)
		}
		f := openPE(t, bytes.NewReader(b), int64(len(b)))
		if diff := gocmp.Diff(want, readPE(t, f), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-pefile +ours):\n%.2000s", files[i], diff)
		}
		hybrid, err := f.Hybrid()
		if err != nil {
			t.Fatal(err)
		}
		o, err := f.Edit(context.Background(), renameAll(want)...)
		if hybrid != "" {
			if err == nil {
				t.Errorf("%s: %s is edited", files[i], hybrid)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", files[i], err)
			continue
		}
		saveImage(t, files[i]+".new", o)
		edited, wants = append(edited, files[i]+".new"), append(wants, readPE(t, openPE(t, o, o.Size())))
	}
	for i, got := range askPefile(t, append([]string{"--edited"}, edited...)...) {
		if !got.CheckSum {
			t.Errorf("%s: pefile finds another checksum", edited[i])
		}
		got.CheckSum, got.Overlay, wants[i].Overlay = false, 0, 0
		if diff := gocmp.Diff(got, wants[i], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s, edited (-pefile +ours):\n%.2000s", edited[i], diff)
		}
		askReadobj(t, edited[i], wants[i])
	}
}

// askReadobj holds the names of libraries to those that llvm-readobj finds.
func askReadobj(t *testing.T, file string, want peFacts) {
	t.Helper()
	r := run(t, nil, "llvm-readobj", "--coff-imports", file).must(t)
	var got, names []string
	for _, m := range llvmName.FindAllStringSubmatch(r.stdout, -1) {
		got = append(got, strings.TrimSpace(m[1]))
	}
	for _, d := range append(want.Imports, want.Delay...) {
		names = append(names, d.Name)
	}
	if !slices.Equal(got, names) {
		t.Errorf("%s: llvm-readobj finds %q, want %q", file, got, names)
	}
}

// A program made by gcc still runs under wine when its library has got a longer name:
// in the padding of a section, and in a new section behind its COFF symbols.
func TestEditedPERuns(t *testing.T) {
	const gcc = "x86_64-w64-mingw32-gcc"
	for _, tool := range []string{gcc, wine} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v; see scripts/setup-windows", err)
		}
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for name, text := range map[string]string{
		"dep.c":  "__declspec(dllexport) int answer(int x) { return 2 * x + 2; }",
		"prog.c": "__declspec(dllimport) int answer(int); int main(void) { return answer(20); }",
	} {
		if err := os.WriteFile(in(name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, nil, gcc, "-shared", "-o", in("dep.dll"), in("dep.c")).must(t)
	run(t, nil, gcc, "-o", in("prog.exe"), in("prog.c"), in("dep.dll")).must(t)
	const longer = "dep-with-a-name-that-is-longer-0123456789abcdef.dll"
	if err := os.Rename(in("dep.dll"), in(longer)); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(in("prog.exe"))
	if err != nil {
		t.Fatal(err)
	}
	warmWine(t)
	start := func(program string) int { return run(t, wineEnviron(t), wine, in(program)).code }
	if code := start("prog.exe"); code == 42 {
		t.Fatal("the program runs without its library, so nothing would be proved")
	}
	for name, image := range map[string][]byte{"padding.exe": b, "section.exe": fillPadding(t, b)} {
		f := openPE(t, bytes.NewReader(image), int64(len(image)))
		o, err := f.Edit(context.Background(), pe.ReplaceImport("DEP.dll", longer))
		if err != nil {
			t.Fatal(err)
		}
		after := openPE(t, o, o.Size())
		if added := len(after.Sections) > len(f.Sections); added != (name == "section.exe") {
			t.Errorf("%s: a section is new: %v", name, added)
		}
		was, err := f.COFFSymbols()
		if is, err2 := after.COFFSymbols(); err != nil || err2 != nil || was.Size == 0 || was != is {
			t.Errorf("%s: COFF symbols at %+v, were at %+v", name, is, was)
		}
		saveImage(t, in(name), o)
		if code := start(name); code != 42 {
			t.Errorf("%s exits with %d, want 42", name, code)
		}
		askReadobj(t, in(name), readPE(t, after))
	}
}

// fillPadding returns an image in which no section has padding that is free.
func fillPadding(t *testing.T, b []byte) []byte {
	t.Helper()
	f := openPE(t, bytes.NewReader(b), int64(len(b)))
	b = bytes.Clone(b)
	for _, s := range f.Sections {
		if s.RawOff != 0 && s.VirtualSize < s.RawSize {
			for i := s.RawOff + s.VirtualSize; i < s.RawOff+s.RawSize; i++ {
				b[i] = 0xee
			}
		}
	}
	return b
}

func saveImage(t *testing.T, name string, o *overlay.Overlay) {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
	if err == nil {
		err = os.WriteFile(name, b, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
