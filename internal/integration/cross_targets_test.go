//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// crossTarget is a kind of system that wheels are repaired for on this machine.
type crossTarget struct {
	arch string // as platform tags spell it
	zig  string // as zig spells the oldest system to build for; "" is built with gcc
	qemu string // runs its programs; "" is the kernel itself
	// libs has the loader, the C library and the C++ runtime. A path that is not
	// absolute lies in the cache.
	libs   string
	loader string   // in libs, or absolute
	tag    string   // what the repaired wheel earns
	flags  []string // of the compiler
}

// glibcTargets are the architectures of manylinux. qemu runs what the kernel of
// an x86-64 machine cannot.
var glibcTargets = []crossTarget{
	{"x86_64", "x86_64-linux-gnu.2.17", "", "/usr/lib/x86_64-linux-gnu", "/lib64/ld-linux-x86-64.so.2", "manylinux_2_17_x86_64", nil},
	{"i686", "x86-linux-gnu.2.17", "", "/usr/i686-linux-gnu/lib", "ld-linux.so.2", "manylinux_2_17_i686", nil},
	{"aarch64", "aarch64-linux-gnu.2.17", "qemu-aarch64", "/usr/aarch64-linux-gnu/lib", "ld-linux-aarch64.so.1", "manylinux_2_17_aarch64", nil},
	{"armv7l", "arm-linux-gnueabihf.2.17", "qemu-arm", "/usr/arm-linux-gnueabihf/lib", "ld-linux-armhf.so.3", "manylinux_2_17_armv7l", nil},
	{"ppc64le", "powerpc64le-linux-gnu.2.19", "qemu-ppc64le", "/usr/powerpc64le-linux-gnu/lib", "ld64.so.2", "manylinux_2_17_ppc64le",
		// The printf for zig's own choice is younger than the C library that it links.
		[]string{"-mabi=ibmlongdouble"}},
	{"ppc64", "", "qemu-ppc64", "/usr/powerpc64-linux-gnu/lib", "ld64.so.1", "manylinux_2_17_ppc64",
		// __tls_get_addr_opt is of glibc 2.22.
		[]string{"-Wl,--no-tls-get-addr-optimize"}},
	{"s390x", "s390x-linux-gnu.2.17", "qemu-s390x", "/usr/s390x-linux-gnu/lib", "ld64.so.1", "manylinux_2_17_s390x", nil},
	{"riscv64", "riscv64-linux-gnu.2.31", "qemu-riscv64", "/usr/riscv64-linux-gnu/lib", "ld-linux-riscv64-lp64d.so.1", "manylinux_2_31_riscv64", nil},
	{"loongarch64", "loongarch64-linux-gnu.2.36", "cross/bin/qemu-loongarch64", "cross/glibc/loongarch64", "ld-linux-loongarch-lp64d.so.1", "manylinux_2_36_loongarch64", nil},
}

// muslTargets are the architectures of musllinux.
var muslTargets = []crossTarget{
	{"x86_64", "x86_64-linux-musl", "", "cross/musl/x86_64", "libc.so", "musllinux_1_2_x86_64", nil},
	{"i686", "x86-linux-musl", "", "cross/musl/i686", "libc.so", "musllinux_1_2_i686", nil},
	{"aarch64", "aarch64-linux-musl", "qemu-aarch64", "cross/musl/aarch64", "libc.so", "musllinux_1_2_aarch64", nil},
	{"armv7l", "arm-linux-musleabihf", "qemu-arm", "cross/musl/armv7l", "libc.so", "musllinux_1_2_armv7l", nil},
	{"ppc64le", "powerpc64le-linux-musl", "qemu-ppc64le", "cross/musl/ppc64le", "libc.so", "musllinux_1_2_ppc64le", nil},
	{"s390x", "s390x-linux-musl", "qemu-s390x", "cross/musl/s390x", "libc.so", "musllinux_1_2_s390x", nil},
	{"riscv64", "riscv64-linux-musl", "qemu-riscv64", "cross/musl/riscv64", "libc.so", "musllinux_1_2_riscv64", nil},
	{"loongarch64", "loongarch64-linux-musl", "cross/bin/qemu-loongarch64", "cross/musl/loongarch64", "libc.so", "musllinux_1_2_loongarch64", nil},
}

// patchTargets have no wheels, but the patch command knows their files: big-endian
// with 32 bits, and with a .dynamic that nothing can write to.
var patchTargets = []crossTarget{
	{"mips", "mips-linux-gnueabihf.2.17", "qemu-mips", "/usr/mips-linux-gnu/lib", "ld.so.1", "", nil},
}

// musl reports whether the target's C library is musl.
func (c crossTarget) musl() bool { return c.loader == "libc.so" }

// ifunc reports whether the target has indirect functions: musl and glibc for
// MIPS have none.
func (c crossTarget) ifunc() bool { return !c.musl() && c.arch != "mips" }

// alpine returns what musl's libc is called on Alpine Linux, where the wheels of
// musllinux come from; zig calls it libc.so.
func (c crossTarget) alpine() string {
	names := map[string]string{"i686": "x86", "armv7l": "armv7"}
	if name, ok := names[c.arch]; ok {
		return "libc.musl-" + name + ".so.1"
	}
	return "libc.musl-" + c.arch + ".so.1"
}

// lib returns the path of a file in libs.
func (c crossTarget) lib(t *testing.T, name string) string {
	t.Helper()
	switch {
	case filepath.IsAbs(name):
		return name
	case filepath.IsAbs(c.libs):
		return filepath.Join(c.libs, name)
	}
	return cached(t, c.libs, name)
}

// systemLibraries are the files of libs that belong to the system of every user,
// by the names that programs ask for.
func (c crossTarget) systemLibraries() []string {
	if c.musl() {
		return []string{"libc.so"}
	}
	return []string{"libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"}
}

// cxxRuntime are the libraries that C++ needs. Users of manylinux have them;
// users of musllinux need not.
func (c crossTarget) cxxRuntime() []string {
	if c.musl() {
		return []string{"libc++abi.so.1", "libunwind.so.1"}
	}
	return []string{"libstdc++.so.6", "libgcc_s.so.1"}
}

// copyLibs copies files of libs, links resolved, into a folder.
func (c crossTarget) copyLibs(t *testing.T, dir string, names ...string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), readFile(t, c.lib(t, name)), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}
