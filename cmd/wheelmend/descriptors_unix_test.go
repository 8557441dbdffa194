//go:build unix

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// Finished wheels whose libraries later ones may share stay open, but no more of them
// than there is room for: each of 60 wheels here copies a library of its own in, and a
// process may have 40 files open.
func TestManyWheelsNeedFewDescriptors(t *testing.T) {
	limited := fewDescriptors(t)
	for _, tt := range []struct{ name, module, library, plat string }{
		{"linux", "demo/_core.so elf x86_64 needed=libx%d.so.1,libc.so.6 export=PyInit__core", "usr/lib/libx%d.so.1 elf x86_64 soname=libx%[1]d.so.1 needed=libc.so.6", "linux_x86_64"},
		{"macos", "demo/_core.so macho arch=arm64 type=bundle minos=11.0 loads=/opt/libx%d.dylib", "opt/libx%d.dylib macho arch=arm64 id=/opt/libx%[1]d.dylib minos=11.0", "macosx_11_0_arm64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const wheels = 60
			dir := t.TempDir()
			var libraries strings.Builder
			args := []string{"repair", "-q", "--sysroot", filepath.Join(dir, "root"), "-w", filepath.Join(dir, "out")}
			for i := range wheels {
				fmt.Fprintf(&libraries, tt.library+"\n", i)
				name := fmt.Sprintf("demo-1.%d-cp312-cp312-%s.whl", i, tt.plat)
				image, err := wheeltest.Build(name, fmt.Sprintf(tt.module, i))
				if err != nil {
					t.Fatal(err)
				}
				args = append(args, filepath.Join(dir, name))
				if err := os.WriteFile(args[len(args)-1], image, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if err := wheeltest.WriteLibs(filepath.Join(dir, "root"), libraries.String()); err != nil {
				t.Fatal(err)
			}
			if out, err := limited(args...).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			made, err := filepath.Glob(filepath.Join(dir, "out", "demo-*.whl"))
			if err != nil || len(made) != wheels {
				t.Errorf("%d wheels are made, %v; want %d", len(made), err, wheels)
			}
		})
	}
}

// fewDescriptors returns what makes a call of the command that may have 40 files open.
func fewDescriptors(t *testing.T) func(args ...string) *exec.Cmd {
	t.Helper()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to set a limit with")
	}
	if out, err := exec.Command(sh, "-c", "ulimit -n 40").CombinedOutput(); err != nil {
		t.Skipf("the shell cannot limit open files: %s", out)
	}
	program := self(t)
	return func(args ...string) *exec.Cmd {
		return exec.Command(sh, append([]string{"-c", `ulimit -n 40 && exec "$@"`, "sh", program}, args...)...)
	}
}

// self returns the test binary under the name by which it is the command, see TestMain.
func self(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "wheelmend")
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	return link
}
