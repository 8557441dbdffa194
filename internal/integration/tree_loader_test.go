//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A loaderCase is a program and its libraries, built for the purpose. "@" stands
// for the directory of the case.
type loaderCase struct {
	name        string
	libraries   []string // in the order of building: path, after a "!" without soname, and flags of the linker
	program     string   // flags of the linker
	runAs       string   // a link to the program; "" runs the program itself
	libraryPath string
	want        string // the first line
	glibcOnly   bool   // musl ends with an error, or knows no such thing
}

// loaderCases lean on what real linkers and the kernel do. Rules that need no
// linker are in linkage/loader_test.go.
func loaderCases() []loaderCase {
	const newTags, oldTags = " -Wl,--enable-new-dtags", " -Wl,--disable-new-dtags"
	return []loaderCase{
		{name: "the kernel tells a program where its file lies behind links",
			libraries: []string{"@/lib/libanswer.so.1"}, program: "@/lib/libanswer.so.1 -Wl,-rpath,$ORIGIN/../lib",
			runAs: "@/elsewhere/link", want: "libanswer.so.1 => @/bin/../lib/libanswer.so.1"},
		{name: "LD_LIBRARY_PATH goes before DT_RUNPATH",
			libraries: []string{"@/lib/libanswer.so.1", "@/first/libanswer.so.1"}, program: "@/lib/libanswer.so.1 -Wl,-rpath,@/lib" + newTags,
			libraryPath: "@/none:@/first", want: "libanswer.so.1 => @/first/libanswer.so.1"},
		{name: "DT_RPATH goes before LD_LIBRARY_PATH",
			libraries: []string{"@/lib/libanswer.so.1", "@/first/libanswer.so.1"}, program: "@/lib/libanswer.so.1 -Wl,-rpath,@/lib" + oldTags,
			libraryPath: "@/first", want: "libanswer.so.1 => @/lib/libanswer.so.1", glibcOnly: true},
		{name: "the soname is sought and not the file name",
			libraries: []string{"@/lib/libanswer.so -Wl,-soname,libreal.so.4"}, program: "@/lib/libanswer.so -Wl,-rpath,@/lib",
			want: "libreal.so.4 => not found", glibcOnly: true},
		{name: "a library without a soname is needed by its path",
			libraries: []string{"!@/lib/libanswer.so"}, program: "@/lib/libanswer.so",
			want: "@/lib/libanswer.so"},
		{name: "LIB is what this system calls it",
			libraries: []string{"@/lib/x86_64-linux-gnu/libanswer.so.1"}, program: "@/lib/x86_64-linux-gnu/libanswer.so.1 -Wl,-rpath,@/$LIB",
			want: "libanswer.so.1 => @/lib/x86_64-linux-gnu/libanswer.so.1", glibcOnly: true},
		{name: "-z nodefaultlib keeps a program from the built-in directories",
			libraries: []string{"@/lib/libanswer.so.1"}, program: "@/lib/libanswer.so.1 -Wl,-rpath,@/lib -Wl,-z,nodefaultlib",
			want: "libanswer.so.1 => @/lib/libanswer.so.1", glibcOnly: true},
		{name: "libraries that need each other",
			libraries: []string{"@/lib/libanswer.so.1", "@/lib/libother.so.1 @/lib/libanswer.so.1 -Wl,--no-as-needed", "@/lib/libanswer.so.1 @/lib/libother.so.1 -Wl,--no-as-needed -Wl,-rpath,$ORIGIN"},
			program:   "@/lib/libanswer.so.1 -Wl,-rpath,@/lib -Wl,--allow-shlib-undefined" + oldTags, want: "libanswer.so.1 => @/lib/libanswer.so.1"},
	}
}

// build makes the files of a case and returns the program as it is to be run.
func (c loaderCase) build(t *testing.T, compiler, dir string) string {
	t.Helper()
	fill := func(s string) string { return strings.ReplaceAll(s, "@", dir) }
	compile := func(out, source string, flags ...string) {
		if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
			t.Fatal(err)
		}
		args := append([]string{"-O1", "-fPIC", "-o", out, filepath.Join("testdata", "c", source)}, flags...)
		run(t, nil, compiler, args...).must(t)
	}
	for _, line := range c.libraries {
		words := strings.Fields(fill(line))
		out, anonymous := strings.CutPrefix(words[0], "!")
		flags := []string{"-shared", "-DFUNCTION=answer", "-DVALUE=1"}
		if !anonymous {
			flags = append(flags, "-Wl,-soname,"+filepath.Base(out))
		}
		compile(out, "constant.c", append(flags, words[1:]...)...)
	}
	program := filepath.Join(dir, "bin", "prog")
	compile(program, "program.c", strings.Fields(fill(c.program))...)
	if c.runAs == "" {
		return program
	}
	link := fill(c.runAs)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, link); err != nil {
		t.Fatal(err)
	}
	return link
}

func TestTreeAgainstTheLoader(t *testing.T) {
	for _, compiler := range []string{"gcc", "musl-gcc"} {
		for _, c := range loaderCases() {
			if compiler == "gcc" || !c.glibcOnly {
				t.Run(compiler+"/"+c.name, func(t *testing.T) { c.compare(t, compiler) })
			}
		}
	}
}

// compare asks tree and the loader of the program, which runs it for that.
func (c loaderCase) compare(t *testing.T, compiler string) {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	program := c.build(t, compiler, dir)
	var env []string
	if c.libraryPath != "" {
		env = append(env, "LD_LIBRARY_PATH="+strings.ReplaceAll(c.libraryPath, "@", dir))
	}
	var want []string
	if compiler == "gcc" {
		want = traced(t, append(env, trace), program)
	} else {
		// As ldd, musl takes the path that it is given for $ORIGIN, not the kernel's.
		real, err := filepath.EvalSymlinks(program)
		if err != nil {
			t.Fatal(err)
		}
		want = traced(t, env, muslLoader, "--list", real)
	}
	got := trees(t, env, program)[0].loaded(t, "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("loads (-loader +wheelmend):\n%s", diff)
	}
	if first := strings.ReplaceAll(c.want, "@", dir); len(got) == 0 || got[0] != first {
		t.Errorf("got %q, want %q first", got, first)
	}
}

// The extension modules of a repaired wheel, unpacked: tree of the wheel finds
// all, and tree of each file says what ld.so says.
func TestTreeOfRepairedWheel(t *testing.T) {
	repaired := repair(t, rawWheel(t, "psycopg2"))
	wheelmend(t, "tree", repaired).must(t)
	dir := t.TempDir()
	run(t, nil, peer(t, "python"), "-m", "zipfile", "-e", repaired, dir).must(t)
	var files []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(filepath.Base(path), ".so") {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	compareTrees(t, files, "", 2, func(path string) []string { return traced(t, []string{trace}, glibcLoader, path) })
}

// Graphviz reads the graph of a wheel, of hostile names and of this machine.
func TestGraphsForGraphviz(t *testing.T) {
	odd := t.TempDir()
	for _, name := range []string{`a"b.so`, `back\`, "semi;colon}", "<b>&amp;.so", "line\nbreak.so", "\xff\xfe", "[label=x]"} {
		constant(t, filepath.Join(odd, "lib.so"), "answer", "1")
		if err := os.Rename(filepath.Join(odd, "lib.so"), filepath.Join(odd, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, args := range [][]string{
		{repair(t, rawWheel(t, "lxml")), rawWheel(t, "psycopg2")},
		{odd},
		{"/usr/bin/python3", "/usr/bin/gcc"},
	} {
		graph := filepath.Join(t.TempDir(), "tree.dot")
		r := wheelmend(t, append([]string{"tree", "--format", "dot"}, args...)...).must(t)
		if err := os.WriteFile(graph, []byte(r.stdout), 0o644); err != nil {
			t.Fatal(err)
		}
		plain := run(t, nil, "dot", "-Tplain", graph).must(t)
		if plain.stderr != "" {
			t.Errorf("%q: dot complains:\n%s", args, plain.stderr)
		}
		if got, want := strings.Count(plain.stdout, "\nnode "), strings.Count(r.stdout, " [label=")-strings.Count(r.stdout, " -> "); got != want {
			t.Errorf("%q: dot sees %d nodes, want %d", args, got, want)
		}
	}
}
