//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"testing"
)

// gcc compiles one file of testdata/c into out, whose folder is made. Flags
// that name libraries stand after the source, as the linker wants them.
func gcc(t *testing.T, out, source string, flags ...string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		t.Fatal(err)
	}
	compiler := "gcc"
	if filepath.Ext(source) == ".cc" {
		compiler = "g++"
	}
	args := append([]string{"-O1", "-fPIC", "-o", out, filepath.Join("testdata", "c", source)}, flags...)
	run(t, nil, compiler, args...).must(t)
	return out
}

// library compiles a shared library with the soname that its file name has.
func library(t *testing.T, out, source string, flags ...string) string {
	t.Helper()
	return gcc(t, out, source, append([]string{"-shared", "-Wl,-soname," + filepath.Base(out)}, flags...)...)
}

// constant compiles a library whose one function returns a number.
func constant(t *testing.T, out, function, value string) string {
	t.Helper()
	return library(t, out, "constant.c", "-DFUNCTION="+function, "-DVALUE="+value)
}

// extension compiles an extension module whose call() returns what function
// says; libraries are files to link.
func extension(t *testing.T, name, function string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".so")
	include := run(t, nil, peer(t, "python"), "-c", "import sysconfig; print('-I' + sysconfig.get_path('include'), end='')").must(t).stdout
	defines := []string{"-shared", include, "-DINIT=PyInit_" + name, "-DNAME=\"" + name + "\"", "-DCALLEE=" + function}
	return gcc(t, out, "extension.c", append(defines, flags...)...)
}

// runpath and rpath are the two ways to tell a linker where a library lies.
func runpath(dir string) string { return "-Wl,--enable-new-dtags,-rpath," + dir }
func rpath(dir string) string   { return "-Wl,--disable-new-dtags,-rpath," + dir }

// remove takes away what a wheel was linked to, before it is used.
func remove(t *testing.T, paths ...string) {
	t.Helper()
	for _, p := range paths {
		if err := os.RemoveAll(p); err != nil {
			t.Fatal(err)
		}
	}
}
