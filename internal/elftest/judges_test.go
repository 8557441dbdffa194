package elftest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// specs returns one image for each architecture and trait.
func specs() map[string]Spec {
	all := map[string]Spec{}
	for _, arch := range Arches() {
		traits := map[string]func(*Spec){
			"full":       func(*Spec) {},
			"sysv":       func(s *Spec) { s.Hash = HashSysV },
			"gnu":        func(s *Spec) { s.Hash = HashGNU },
			"nosections": func(s *Spec) { s.NoSections = true },
			"page4k":     func(s *Spec) { s.PageSize = 4 << 10 },
			"page2m":     func(s *Spec) { s.PageSize = 2 << 20 },
			"isa":        func(s *Spec) { s.ISA = 1 << 2 },
			"program":    func(s *Spec) { s.Type, s.Interp = 2, "/lib/ld.so" },
			"empty":      func(s *Spec) { *s = ForArch(arch) },
			"spare":      func(s *Spec) { s.SpareDynamic, s.RPath, s.RunPath = 5, "/x", "" },
		}
		for name, change := range traits {
			s := fullSpec(arch)
			change(&s)
			all[arch+"-"+name] = s
		}
	}
	return all
}

func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("%s is not installed", tool)
	}
}

func writeImage(t *testing.T, s Spec) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.so")
	if err := os.WriteFile(path, Build(s), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestReadelfHasNothingToSay(t *testing.T) {
	need(t, "readelf")
	complaint := regexp.MustCompile(`(?i).*(warning|error|corrupt|<unknown).*`)
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			path := writeImage(t, s)
			// -a without -u: readelf exits 1 on an ARM file that has no
			// section of unwind tables. -D reads as the loader would.
			for _, options := range []string{"-hlSdsrnVAIW", "-DdsrVW"} {
				out, err := exec.Command("readelf", options, path).CombinedOutput()
				if bad := complaint.FindAllString(string(out), -1); err != nil || bad != nil {
					t.Errorf("readelf %s: %v, said %q", options, err, bad)
				}
			}
		})
	}
}

func TestElflintHasNothingToSay(t *testing.T) {
	need(t, "eu-elflint")
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "loongarch64") {
				t.Skip("elfutils 0.188 knows no LoongArch")
			}
			out, err := exec.Command("eu-elflint", "--gnu-ld", writeImage(t, s)).CombinedOutput()
			if err != nil {
				t.Errorf("eu-elflint --gnu-ld: %v\n%s", err, out)
			}
		})
	}
}

func TestPyelftoolsAgrees(t *testing.T) {
	need(t, "python3")
	if exec.Command("python3", "-c", "import elftools").Run() != nil {
		t.Skip("pyelftools is not installed")
	}
	script := `import sys
from elftools.elf.elffile import ELFFile
for segment in ELFFile(open(sys.argv[1], "rb")).iter_segments("PT_DYNAMIC"):
    print(*[t.needed for t in segment.iter_tags("DT_NEEDED")])
    print(*sorted(s.name for s in segment.iter_symbols() if s.name))`
	for name, s := range specs() {
		t.Run(name, func(t *testing.T) {
			if name == "s390x-sysv" {
				t.Skip("pyelftools 0.33 reads DT_HASH of s390x with 4-byte entries")
			}
			out, err := exec.Command("python3", "-c", script, writeImage(t, s)).CombinedOutput()
			want := "libdep.so.3 libc.so.6\nPyInit__core bar dep maybe memcpy table\n"
			if strings.HasSuffix(name, "-empty") {
				want = "\n\n"
			}
			if got := string(out); err != nil || got != want {
				t.Errorf("pyelftools printed %q (%v), want %q", got, err, want)
			}
		})
	}
}

func TestNativeImageLoads(t *testing.T) {
	need(t, "python3")
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the host is not x86_64 Linux")
	}
	dir := t.TempDir()
	write := func(name, spec string) string {
		s, err := Parse(spec)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, Build(s), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write("libdep.so.3", "x86_64 soname=libdep.so.3 export=dep@DEP_1 bss=100000 symtab hash=sysv")
	lib := write("libx.so", "x86_64 needed=libdep.so.3,libc.so.6 runpath=$ORIGIN export=first,second,third data=table "+
		"import=dep@DEP_1:libdep.so.3,memcpy@GLIBC_2.14:libc.so.6 weak=nobody bss=5000")
	script := `import ctypes, sys
lib = ctypes.PyDLL(sys.argv[1])
print(lib.first(), lib.second(), lib.third(), lib.dep())`
	out, err := exec.Command("python3", "-c", script, lib).CombinedOutput()
	want := fmt.Sprintln(FirstResult, FirstResult+1, FirstResult+2, FirstResult)
	if got := string(out); err != nil || got != want {
		t.Errorf("calling the functions printed %q (%v), want %q", strings.TrimSpace(got), err, want)
	}
}
