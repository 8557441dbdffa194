package linkage_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// A loadCase is a tree of files, of which one is loaded. "@" stands for the
// directory of the tree.
type loadCase struct {
	name, files string
	first       string // the file that is loaded; "" means m.so
	libraryPath string // LD_LIBRARY_PATH
	want        []string
	musl        []string // what musl does, where that differs; "skip" where it ends in an error
}

// loadCases are rules of the loaders that few files of a system depend on. The
// answers are held to those of the loaders themselves where they are installed.
func loadCases() []loadCase {
	return []loadCase{
		{name: "breadth first, each once", files: `
			m.so       elf x86_64 needed=liba.so,libb.so rpath=@
			liba.so    elf x86_64 needed=libc1.so,libb.so
			libb.so    elf x86_64 needed=libd.so,liba.so
			libc1.so   elf x86_64 needed=libd.so
			libd.so    elf x86_64`,
			want: []string{"liba.so => @/liba.so", "libb.so => @/libb.so", "libc1.so => @/libc1.so", "libd.so => @/libd.so"}},
		{name: "who needs the first file by its file name gets a second one", files: `
			m.so       elf x86_64 needed=liba.so rpath=@
			liba.so    elf x86_64 needed=m.so`,
			want: []string{"liba.so => @/liba.so", "m.so => @/m.so"}},
		{name: "a missing library is told in its place, to each that needs it", files: `
			m.so     elf x86_64 needed=libno.so,liba.so,libb.so rpath=@
			liba.so  elf x86_64 needed=libno.so
			libb.so  elf x86_64`,
			want: []string{"libno.so => not found", "liba.so => @/liba.so", "libb.so => @/libb.so", "libno.so => not found"}, musl: []string{"skip"}},
		{name: "DT_RPATH of the chain of loaders, nearest first", files: `
			m.so       elf x86_64 needed=liba.so rpath=@/a:@/b
			a/liba.so  elf x86_64 needed=libb.so,libc1.so rpath=@/c
			b/libb.so  elf x86_64
			a/libc1.so elf x86_64
			c/libc1.so elf x86_64`,
			want: []string{"liba.so => @/a/liba.so", "libb.so => @/b/libb.so", "libc1.so => @/c/libc1.so"}},
		{name: "DT_RUNPATH serves one file", files: `
			m.so       elf x86_64 needed=liba.so runpath=@/a:@/b
			a/liba.so  elf x86_64 needed=libb.so
			b/libb.so  elf x86_64`,
			want: []string{"liba.so => @/a/liba.so", "libb.so => not found"},
			musl: []string{"liba.so => @/a/liba.so", "libb.so => @/b/libb.so"}},
		{name: "a file with DT_RUNPATH does not use the DT_RPATH of its loader", files: `
			m.so       elf x86_64 needed=liba.so rpath=@/a:@/b
			a/liba.so  elf x86_64 needed=libb.so runpath=@/none
			b/libb.so  elf x86_64`,
			want: []string{"liba.so => @/a/liba.so", "libb.so => not found"},
			musl: []string{"liba.so => @/a/liba.so", "libb.so => @/b/libb.so"}},
		{name: "DT_RPATH, LD_LIBRARY_PATH, DT_RUNPATH", files: `
			m.so       elf x86_64 needed=liba.so,libb.so rpath=@/a
			a/liba.so  elf x86_64 needed=libc1.so runpath=@/a
			a/libb.so  elf x86_64
			a/libc1.so elf x86_64
			l/libb.so  elf x86_64
			l/libc1.so elf x86_64`, libraryPath: "@/l",
			want: []string{"liba.so => @/a/liba.so", "libb.so => @/a/libb.so", "libc1.so => @/l/libc1.so"},
			musl: []string{"liba.so => @/a/liba.so", "libb.so => @/l/libb.so", "libc1.so => @/l/libc1.so"}},
		{name: "ORIGIN of a library is where it was found, links and all", files: `
			m.so            elf x86_64 needed=liba.so rpath=@/link
			link/liba.so    symlink ../real/liba.so.1
			real/liba.so.1  elf x86_64 needed=libb.so runpath=$ORIGIN
			link/libb.so    elf x86_64
			real/libb.so    elf x86_64`,
			want: []string{"liba.so => @/link/liba.so", "libb.so => @/link/libb.so"}},
		{name: "ORIGIN of the first library is that of its link", first: "link/m.so", files: `
			link/m.so     symlink ../real/m.so
			real/m.so     elf x86_64 needed=liba.so rpath=$ORIGIN
			link/liba.so  elf x86_64
			real/liba.so  elf x86_64`,
			want: []string{"liba.so => @/link/liba.so"}},
		{name: "LD_LIBRARY_PATH is spelled as it is", files: `
			m.so       elf x86_64 needed=liba.so
			far/x      dir
			far/liba.so  elf x86_64
			link       symlink far/x`, libraryPath: "@/none:@/link/..//",
			want: []string{"liba.so => @/link/../liba.so"}, musl: []string{"liba.so => @/link/..///liba.so"}},
		{name: "tokens of LD_LIBRARY_PATH are those of the first file", first: "d/m.so", files: `
			d/m.so       elf x86_64 needed=liba.so rpath=$ORIGIN/../a
			a/liba.so    elf x86_64 needed=libb.so
			d/b/libb.so  elf x86_64
			a/b/libb.so  elf x86_64`, libraryPath: "$ORIGIN/b",
			want: []string{"liba.so => @/d/../a/liba.so", "libb.so => @/d/b/libb.so"}, musl: []string{"skip"}},
		{name: "ORIGIN of a library is spelled as its path", files: `
			bin/m.so     elf x86_64 needed=liba.so rpath=$ORIGIN/../lib
			lib/liba.so  elf x86_64 needed=libb.so rpath=$ORIGIN
			lib/libb.so  elf x86_64`, first: "bin/m.so",
			want: []string{"liba.so => @/bin/../lib/liba.so", "libb.so => @/bin/../lib/libb.so"}},
		{name: "a path is shown as the search path spells it", files: `
			m.so         elf x86_64 needed=liba.so rpath=@/lib/../lib//
			lib/liba.so  elf x86_64`,
			want: []string{"liba.so => @/lib/../lib/liba.so"},
			musl: []string{"liba.so => @/lib/../lib///liba.so"}},
		{name: "a name with a slash is a path", files: `
			m.so         elf x86_64 needed=@/deep/liba.so,libb.so rpath=@/deep
			deep/liba.so elf x86_64 needed=$ORIGIN/libb.so
			deep/libb.so elf x86_64`,
			want: []string{"@/deep/liba.so", "libb.so => @/deep/libb.so"}, musl: []string{"skip"}},
		{name: "a soname that is loaded is not sought again", files: `
			m.so          elf x86_64 needed=liba.so,libb.so rpath=@/lib
			lib/liba.so   elf x86_64 soname=libx.so.1
			lib/libb.so   elf x86_64 needed=libx.so.1
			lib/libx.so.1 elf x86_64`,
			want: []string{"liba.so => @/lib/liba.so", "libb.so => @/lib/libb.so"},
			musl: []string{"liba.so => @/lib/liba.so", "libb.so => @/lib/libb.so", "libx.so.1 => @/lib/libx.so.1"}},
		{name: "two names of one file are one library", files: `
			m.so        elf x86_64 needed=liba.so,libb.so rpath=@/lib
			lib/liba.so elf x86_64
			lib/libb.so symlink liba.so`,
			want: []string{"liba.so => @/lib/liba.so"}},
		{name: "a library of another machine is passed over", files: `
			m.so       elf x86_64 needed=liba.so rpath=@/a:@/b
			a/liba.so  elf aarch64
			b/liba.so  elf x86_64`,
			want: []string{"liba.so => @/b/liba.so"}, musl: []string{"skip"}},
		{name: "the first file answers to its soname", files: `
			m.so       elf x86_64 soname=libm1.so needed=liba.so rpath=@
			liba.so    elf x86_64 needed=libm1.so
			libm1.so   elf x86_64`,
			want: []string{"liba.so => @/liba.so"},
			musl: []string{"liba.so => @/liba.so", "libm1.so => @/libm1.so"}},
	}
}

func TestLoads(t *testing.T) {
	for _, tt := range loadCases() {
		t.Run(tt.name, func(t *testing.T) {
			dir := tt.write(t)
			got := tt.loads(t, dir, linkage.Glibc)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("loads (-want +got):\n%s", diff)
			}
			if exists(glibcLoader) {
				out, _ := tt.run(dir, glibcLoader).Output()
				if diff := cmp.Diff(tt.want, at(dir, traceLines(out))); diff != "" {
					t.Errorf("ld.so does not agree (-want +ld.so):\n%s", diff)
				}
			}
		})
	}
}

func TestLoadsOfMusl(t *testing.T) {
	for _, tt := range loadCases() {
		t.Run(tt.name, func(t *testing.T) {
			want := tt.want
			if tt.musl != nil {
				want = tt.musl
			}
			if want[0] == "skip" {
				t.Skip("musl ends in an error")
			}
			dir := tt.write(t)
			if diff := cmp.Diff(want, tt.loads(t, dir, linkage.Musl)); diff != "" {
				t.Errorf("loads (-want +got):\n%s", diff)
			}
			if exists(muslLoader) {
				cmd := tt.run(dir, muslLoader, "--list")
				out, _ := cmd.Output()
				if diff := cmp.Diff(want, at(dir, muslLines(out))); diff != "" {
					t.Errorf("musl does not agree (-want +musl):\n%s", diff)
				}
			}
		})
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// write makes the files of a case.
func (c loadCase) write(t *testing.T) string {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(dir, strings.ReplaceAll(c.files, "@", dir)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (c loadCase) path(dir string) string {
	if c.first == "" {
		return dir + "/m.so"
	}
	return dir + "/" + c.first
}

// loads returns what we say that the first file loads.
func (c loadCase) loads(t *testing.T, dir, libc string) []string {
	t.Helper()
	opts := linkage.Options{Libc: libc, UseLDPaths: true}
	if c.libraryPath != "" {
		opts.LibraryPath = strings.Split(strings.ReplaceAll(c.libraryPath, "@", dir), ":")
	}
	l, err := linkage.NewLoader(opts)
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Load(c.path(dir))
	if err != nil {
		t.Fatal(err)
	}
	return at(dir, loads(g))
}

// run asks a loader what the first file loads.
func (c loadCase) run(dir, loader string, args ...string) *exec.Cmd {
	cmd := exec.Command(loader, append(args, c.path(dir))...)
	cmd.Env = []string{"LD_TRACE_LOADED_OBJECTS=1", "LD_LIBRARY_PATH=" + strings.ReplaceAll(c.libraryPath, "@", dir)}
	return cmd
}

// at writes "@" for the directory of a case.
func at(dir string, lines []string) []string {
	var out []string
	for _, line := range lines {
		out = append(out, strings.ReplaceAll(line, dir, "@"))
	}
	return out
}

// muslLines reads what musl lists, without musl itself.
func muslLines(out []byte) []string {
	var lines []string
	for _, m := range traceLine.FindAllStringSubmatch(string(out), -1) {
		if m[2] != muslLoader {
			lines = append(lines, loadLine(m[1], m[2]))
		}
	}
	return lines
}

// TestHWCaps holds the search in glibc-hwcaps to ld.so.
func TestHWCaps(t *testing.T) {
	const files = `
		m.so                                   elf x86_64 needed=liba.so,libb.so,libc1.so,libd.so rpath=@/a:@/b
		a/glibc-hwcaps/x86-64-v2/liba.so       elf x86_64
		a/glibc-hwcaps/x86-64-v3/liba.so       elf x86_64
		a/liba.so                              elf x86_64
		b/glibc-hwcaps/x86-64-v2/libb.so       elf x86_64
		b/libb.so                              elf x86_64
		a/libc1.so                             elf x86_64
		b/glibc-hwcaps/x86-64-v3/libc1.so      elf x86_64
		a/glibc-hwcaps/x86-64-v9/libd.so       elf x86_64
		b/libd.so                              elf x86_64`
	both := []string{"x86-64-v3", "x86-64-v2"}
	for _, tt := range []struct {
		name   string
		levels []string
		want   []string
	}{
		{"best level first, directory by directory", both, []string{
			"liba.so => @/a/glibc-hwcaps/x86-64-v3/liba.so", "libb.so => @/b/glibc-hwcaps/x86-64-v2/libb.so", "libc1.so => @/a/libc1.so", "libd.so => @/b/libd.so"}},
		{"an older processor", []string{"x86-64-v2"}, []string{
			"liba.so => @/a/glibc-hwcaps/x86-64-v2/liba.so", "libb.so => @/b/glibc-hwcaps/x86-64-v2/libb.so", "libc1.so => @/a/libc1.so", "libd.so => @/b/libd.so"}},
		{"the baseline", nil, []string{"liba.so => @/a/liba.so", "libb.so => @/b/libb.so", "libc1.so => @/a/libc1.so", "libd.so => @/b/libd.so"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := loadCase{files: files}
			dir := c.write(t)
			l, err := linkage.NewLoader(linkage.Options{Libc: linkage.Glibc, UseLDPaths: true, HWCaps: tt.levels})
			if err != nil {
				t.Fatal(err)
			}
			g, err := l.Load(c.path(dir))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, at(dir, loads(g))); diff != "" {
				t.Errorf("loads (-want +got):\n%s", diff)
			}
			cpuinfo, err := os.ReadFile("/proc/cpuinfo")
			if err != nil || !exists(glibcLoader) || len(linkage.HWCaps(string(cpuinfo))) < 2 || tt.name != "best level first, directory by directory" {
				return
			}
			out, _ := c.run(dir, glibcLoader).Output()
			if diff := cmp.Diff(tt.want, at(dir, traceLines(out))); diff != "" {
				t.Errorf("ld.so does not agree (-want +ld.so):\n%s", diff)
			}
		})
	}
}

func TestHWCapsOfProcessors(t *testing.T) {
	const v2 = "flags\t\t: fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
	const v3 = v2 + " avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
	for _, tt := range []struct {
		name, cpuinfo string
		want          []string
	}{
		{"nothing known", "", nil},
		{"the baseline", "processor\t: 0\nflags\t\t: fpu sse sse2\n", nil},
		{"v2", v2 + "\n", []string{"x86-64-v2"}},
		{"v3", "processor\t: 0\n" + v3 + "\nbugs\t: x\n", []string{"x86-64-v3", "x86-64-v2"}},
		{"v4", v3 + " avx512f avx512bw avx512cd avx512dq avx512vl\n", []string{"x86-64-v4", "x86-64-v3", "x86-64-v2"}},
		{"v4 without v3 is v2", v2 + " avx512f avx512bw avx512cd avx512dq avx512vl\n", []string{"x86-64-v2"}},
		{"of another architecture", "Features\t: fp asimd\n", nil},
	} {
		if diff := cmp.Diff(tt.want, linkage.HWCaps(tt.cpuinfo)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestSystemOfAnotherTarget loads a program as it lies in a sysroot: with its
// interpreter, what ld.so.conf lists, and no level of this machine's processor.
func TestSystemOfAnotherTarget(t *testing.T) {
	c := loadCase{files: `
		usr/bin/prog     elf x86_64 type=exec interp=/lib64/ld-linux-x86-64.so.2 needed=liba.so,libb.so,libc.so.6 rpath=$ORIGIN/../lib/prog
		bin              symlink usr/bin
		lib64/ld-linux-x86-64.so.2   elf x86_64 soname=ld-linux-x86-64.so.2
		usr/lib/prog/liba.so         elf x86_64
		etc/ld.so.conf               text "include /etc/conf/*/lib.conf"
		etc/conf/x/lib.conf          text "/opt/x"
		opt/x/libb.so                elf x86_64
		opt/x/glibc-hwcaps/x86-64-v2/libb.so  elf x86_64
		lib64/libc.so.6              elf x86_64 needed=ld-linux-x86-64.so.2`}
	dir := c.write(t)
	l, err := linkage.NewLoader(linkage.Options{Sysroot: dir, HWCaps: []string{"x86-64-v2"}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Load(dir + "/bin/prog")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range append([]*linkage.Need{g.Members[0].Images[0].Interp}, g.Members[0].Images[0].Loads()...) {
		if e.Status != linkage.Found {
			t.Fatalf("%s: %v, %+v", e.Name, e.Status, e.Tried)
		}
		got = append(got, e.Name+" => "+e.To.Found+" ("+e.Rule.String()+")")
	}
	want := []string{
		"/lib64/ld-linux-x86-64.so.2 => @/lib64/ld-linux-x86-64.so.2 (program interpreter)",
		"liba.so => @/usr/bin/../lib/prog/liba.so (DT_RPATH $ORIGIN/../lib/prog of @/bin/prog)",
		"libb.so => @/opt/x/libb.so (listed in @/etc/conf/x/lib.conf)",
		"libc.so.6 => @/lib64/libc.so.6 (default directory)",
		"ld-linux-x86-64.so.2 => @/lib64/ld-linux-x86-64.so.2 (program interpreter)",
	}
	if diff := cmp.Diff(want, at(dir, got)); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
}

func TestInterpreterThatIsNotThere(t *testing.T) {
	c := loadCase{files: "prog elf x86_64 type=exec interp=/lib/ld-none.so.1 needed=liba.so rpath=$ORIGIN\nliba.so elf x86_64"}
	dir := c.write(t)
	l, err := linkage.NewLoader(linkage.Options{Sysroot: dir})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Load(dir + "/prog")
	if err != nil {
		t.Fatal(err)
	}
	interp := g.Members[0].Images[0].Interp
	if interp == nil || interp.Status != linkage.Missing || len(interp.Tried) != 1 || interp.Tried[0].Why != "not there" {
		t.Errorf("interpreter: %+v, want it missing, with the place", interp)
	}
	if diff := cmp.Diff([]string{"liba.so => @/liba.so"}, at(dir, loads(g))); diff != "" {
		t.Errorf("loads (-want +got):\n%s", diff)
	}
}

func TestFilesThatCannotBeLoaded(t *testing.T) {
	c := loadCase{files: "text.so text \"hello\"\ncut.so cut=40 elf x86_64\ndown dir"}
	dir := c.write(t)
	l, err := linkage.NewLoader(linkage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"text.so": "not an ELF image", "cut.so": "looks truncated", "down": "not a regular file", "gone.so": "not there",
	} {
		if _, err := l.Load(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", name, err, want)
		}
	}
}

// Of the subdirectories for a processor, those that are there are told.
func TestMissingNamesTheHWCaps(t *testing.T) {
	c := loadCase{files: `
		m.so                              elf x86_64 needed=liba.so rpath=@/a
		a/glibc-hwcaps/x86-64-v3/libb.so  elf x86_64
		a/glibc-hwcaps/x86-64-v2          text "no directory"`}
	dir := c.write(t)
	l, err := linkage.NewLoader(linkage.Options{Libc: linkage.Glibc, HWCaps: []string{"x86-64-v4", "x86-64-v3", "x86-64-v2"}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := l.Load(c.path(dir))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range g.Members[0].Images[0].Needs[0].Tried {
		if rest, ok := strings.CutPrefix(p.Dir, dir); ok {
			got = append(got, rest)
		}
	}
	if diff := cmp.Diff([]string{"/a/glibc-hwcaps/x86-64-v3", "/a"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
