//go:build integration

package integration

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// proof is the part of `wheelmend verify --json` that the tests read.
type proof struct {
	Holds  bool `json:"holds"`
	Claims []struct {
		Topic, Outcome string
		Faults         []struct{ File, Library, Version, Reason string }
	} `json:"claims"`
}

// verify runs `wheelmend verify --json` on one wheel.
func verify(t *testing.T, wheel string, flags ...string) proof {
	t.Helper()
	r := wheelmend(t, append([]string{"verify", "--json", wheel}, flags...)...)
	var p proof
	if err := json.Unmarshal([]byte(r.stdout), &p); err != nil || p.Claims == nil {
		t.Fatalf("verify %s: exit %d, %v\n%s%s", wheel, r.code, err, r.stdout, r.stderr)
	}
	if want := map[bool]int{true: 0, false: 1}[p.Holds]; r.code != want {
		t.Errorf("verify %s: exit %d, want %d for holds: %v", wheel, r.code, want, p.Holds)
	}
	return p
}

// topics returns the topics of the claims that had an outcome.
func (p proof) topics(outcome string) []string {
	var topics []string
	for _, c := range p.Claims {
		if c.Outcome == outcome && !slices.Contains(topics, c.Topic) {
			topics = append(topics, c.Topic)
		}
	}
	return topics
}

// faults lists what contradicts the claims of a topic.
func (p proof) faults(topic string) []string {
	var faults []string
	for _, c := range p.Claims {
		for _, f := range c.Faults {
			if c.Topic == topic && c.Outcome == "fails" {
				faults = append(faults, strings.Join([]string{f.File, f.Library, f.Version, f.Reason}, " "))
			}
		}
	}
	return faults
}

// untrue are the wheels of the corpus that do not hold what they claim, as
// docs/differences.md tells.
var untrue = map[string][]string{
	"nvidia_cufile_cu12": {"libraries", "paths"},
	"scipy":              {"paths"},
	"shapely":            {"paths"},
}

func TestCorpusVerify(t *testing.T) {
	found := map[string]bool{}
	for _, wheel := range corpus(t) {
		t.Run(wheel, func(t *testing.T) {
			p := verify(t, cached(t, "corpus", wheel))
			name, _, _ := strings.Cut(wheel, "-")
			failed := p.topics("fails")
			if len(failed) > 0 {
				found[name] = true
				if diff := cmp.Diff(untrue[name], failed); diff != "" {
					t.Errorf("topics that fail (-want +got):\n%s\n%+v", diff, p.Claims)
				}
			}
			// musl reads packed relocations from 1.2.4 on, which musllinux_1_2 does not say.
			onPlatform := !strings.Contains(wheel, "musllinux")
			if open := p.topics("unchecked"); slices.Contains(open, "symbols") || onPlatform && slices.Contains(open, "platform") {
				t.Errorf("not checked: %q", open)
			}
		})
	}
	for name := range untrue {
		if !found[name] {
			t.Errorf("%s holds what it claims, which it is not known to do", name)
		}
	}
}

// TestCorpusLoads compares what verify says of libraries and symbols with what
// ld.so says when it loads each file of a wheel: on this machine, with every
// symbol bound at once.
func TestCorpusLoads(t *testing.T) {
	compared := 0
	for _, wheel := range corpus(t) {
		if !strings.Contains(wheel, "manylinux") || !strings.HasSuffix(wheel, "x86_64.whl") {
			continue
		}
		compared++
		t.Run(wheel, func(t *testing.T) { checkLoads(t, cached(t, "corpus", wheel)) })
	}
	if compared < 20 {
		t.Errorf("%d wheels were compared, want 20 at least", compared)
	}
}

// checkLoads unpacks a wheel and loads its shared libraries. ld.so and verify
// must agree on whether all of them load.
func checkLoads(t *testing.T, wheel string) {
	t.Helper()
	files := unpackLibraries(t, wheel)
	said := loadEach(t, slices.Collect(maps.Keys(files))...)
	var failures []string
	for path, message := range said {
		if message != "" {
			failures = append(failures, files[path]+": "+message)
		}
	}
	p := verify(t, wheel, "--sysroot", "/")
	faults := append(p.faults("symbols"), p.faults("libraries")...)
	if (len(failures) > 0) != (len(faults) > 0) {
		t.Errorf("ld.so says\n  %s\nverify says\n  %s", strings.Join(failures, "\n  "), strings.Join(faults, "\n  "))
	}
}

// unpackLibraries writes the members of a wheel to a folder and returns the
// paths of those dynamic libraries that a process begins with, with their names:
// what others need may well not load without them.
func unpackLibraries(t *testing.T, wheel string) map[string]string {
	t.Helper()
	dir, files, needed := t.TempDir(), map[string]string{}, map[string]bool{}
	for name, content := range elfMembers(t, wheel) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		f, err := elf.NewFile(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		program := slices.ContainsFunc(f.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
		if f.Type == elf.ET_DYN && !program && f.SectionByType(elf.SHT_DYNAMIC) != nil {
			files[path] = name
			for _, library := range dynamic(t, content, elf.DT_NEEDED) {
				needed[library] = true
			}
		}
	}
	maps.DeleteFunc(files, func(file, _ string) bool { return needed[filepath.Base(file)] })
	return files
}

// loadEach asks ld.so to load files, each in a process of its own.
func loadEach(t *testing.T, files ...string) map[string]string {
	t.Helper()
	said := map[string]string{}
	if len(files) == 0 {
		return said
	}
	r := run(t, nil, peer(t, "python"), append([]string{"testdata/load_each.py"}, files...)...).must(t)
	if err := json.Unmarshal([]byte(r.stdout), &said); err != nil {
		t.Fatalf("load_each.py: %v\n%s", err, r.stdout)
	}
	return said
}

func TestVerifyRealWheels(t *testing.T) {
	for _, p := range realPackages {
		t.Run(p.name, func(t *testing.T) {
			repaired := repair(t, rawWheel(t, p.name))
			if got := verify(t, repaired).topics("fails"); len(got) > 0 {
				t.Errorf("topics that fail: %q, want none", got)
			}
			checkLoads(t, repaired)
		})
	}
}

// TestVerifyFindsTampering spoils a repaired wheel in one way at a time. The
// claim that is no longer true fails, and names what was done.
func TestVerifyFindsTampering(t *testing.T) {
	repaired := repair(t, rawWheel(t, "lxml"))
	base := filepath.Base(repaired)
	graft := slices.Sorted(slices.Values(inFolder(elfMembers(t, repaired), ".libs")))
	xml2 := graft[slices.IndexFunc(graft, func(name string) bool { return strings.Contains(name, "libxml2-") })]
	const module = "lxml/etree.cpython-311-x86_64-linux-gnu.so"
	for _, tt := range []struct {
		name  string
		wheel func(t *testing.T) string
		topic string // of the claim that fails; others may fail with it
		want  string // in a fault of it
	}{
		{"nothing", func(t *testing.T) string { return rewritten(t, repaired, base, func(map[string][]byte) {}) }, "", ""},
		{"one byte of a member, its CRC right", func(t *testing.T) string {
			return tampered(t, repaired, func(c map[string][]byte) { c["lxml/__init__.py"][0] ^= 1 })
		}, "record", "lxml/__init__.py"},
		{"a row of RECORD", func(t *testing.T) string {
			return tampered(t, repaired, func(c map[string][]byte) {
				name := recordName(t, c)
				i := bytes.Index(c[name], []byte("lxml/__init__.py,"))
				end := i + bytes.IndexByte(c[name][i:], '\n') + 1
				c[name] = append(c[name][:i:i], c[name][end:]...)
			})
		}, "record", "lxml/__init__.py"},
		{"a member that RECORD lists", func(t *testing.T) string {
			return tampered(t, repaired, func(c map[string][]byte) { c["lxml/__init__.py"] = nil })
		}, "record", "lxml/__init__.py"},
		{"a tag that is too old", func(t *testing.T) string { return retagged(t, repaired, "manylinux_2_17_x86_64") }, "platform", "is newer than manylinux_2_17 promises"},
		{"a tag for another architecture", func(t *testing.T) string { return retagged(t, repaired, "manylinux_2_35_aarch64") }, "platform", "it is for x86_64, the wheel for aarch64"},
		{"a tag in the file name alone", func(t *testing.T) string {
			return rewritten(t, repaired, strings.Replace(base, "manylinux", "manylinux_2_99_x86_64.manylinux", 1), func(map[string][]byte) {})
		}, "tags", "cp311-cp311-manylinux_2_99_x86_64"},
		{"a needed library", func(t *testing.T) string {
			return rewritten(t, repaired, base, func(c map[string][]byte) { c[xml2] = nil })
		}, "libraries", path.Base(xml2)},
		{"a needed version of a symbol", func(t *testing.T) string {
			return rewritten(t, repaired, base, func(c map[string][]byte) {
				c[xml2] = bytes.ReplaceAll(c[xml2], []byte("\x00LIBXML2_2.6.0\x00"), []byte("\x00LIBXML2_9.9.9\x00"))
			})
		}, "symbols", "LIBXML2_2.6.0"},
		{"an executable stack", func(t *testing.T) string {
			return rewritten(t, repaired, base, func(c map[string][]byte) { c[module] = withExecutableStack(t, c[module]) })
		}, "stack", module},
		{"an absolute runpath", func(t *testing.T) string {
			return rewritten(t, repaired, base, func(c map[string][]byte) {
				c[module] = edited(t, c[module], peer(t, "patchelf"), "--add-rpath", "/home/build/lib")
			})
		}, "paths", "/home/build/lib"},
		{"every search path", func(t *testing.T) string {
			return rewritten(t, repaired, base, func(c map[string][]byte) {
				for name := range elfMembers(t, repaired) {
					c[name] = edited(t, c[name], peer(t, "patchelf"), "--remove-rpath")
				}
			})
		}, "order", path.Base(xml2)},
		{"a module for another Python", func(t *testing.T) string {
			return rewritten(t, repaired, base, func(c map[string][]byte) {
				c[strings.Replace(module, "311", "312", 1)], c[module] = c[module], nil
			})
		}, "abi", "cpython-312"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := verify(t, tt.wheel(t))
			if tt.topic == "" {
				if !p.Holds {
					t.Errorf("fails: %q, want nothing", p.topics("fails"))
				}
				return
			}
			if faults := p.faults(tt.topic); !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, tt.want) }) {
				t.Errorf("%s fails with %q, want %q in it; topics that fail: %q", tt.topic, faults, tt.want, p.topics("fails"))
			}
		})
	}
}

// withExecutableStack sets PF_X in PT_GNU_STACK of a 64-bit image.
func withExecutableStack(t *testing.T, image []byte) []byte {
	t.Helper()
	image = bytes.Clone(image)
	phoff := binary.LittleEndian.Uint64(image[32:])
	for i := range binary.LittleEndian.Uint16(image[56:]) {
		p := image[phoff+uint64(i)*56:]
		if elf.ProgType(binary.LittleEndian.Uint32(p)) == elf.PT_GNU_STACK {
			p[4] |= byte(elf.PF_X)
			return image
		}
	}
	t.Fatal("no PT_GNU_STACK")
	return nil
}

// A linkCase is a folder of libraries, made step by step: a library that was
// linked against may be made anew with other contents.
type linkCase struct {
	name  string
	steps []linkStep
	loads bool // whether ld.so loads every module of it
}

// A linkStep compiles a library. The sources are C; a version script may follow.
type linkStep struct {
	out, source, script string
	flags               []string
}

func linkCases() []linkCase {
	use := func(function string, flags ...string) linkStep {
		return linkStep{"mod.so", fmt.Sprintf("int %s(void); int mod(void) { return %s(); }", function, function), "", append(flags, "liba.so")}
	}
	a := func(source, script string, flags ...string) linkStep {
		return linkStep{"liba.so", source, script, flags}
	}
	const f, fg = "int f(void) { return 1; }", "int f(void) { return 1; } int g(void) { return 2; }"
	return []linkCase{
		{"a version that is there", []linkStep{a(f, "V_1 { global: f; };"), use("f")}, true},
		{"a symbol without a version that is there", []linkStep{a(f, ""), use("f")}, true},
		{"a version that is missing", []linkStep{a(f, "V_1 { global: f; };"), use("f"), a(f, "V_2 { global: f; };")}, false},
		{"a version that is there, without the symbol", []linkStep{a(fg, "V_1 { global: f; g; };"), use("f"), a("int g(void) { return 1; }", "V_1 { global: g; };")}, false},
		{"a symbol that moved to another version", []linkStep{a(fg, "V_1 { global: f; g; };"), use("f"), a(fg, "V_1 { global: g; }; V_2 { global: f; } V_1;")}, false},
		{"a symbol without a version that is missing", []linkStep{a(f, ""), use("f"), a("int g(void) { return 1; }", "")}, false},
		{"versions that the library has lost, while it needs some itself",
			[]linkStep{a("#include <stdlib.h>\nint f(void) { return getenv(\"X\") != 0; }", "V_1 { global: f; };"), use("f"), a("#include <stdlib.h>\nint f(void) { return getenv(\"X\") != 0; }", "")}, true},
		{"versions that the library has lost, all of them", []linkStep{a(f, "V_1 { global: f; };"), use("f"), a(f, "", "-nostdlib")}, false},
		{"the first version serves those who want none", []linkStep{a(f, ""), use("f"), a(f, "V_1 { global: f; };")}, true},
		{"the default version serves those who want none",
			[]linkStep{a(f, ""), use("f"), a("int old(void) { return 1; } int new(void) { return 2; } __asm__(\".symver old,f@V_1\"); __asm__(\".symver new,f@@V_2\");", "V_1 { }; V_2 { } V_1;")}, true},
		{"an old version that is not the first serves nobody",
			[]linkStep{a(f, ""), use("f"), a("int g(void) { return 1; } int old(void) { return 1; } __asm__(\".symver old,f@V_2\");", "V_1 { global: g; }; V_2 { } V_1;")}, false},
		{"a missing symbol that nothing refers to", []linkStep{{"mod.so", "int mod(void) { return 1; }", "", []string{"-Wl,-u,no_such_function"}}}, true},
		{"a weak symbol that is missing", []linkStep{a("int g(void) { return 1; }", ""),
			{"mod.so", "__attribute__((weak)) int f(void); int mod(void) { return f ? f() : 0; }", "", []string{"liba.so"}}}, true},
		{"a hidden symbol", []linkStep{a(f, ""), use("f"), a("__attribute__((visibility(\"hidden\"))) int f(void) { return 1; } int g(void) { return f(); }", "")}, false},
		{"a symbol of a library further on",
			[]linkStep{{"libb.so", f, "", nil}, a("int g(void) { return 1; }", "", "libb.so"), {"mod.so", "int f(void); int mod(void) { return f(); }", "", []string{"liba.so"}}}, true},
		{"a library that only one of its users serves",
			[]linkStep{a("int f(void); int g(void) { return f(); }", ""), {"libb.so", f, "", nil}, {"mod.so", "int g(void); int mod(void) { return g(); }", "", []string{"liba.so", "libb.so"}},
				{"alone.so", "int g(void); int alone(void) { return g(); }", "", []string{"liba.so"}}}, false},
		{"a needed library that is gone", []linkStep{a(f, ""), use("f"), {"liba.so", "", "gone", nil}}, false},
		{"symbols of Python, libc and libm", []linkStep{{"mod.so", "double fmax(double, double); void *PyList_New(long); int puts(const char *);\n" +
			"int mod(double x) { return fmax(x, 1) > 0 && PyList_New(0) && puts(\"\"); }", "", nil}}, true},
		{"a symbol that Python's process does not have", []linkStep{{"mod.so", "int no_such_function(void); int mod(void) { return no_such_function(); }", "", nil}}, false},
		{"thread-local storage and an IFUNC", []linkStep{a("__thread int v; static int i(void) { return 1; } static void *r(void) { return i; } int f(void) __attribute__((ifunc(\"r\")));", "V_1 { global: f; v; };"),
			{"mod.so", "extern __thread int v; int f(void); int mod(void) { return f() + v; }", "", []string{"liba.so"}}}, true},
	}
}

// make compiles the steps in a folder.
func (c *linkCase) make(t *testing.T, compiler string) string {
	t.Helper()
	dir := t.TempDir()
	for _, s := range c.steps {
		out := filepath.Join(dir, s.out)
		if s.script == "gone" {
			remove(t, out)
			continue
		}
		args := []string{"-O1", "-fPIC", "-shared", "-Wl,--no-as-needed", "-Wl,-soname," + s.out, "-Wl,--disable-new-dtags,-rpath,$ORIGIN", "-o", out, writeFile(t, "source.c", []byte(s.source))}
		if s.script != "" {
			args = append(args, "-Xlinker", "--version-script="+writeFile(t, "versions.map", []byte(s.script)))
		}
		for _, flag := range s.flags {
			if strings.HasSuffix(flag, ".so") {
				flag = filepath.Join(dir, flag)
			}
			args = append(args, flag)
		}
		run(t, nil, compiler, append(args, "-Wl,--allow-shlib-undefined")...).must(t)
	}
	return dir
}

// wheel packs the libraries of a folder.
func (c *linkCase) wheel(t *testing.T, dir string) string {
	t.Helper()
	files := map[string]string{}
	for _, name := range filesIn(t, dir) {
		files["made/"+name] = filepath.Join(dir, name)
	}
	return mkwheel(t, files)
}

// TestVerifyAgreesWithLoader holds the simulated loader to the real one: with
// the libraries of this machine, and with what the policy promises instead.
func TestVerifyAgreesWithLoader(t *testing.T) {
	for _, c := range linkCases() {
		t.Run(c.name, func(t *testing.T) {
			dir := c.make(t, "gcc")
			var files []string
			for _, name := range filesIn(t, dir) {
				files = append(files, filepath.Join(dir, name))
			}
			loads := true
			said := loadEach(t, files...)
			for file, message := range said {
				// A library that its users serve is not loaded without them.
				if !strings.HasPrefix(filepath.Base(file), "lib") && message != "" {
					loads = false
				}
			}
			if loads != c.loads {
				t.Fatalf("ld.so: %q, want it to load: %v", said, c.loads)
			}
			wheel := c.wheel(t, dir)
			for _, flags := range [][]string{nil, {"--sysroot", "/"}} {
				p := verify(t, retagged(t, wheel, "manylinux_2_36_x86_64"), flags...)
				faults := append(p.faults("symbols"), p.faults("libraries")...)
				if (len(faults) == 0) != c.loads {
					t.Errorf("verify %q: %q, want faults: %v; ld.so says %q", flags, faults, !c.loads, said)
				}
			}
		})
	}
}

// TestVerifyAgreesWithMusl does the same with musl's loader, which looks at no
// version but for symbols that are not the default: the program is executed, and
// its libraries are then relocated at once.
func TestVerifyAgreesWithMusl(t *testing.T) {
	differing := map[string]bool{
		"a version that is missing":                       true,
		"a symbol that moved to another version":          true,
		"versions that the library has lost, all of them": true,
		"a library that only one of its users serves":     true, // the program loads mod.so alone
		"symbols of Python, libc and libm":                false,
		"thread-local storage and an IFUNC":               false, // musl has none
	}
	for _, c := range linkCases() {
		want, differs := differing[c.name]
		if !differs {
			want = c.loads
		}
		t.Run(c.name, func(t *testing.T) {
			dir := c.make(t, "musl-gcc")
			remove(t, filepath.Join(dir, "alone.so"))
			program := filepath.Join(dir, "program")
			source := writeFile(t, "main.c", []byte("int mod(); int main(void) { mod(); return 0; }"))
			run(t, nil, "musl-gcc", "-o", program, source, filepath.Join(dir, "mod.so"), "-Wl,--allow-shlib-undefined", "-Wl,-rpath,$ORIGIN").must(t)
			r := run(t, nil, program)
			if loads := r.code == 0; loads != want {
				t.Fatalf("exit %d, want it to run: %v\n%s", r.code, want, r.stderr)
			}
			wheel := retagged(t, c.wheel(t, dir), "musllinux_1_2_x86_64")
			p := verify(t, wheel)
			faults := append(p.faults("symbols"), p.faults("libraries")...)
			if (len(faults) == 0) != want {
				t.Errorf("verify: %q, want faults: %v; musl says %q", faults, !want, r.stderr)
			}
		})
	}
}
