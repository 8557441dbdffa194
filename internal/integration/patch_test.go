//go:build integration

package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// answerWanted is what testdata/c/patched.c says: dep() is 1000.
const answerWanted = "1000\n"

// subjects are what the patch command is tried on, and how gcc makes it.
var subjects = map[string][]string{
	"library":         {"-shared", "-fPIC"},
	"library relro":   {"-shared", "-fPIC", "-Wl,-z,relro,-z,now"},
	"library big bss": {"-shared", "-fPIC", "-DBSS=4000000"},
	"pie":             {"-DPROGRAM", "-pie", "-fPIE"},
	"pie big bss":     {"-DPROGRAM", "-pie", "-fPIE", "-DBSS=4000000"},
	"program":         {"-DPROGRAM", "-no-pie", "-fno-PIC"},
	"program symbols": {"-DPROGRAM", "-no-pie", "-fno-PIC", "-g", "-rdynamic", "-DBSS=4000000"},
}

// A subject is one file that is patched and run.
type subject struct {
	path, dir string // dir holds its libraries
	library   bool
	interp    string // of a program
}

// eachSubject runs a test on what each installed linker makes of each subject.
func eachSubject(t *testing.T, test func(t *testing.T, s subject)) {
	dir := t.TempDir()
	for _, name := range []string{"libdep.so", "libdep-0123abcd.so"} {
		library(t, filepath.Join(dir, name), "constant.c", "-DFUNCTION=dep", "-DVALUE=1000", "-Wl,--version-script=testdata/c/dep.map")
	}
	for _, linker := range []string{"bfd", "gold", "lld", "mold"} {
		if _, err := exec.LookPath("ld." + linker); err != nil {
			t.Errorf("ld.%s is not installed; run scripts/setup-integration", linker)
			continue
		}
		for name, flags := range subjects {
			t.Run(linker+"/"+name, func(t *testing.T) {
				s := subject{path: filepath.Join(t.TempDir(), "subject"), dir: dir, library: strings.HasPrefix(name, "library")}
				gcc(t, s.path, "patched.c", append(slices.Clone(flags), "-fuse-ld="+linker, filepath.Join(dir, "libdep.so"), "-Wl,-soname,libsubject.so", runpath(dir))...)
				if !s.library {
					s.interp = strings.TrimSpace(wheelmend(t, "patch", "--print-interpreter", s.path).must(t).stdout)
				}
				s.mustAnswer(t, s.path, "as it was linked")
				test(t, s)
			})
		}
	}
}

// answer loads the file at path with all symbols bound at once and calls it.
func (s subject) answer(t *testing.T, path string) result {
	t.Helper()
	env := []string{"LD_BIND_NOW=1"}
	if s.library {
		return run(t, env, "python3", "-c", "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).answer())", path)
	}
	return run(t, env, path)
}

func (s subject) mustAnswer(t *testing.T, path, after string) {
	t.Helper()
	if r := s.answer(t, path); r.stdout != answerWanted || r.code != 0 {
		t.Fatalf("%s: says %q, exit %d, want %q\n%s", after, r.stdout, r.code, answerWanted, r.stderr)
	}
}

// saysReadelf returns what readelf says of a file that does not depend on where tables
// lie: the dynamic strings, the wanted versions, the symbols.
func saysReadelf(t *testing.T, path string) string {
	t.Helper()
	r := run(t, nil, "readelf", "-dVW", "--dyn-syms", path).must(t)
	if strings.Contains(r.stderr, "Warning") || strings.Contains(r.stderr, "Error") {
		t.Errorf("readelf: %s", r.stderr)
	}
	var searchPath, lines []string // the place of the search path among the entries means nothing
	for line := range strings.Lines(r.stdout) {
		switch {
		case strings.Contains(line, "PATH"):
			searchPath = append(searchPath, line)
		case strings.Contains(line, "NEEDED"), strings.Contains(line, "SONAME"),
			strings.Contains(line, "Version:"), strings.Contains(line, "File:"), strings.Contains(line, "Name:"):
			lines = append(lines, numbers.ReplaceAllString(line, "N"))
		case strings.Contains(line, "GLOBAL"), strings.Contains(line, "WEAK"):
			lines = append(lines, line)
		}
	}
	return strings.Join(append(searchPath, lines...), "")
}

// longLoader and shortLoader return other paths of a program's loader.
func (s subject) longLoader(t *testing.T) string {
	dir := filepath.Join(t.TempDir(), strings.Repeat("some/where/", 8))
	path := filepath.Join(dir, filepath.Base(s.interp))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(s.interp, path); err != nil {
		t.Fatal(err)
	}
	return path
}

func (s subject) shortLoader(t *testing.T) string {
	dir, err := os.MkdirTemp("/tmp", "l")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	path := filepath.Join(dir, "l")
	if err := os.Symlink(s.interp, path); err != nil {
		t.Fatal(err)
	}
	if len(path) >= len(s.interp) {
		t.Fatalf("%s is not shorter than %s", path, s.interp)
	}
	return path
}

// thereAndBack lists edits with those that undo them.
func (s subject) thereAndBack(t *testing.T) [][2][]string {
	pairs := [][2][]string{
		{{"--set-rpath", "/a/very/long/way/to/another/folder:" + s.dir}, {"--set-runpath", s.dir}},
		{{"--add-rpath", "$ORIGIN/../lib"}, {"--remove-rpath=$ORIGIN/../lib"}},
		{{"--remove-rpath", "--set-rpath", s.dir}, {"--set-runpath", s.dir}},
		{{"--replace-needed", "libdep.so=libdep-0123abcd.so"}, {"--replace-needed", "libdep-0123abcd.so=libdep.so"}},
		{{"--add-needed", "libm.so.6", "--add-needed", "libdl.so.2", "--add-needed", "libpthread.so.0"},
			{"--remove-needed", "libm.so.6", "--remove-needed", "libdl.so.2", "--remove-needed", "libpthread.so.0"}},
	}
	if s.library {
		return append(pairs, [2][]string{{"--set-soname", "libsubject-with-a-longer-name-0123abcd.so"}, {"--set-soname", "libsubject.so"}})
	}
	back := []string{"--set-interpreter", s.interp}
	return append(pairs,
		[2][]string{{"--set-interpreter", s.longLoader(t)}, back},
		[2][]string{{"--set-interpreter", s.shortLoader(t)}, back})
}

// TestPatchThereAndBack loads each file after each edit, and after the edit that
// undoes it, which makes the file say what it said.
func TestPatchThereAndBack(t *testing.T) {
	eachSubject(t, func(t *testing.T, s subject) {
		was, complaints := saysReadelf(t, s.path), lint(t, s.path)
		for _, pair := range s.thereAndBack(t) {
			for _, edits := range pair {
				wheelmend(t, append(append([]string{"patch"}, edits...), s.path)...).must(t)
				s.mustAnswer(t, s.path, strings.Join(edits, " "))
			}
			if now := saysReadelf(t, s.path); now != was {
				t.Errorf("%q and back: readelf says\n%s\nand said\n%s", pair[0], now, was)
			}
		}
		for _, line := range lint(t, s.path) {
			if !slices.Contains(complaints, line) {
				t.Errorf("eu-elflint, not of the original: %s", line)
			}
		}
	})
}

// TestPatchBetweenOthers edits with strip and patchelf in turns. What those two
// break between them is left out: strip spoils a library that patchelf has edited
// twice.
func TestPatchBetweenOthers(t *testing.T) {
	patchelf := peer(t, "patchelf")
	eachSubject(t, func(t *testing.T, s subject) {
		for i := range 10 {
			edits := []string{"--set-rpath", fmt.Sprintf("%s:/%s", s.dir, strings.Repeat("x", 20*(i%4)+1)), "--add-needed", "libm.so.6"}
			if i%3 == 1 {
				edits = []string{"--remove-needed", "libm.so.6", "--set-runpath", s.dir}
			}
			if !s.library && i%4 == 3 {
				edits = append(edits, "--set-interpreter", s.longLoader(t))
			}
			wheelmend(t, append(append([]string{"patch"}, edits...), s.path)...).must(t)
			s.mustAnswer(t, s.path, fmt.Sprintf("round %d, %q", i, edits))
			switch i {
			case 2, 7:
				s.strip(t, i)
			case 4:
				wheelmend(t, "patch", "--strip", s.path).must(t)
			case 0, 3, 5, 8:
				s.patchelf(t, patchelf, i)
			}
		}
	})
}

// patchelf lets the peer edit the file, if its result runs.
func (s subject) patchelf(t *testing.T, patchelf string, round int) {
	t.Helper()
	copied := copyOf(t, s.path)
	r := run(t, nil, patchelf, "--set-rpath", s.dir+":"+strings.Repeat("/y", 10*round+3), "--add-needed", "librt.so.1", copied)
	if a := s.answer(t, copied); r.code != 0 || a.stdout != answerWanted {
		t.Logf("round %d: patchelf broke it: exit %d, then %q %s", round, r.code, a.stdout, a.stderr)
		return
	}
	run(t, nil, "cp", copied, s.path).must(t)
	run(t, nil, "mv", copied, s.fromPatchelf()).must(t)
}

// fromPatchelf is where the last result of patchelf is kept.
func (s subject) fromPatchelf() string { return s.path + ".patchelf" }

// strip lets binutils strip the file, unless it breaks what patchelf has left.
func (s subject) strip(t *testing.T, round int) {
	t.Helper()
	if _, err := os.Stat(s.fromPatchelf()); err == nil {
		peers := copyOf(t, s.fromPatchelf())
		run(t, nil, "strip", peers).must(t)
		if s.answer(t, peers).stdout != answerWanted {
			t.Logf("round %d: strip breaks what patchelf has left", round)
			return
		}
	}
	run(t, nil, "strip", s.path).must(t)
	s.mustAnswer(t, s.path, fmt.Sprintf("round %d, strip", round))
}

func copyOf(t *testing.T, path string) string {
	t.Helper()
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(copied, readFile(t, path), 0o755); err != nil {
		t.Fatal(err)
	}
	return copied
}

// TestPatchTwoHundredTimes looks at the size, and loads what came out.
func TestPatchTwoHundredTimes(t *testing.T) {
	eachSubject(t, func(t *testing.T, s subject) {
		if !strings.HasPrefix(t.Name(), "TestPatchTwoHundredTimes/bfd") && testing.Short() {
			t.Skip("one linker is enough for a short run")
		}
		var first int64
		loaders := []string{s.interp}
		if !s.library {
			loaders = append(loaders, s.longLoader(t), s.shortLoader(t))
		}
		for i := range 200 {
			edits := []string{"--set-rpath", s.dir + ":/" + strings.Repeat("x", i*37%90+1)}
			switch {
			case i%5 == 1:
				edits = append(edits, "--add-needed", "libm.so.6", "--add-needed", "libdl.so.2")
			case i%5 == 3:
				edits = append(edits, "--remove-needed", "libm.so.6", "--remove-needed", "libdl.so.2")
			case i%5 == 4 && s.library:
				edits = append(edits, "--set-soname", "lib"+strings.Repeat("s", i*13%60)+".so")
			case i%5 == 4:
				edits = append(edits, "--set-interpreter", loaders[i%3])
			}
			wheelmend(t, append(append([]string{"patch"}, edits...), s.path)...).must(t)
			if i == 9 {
				first = size(t, s.path)
			}
		}
		s.mustAnswer(t, s.path, "200 edits")
		if grown := size(t, s.path) - first; grown > 2<<10 {
			t.Errorf("the file is %d bytes longer than after ten edits", grown)
		}
	})
}

// TestPatchFullDisk needs room for two files, and has it for one.
func TestPatchFullDisk(t *testing.T) {
	dir := mounted(t, "size=40k")
	original := constant(t, filepath.Join(t.TempDir(), "libsubject.so"), "answer", "1")
	path := filepath.Join(dir, "libsubject.so")
	run(t, nil, "cp", original, path).must(t)
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 12000), 0o644); err != nil {
		t.Fatal(err)
	}
	r := wheelmend(t, "patch", "--set-rpath", "/a/search/path/that/is/new", path)
	if want := "wheelmend: error: " + path + ": it cannot be replaced: no space left on device\n"; r.code != 1 || r.stderr != want {
		t.Errorf("exit %d, %q, want 1, %q", r.code, r.stderr, want)
	}
	sameBytes(t, path, original)
	if left := filesIn(t, dir); len(left) != 2 {
		t.Errorf("left %q", left)
	}
}

// TestPatchKilled kills the command while it writes 256 MiB.
func TestPatchKilled(t *testing.T) {
	dir := t.TempDir()
	path := library(t, filepath.Join(dir, "libsubject.so"), "constant.c", "-DFUNCTION=answer", "-DVALUE=1")
	grown, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 256 {
		if _, err := grown.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if err := grown.Close(); err != nil {
		t.Fatal(err)
	}
	original := copyOf(t, path)
	killed := 0
	for wait := 10 * time.Millisecond; wait < 2*time.Second && killed < 3; wait += 20 * time.Millisecond {
		cmd := exec.CommandContext(t.Context(), wheelmendPath, "patch", "--set-rpath", "/a/search/path/that/is/new", path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(wait)
		_ = cmd.Process.Kill() // fails when the command is done
		if cmd.Wait() == nil {
			break // it takes no longer
		}
		killed++
		sameBytes(t, path, original)
		if left := filesIn(t, dir); len(left) != 1 {
			t.Fatalf("left %q", left)
		}
	}
	if killed == 0 {
		t.Error("it was never killed in time")
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
