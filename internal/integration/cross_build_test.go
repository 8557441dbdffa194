//go:build integration

package integration

import (
	"debug/elf"
	"os"
	"path/filepath"
	"testing"
)

// crossSystem is a target's file system with the libraries of a wheel in it,
// what was built for it, and the host program that takes Python's place.
type crossSystem struct {
	root   string // for --sysroot
	wheel  string // unrepaired
	host   string
	module string   // the extension in the wheel, unrepaired
	before crossRun // what the host says of the module with the libraries of the sysroot
}

// original returns the file of the sysroot that a graft was copied from, by its
// base name.
func (s crossSystem) original(t *testing.T, name string) string {
	t.Helper()
	for _, dir := range []string{vendorDir, "usr/lib"} {
		path := filepath.Join(s.root, dir, name)
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatalf("no %s in the sysroot %s", name, s.root)
	return ""
}

// vendorDir is where a sysroot has what wheels must bring along. Only the
// configuration of the loader leads there.
const vendorDir = "/opt/vendor/lib"

// build makes the wheel, its libraries and the host program.
func (c crossTarget) build(t *testing.T) crossSystem {
	t.Helper()
	root, out := t.TempDir(), t.TempDir()
	c.fillRoot(t, root)
	vendor := filepath.Join(root, vendorDir)
	extra, dep := filepath.Join(vendor, "libextra.so.1"), filepath.Join(vendor, "libdep.so.2.0")
	module, host := filepath.Join(out, "made", "cross.so"), filepath.Join(out, "host")
	c.compileAll(t, extra, dep, module, host)
	if err := os.Symlink(vendorDir+"/libdep.so.2.0", filepath.Join(vendor, "libdep.so.2")); err != nil {
		t.Fatal(err)
	}
	content := map[string][]byte{"made/__init__.py": nil, "made/cross.so": readFile(t, module)}
	// The link in the sysroot means nothing outside of it.
	if err := os.Symlink(dep, filepath.Join(out, "libdep.so.2")); err != nil {
		t.Fatal(err)
	}
	before := c.load(t, host, out, out, vendor, filepath.Join(root, "usr/lib"))
	return crossSystem{root, writeWheel(t, t.TempDir(), "linux_"+c.arch, content), host, module, before}
}

// compileAll makes the two libraries, the extension module and the host program.
func (c crossTarget) compileAll(t *testing.T, extra, dep, module, host string) {
	t.Helper()
	runtime := c.runtimeFlags(t)
	c.compile(t, extra, "extra.c", "-shared", "-Wl,-soname,libextra.so.1",
		"-Wl,--version-script="+filepath.Join("testdata", "cross", "extra.map"))
	c.compile(t, dep, "dep.cc", append([]string{"-shared", "-Wl,-soname,libdep.so.2", extra}, runtime...)...)
	c.compile(t, module, "module.cc", append([]string{"-shared", dep, extra, "-lpthread", "-ldl"}, runtime...)...)
	c.compile(t, host, "host.c", "-pie", "-ldl")
	hideSections(t, extra)
}

// hideSections takes a file's section headers away, as some strippers do. An
// edit of libextra, with its .bss, then has to move the program headers; one of
// libdep makes its last segment longer, and one of the module, whose .bss is
// large too, displaces what lies behind the program headers.
func hideSections(t *testing.T, file string) {
	t.Helper()
	b := readFile(t, file)
	shoff, counts := b[0x28:0x30], b[0x3c:0x40] // Elf64_Ehdr: e_shoff; e_shnum, e_shstrndx
	if elf.Class(b[elf.EI_CLASS]) == elf.ELFCLASS32 {
		shoff, counts = b[0x20:0x24], b[0x30:0x34]
	}
	clear(shoff)
	clear(counts)
	if err := os.WriteFile(file, b, 0o755); err != nil {
		t.Fatal(err)
	}
}

// fillRoot puts the C and C++ libraries and the loader's configuration into a
// sysroot.
func (c crossTarget) fillRoot(t *testing.T, root string) {
	t.Helper()
	conf, dirs := "etc/ld.so.conf", vendorDir+"\n"
	if c.musl() {
		names := map[string]string{"i686": "i386", "armv7l": "armhf", "ppc64le": "powerpc64le"}
		name := names[c.arch]
		if name == "" {
			name = c.arch
		}
		conf, dirs = "etc/ld-musl-"+name+".path", "/lib:/usr/lib\n"+vendorDir+"\n"
	}
	for _, dir := range []string{"etc", vendorDir} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, conf), []byte(dirs), 0o644); err != nil {
		t.Fatal(err)
	}
	c.copyLibs(t, filepath.Join(root, "usr/lib"), append(append(c.systemLibraries(), c.cxxRuntime()...), c.loader)...)
}

// runtimeFlags link the C++ runtime. zig would link its own, statically.
func (c crossTarget) runtimeFlags(t *testing.T) []string {
	t.Helper()
	if c.zig == "" {
		return nil
	}
	var files []string
	for _, name := range c.cxxRuntime() {
		files = append(files, c.lib(t, name))
	}
	return files
}

// compile compiles one file of testdata/cross for the target. Flags that name
// libraries stand after the source, as linkers want them.
func (c crossTarget) compile(t *testing.T, out, source string, flags ...string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	name, args := c.compiler(t, filepath.Ext(source) == ".cc")
	// Sized deallocation is younger than manylinux_2_17.
	args = append(args, "-O1", "-fPIC", "-fno-sized-deallocation", "-o", out)
	args = append(args, c.flags...)
	if c.ifunc() {
		args = append(args, "-DHAVE_IFUNC")
	}
	args = append(args, filepath.Join("testdata", "cross", source))
	if c.zig != "" {
		args = append(args, "-x", "none") // what follows are libraries
	}
	run(t, nil, name, append(args, flags...)...).must(t)
}

// compiler returns the compiler and what it always gets.
func (c crossTarget) compiler(t *testing.T, cxx bool) (name string, args []string) {
	t.Helper()
	if c.zig == "" {
		// zig has no glibc for big-endian PowerPC.
		name = "powerpc64-linux-gnu-gcc"
		if cxx {
			name = "powerpc64-linux-gnu-g++"
			args = []string{"-include", filepath.Join("testdata", "cross", "old_ppc64.h")}
		}
		return name, args
	}
	name = cached(t, "peers", "lib", "python3*", "site-packages", "ziglang", "zig")
	args = []string{"cc", "-target", c.zig}
	switch {
	case cxx:
		args = append(args, "-nostdinc++", "-x", "c++")
	case c.musl():
		args = append(args, "-dynamic")
	}
	return name, args
}
