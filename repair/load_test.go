package repair_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/repair"
)

// TestRepairedModulesLoad hands what is hard for ld.so to ld.so itself.
func TestRepairedModulesLoad(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("needs python3 on an x86_64 Linux")
	}
	const system = "usr/lib/libx.so symlink libx.so.1\nusr/lib/libx.so.1 elf x86_64 soname=libx.so.1 export=f@V1,g@V1"
	for _, tt := range []struct{ name, module string }{
		{"two names of one library become one", "needed=libx.so,libx.so.1 import=f@V1:libx.so,g@V1:libx.so.1"},
		{"versions are wanted by soname, the library by another name", "needed=libx.so import=f@V1:libx.so.1"},
		{"a library that a graft needs lies in the wheel", "needed=libx.so.1,libin.so rpath=$ORIGIN/lib"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linuxWheel, "demo/_core.so elf x86_64 export=PyInit__core "+tt.module+"\ndemo/lib/libin.so elf x86_64", system+" needed=libin.so")
			dir := t.TempDir()
			for name, content := range contents(t, w.repair(t, repair.Options{})) {
				path := filepath.Join(dir, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command(python, "-c", "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).PyInit__core())", filepath.Join(dir, "demo/_core.so"))
			out, err := cmd.CombinedOutput()
			if got := strings.TrimSpace(string(out)); err != nil || got != "40" {
				t.Errorf("it says %q (%v), want 40, what its function returns", got, err)
			}
		})
	}
}
