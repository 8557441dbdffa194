//go:build integration

package elf

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// loadShare is how many lies one is loaded with: each takes two processes or more.
const loadShare = 4

// A liar is a native library or program, with the library that it needs beside it.
type liar struct {
	dir  string
	kind string // of kinds
	data []byte
	load string // the program that loads images and says what they say
}

// buildLiar links the sources of testdata/src.
func buildLiar(t *testing.T, kind string, options ...string) *liar {
	t.Helper()
	l := &liar{dir: t.TempDir(), kind: kind}
	l.load = filepath.Join(l.dir, "loadall")
	must(t, "gcc", "-O1", "-o", l.load, "testdata/src/loadall.c")
	source, script := filepath.Join(l.dir, "dep.c"), filepath.Join(l.dir, "dep.map")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(source, "int dep(void) { return 1000; }\n")
	write(script, "DEP_1 { global: dep; local: *; };\n")
	for _, name := range []string{"libdep.so", "libdep-01234567.so"} {
		must(t, "gcc", "-shared", "-fPIC", "-o", filepath.Join(l.dir, name), source, "-Wl,-soname,"+name, "-Wl,--version-script="+script)
	}
	write(script, "OWN_1 { global: run; data; };\n")
	path := filepath.Join(l.dir, "image")
	args := append([]string{"-DBSS=5000", "-s", "-o", path, "-L" + l.dir}, kinds[kind]...)
	args = append(args, "-ldep", "-Wl,-rpath,"+l.dir, "-Wl,--hash-style=both")
	if kind == "library" {
		args = append(args, "-Wl,-soname,liblibrary.so.1", "-Wl,--version-script="+script)
	}
	must(t, "gcc", append(args, options...)...)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	l.data = data
	return l
}

// results loads each image and returns what its run says.
func (l *liar) results(t *testing.T, images [][]byte) []string {
	t.Helper()
	dir := t.TempDir()
	var list strings.Builder
	for i, data := range images {
		path := filepath.Join(dir, fmt.Sprint(i))
		if l.kind == "library" {
			path += ".so"
		}
		if err := os.WriteFile(path, data, 0o755); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&list, path)
	}
	cmd := exec.Command(l.load)
	cmd.Stdin = strings.NewReader(list.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(lines) != len(images) {
		t.Fatalf("%d results of %d images", len(lines), len(images))
	}
	return lines
}

// A told is a lie, and what came of editing it.
type told struct {
	name    string
	data    []byte
	edited  [][]byte
	refused []string // why the image, or an edit of it, was refused
}

// edits are what the commands do, in ways that leave every library and the loader
// where they are found.
func (l *liar) edits() [][]Edit {
	path := "$ORIGIN/" + strings.Repeat("some/folder/", 8) + ":" + l.dir
	long := []Edit{SetRPath(path), AddNeeded("libm.so.6"), AddNeeded("libdl.so.2"), AddNeeded("libpthread.so.0"), ReplaceNeeded("libdep.so", "libdep-01234567.so")}
	short := []Edit{SetRunPath(l.dir + "/"), Strip()}
	if l.kind == "library" {
		return [][]Edit{long, append(short, SetSoname("libother.so.1"))}
	}
	return [][]Edit{long, short, {SetInterpreter("/lib64/../lib64/ld-linux-x86-64.so.2")}}
}

// tell edits an image that lies.
func (l *liar) tell(t *testing.T, name string, data []byte) told {
	told := told{name: name, data: data}
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		told.refused = []string{"read: " + err.Error()}
		return told
	}
	for _, edits := range l.edits() {
		o, err := f.Edit(edits...)
		if err != nil {
			told.refused = append(told.refused, "edit: "+err.Error())
			continue
		}
		told.edited = append(told.edited, contents(t, o))
	}
	return told
}

// What loads and works with a lie in it must do so after an edit: a file that
// cannot be edited safely is refused, never damaged. What the loader takes and we
// refuse is told in the log.
func TestLiesLoadAsBefore(t *testing.T) {
	for _, tool := range []string{"gcc", "ld.bfd", "ld.lld"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	for _, tt := range []struct {
		kind, trait string
		options     []string
	}{
		{"library", "spare slots", []string{"-fuse-ld=bfd", "-Wl,-z,max-page-size=4096,-z,noseparate-code"}},
		{"library", "no spare slots and DT_RELR", []string{"-fuse-ld=lld", "-Wl,-z,pack-relative-relocs"}},
		{"library", "lazy with DT_RPATH", []string{"-fuse-ld=bfd", "-Wl,-z,lazy,--disable-new-dtags,--spare-dynamic-tags=0"}},
		{"pie", "spare slots", []string{"-fuse-ld=bfd", "-Wl,-z,noseparate-code"}},
		{"non-PIE", "no spare slots", []string{"-fuse-ld=lld"}},
	} {
		t.Run(tt.kind+" "+tt.trait, func(t *testing.T) { buildLiar(t, tt.kind, tt.options...).tellAll(t) })
	}
}

// tellAll tells the image every lie, and loads what comes out.
func (l *liar) tellAll(t *testing.T) {
	f := parse(t, l.data)
	strict := map[string]int{}
	var batch []told
	for _, x := range fieldsOf(t, f) {
		for _, v := range lies(uint64(len(l.data)), x.get(f.Order, l.data)) {
			data := bytes.Clone(l.data)
			x.set(f.Order, data, v)
			if bytes.Equal(data, l.data) || pointsNowhere(f, x, v) || !sampled(loadShare, l.kind, x.name, fmt.Sprint(v)) {
				continue
			}
			if batch = append(batch, l.tell(t, fmt.Sprintf("%s = %#x", x.name, v), data)); len(batch) == 300 {
				l.checkBatch(t, batch, strict)
				batch = nil
			}
		}
	}
	l.checkBatch(t, batch, strict)
	for _, rule := range slices.Sorted(maps.Keys(strict)) {
		t.Logf("%d files load, and are refused: %s", strict[rule], rule)
	}
}

// pointsNowhere reports whether a relocation would have the program use what lies
// in no segment: nobody says what is there.
func pointsNowhere(f *File, x field, v uint64) bool {
	if !strings.HasPrefix(x.name, "rel") && !strings.HasPrefix(x.name, "jmprel") {
		return false
	}
	return !slices.ContainsFunc(f.maps, func(p Prog) bool { return v >= p.Vaddr && v < p.Vaddr+p.Memsz })
}

// checkBatch loads the images of a batch, twice, for what they say may be
// chance; then what was made of those that work.
func (l *liar) checkBatch(t *testing.T, batch []told, strict map[string]int) {
	t.Helper()
	var images [][]byte
	for _, b := range batch {
		images = append(images, b.data)
	}
	first, second := l.results(t, images), l.results(t, images)
	var edited [][]byte
	var names, wants []string
	for i, b := range batch {
		if first[i] != second[i] || first[i] == "no" || first[i] == "dies" {
			continue
		}
		for _, rule := range b.refused {
			strict[number.ReplaceAllString(rule, "N")+" ["+number.ReplaceAllString(b.name, "N")+"]"]++
		}
		for j, data := range b.edited {
			edited, names, wants = append(edited, data), append(names, fmt.Sprintf("%s, edit %d", b.name, j)), append(wants, first[i])
		}
	}
	if len(edited) == 0 {
		return
	}
	for i, got := range l.results(t, edited) {
		if got != wants[i] {
			t.Errorf("%s: says %s, and %s before", names[i], got, wants[i])
		}
	}
}
