package audit_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
)

const windowsWheel = "demo-1.0-cp312-cp312-win_amd64.whl"

// core is an extension module that says nothing else.
func core(words string) string { return "demo/_core.pyd pe x64 export=PyInit__core " + words + "\n" }

func TestVerifyWindows(t *testing.T) {
	runVerify(t, audit.Fails, []verifyCase{
		{"nothing but Windows and Python", windowsWheel, core("needed=KERNEL32.dll:Sleep,python312.dll,VCRUNTIME140.dll,vcruntime140_1.dll,api-ms-win-crt-heap-l1-1-0.dll,ext-ms-win-x.dll"), ""},
		{"a runtime that Python does not bring", windowsWheel, core("needed=MSVCP140.dll"), `
			libraries: demo/_core.pyd: MSVCP140.dll: it is neither in the wheel nor part of Windows or Python; searched demo (folder of demo/_core.pyd)`},
		{"one that only newer Pythons bring", "demo-1.0-cp38-cp38-win_amd64.whl", core("needed=vcruntime140_1.dll,VCRUNTIME140.dll"), `
			libraries: demo/_core.pyd: vcruntime140_1.dll: it is neither in the wheel nor part of Windows or Python; searched demo (folder of demo/_core.pyd)`},
		{"beside the module, in another case", windowsWheel, core("needed=Foo.DLL:make") + "demo/foo.dll pe x64 export=make needed=bar.dll\ndemo/bar.dll pe x64 needed=foo.dll", ""},
		{"in the folder of the library, which is not that of the module", windowsWheel, core("needed=foo.dll") + `
			demo/__init__.py   text "import os" "os.add_dll_directory(os.path.join(os.path.dirname(__file__), 'lib'))"
			demo/lib/foo.dll   pe x64 needed=bar.dll
			other/bar.dll      pe x64`, `
			order: demo/lib/foo.dll: bar.dll: no file of the wheel leads to other/bar.dll`},
		{"nothing leads there", windowsWheel, core("needed=foo.dll") + "demo.libs/foo.dll pe x64", `
			order: demo/_core.pyd: foo.dll: no file of the wheel leads to demo.libs/foo.dll`},
		{"a missing export", windowsWheel, core("needed=foo.dll:make+take+#9") + "demo/foo.dll pe x64 export=make", `
			symbols: demo/_core.pyd: foo.dll: demo/foo.dll does not export what is imported from it (#9, take)`},
		{"flags that forbid the folder", windowsWheel, core("flags=0x800 needed=foo.dll") + "demo/foo.dll pe x64", `
			libraries: demo/_core.pyd: foo.dll: DependentLoadFlags 0x800 of demo/_core.pyd keep Windows from its folder`},
		{"flags that allow it", windowsWheel, core("flags=0x100 needed=foo.dll") + "demo/foo.dll pe x64", ""},
		{"the library of another Python", "demo-1.0-cp313-cp313-win_amd64.whl", core("needed=python312.dll"), `
			abi: demo/_core.pyd: python312.dll: it is the library of another Python than the tags name`},
		{"one version for the stable ABI", "demo-1.0-cp39-abi3-win_amd64.whl", core("needed=python313.dll"), `
			abi: demo/_core.pyd: python313.dll: it is the library of another Python than the tags name`},
		{"the stable ABI", "demo-1.0-cp39-abi3-win_amd64.whl", core("needed=python3.dll:PyLong_FromLong+_PyLong_New"), `
			stable: demo/_core.pyd: not in the stable ABI (_PyLong_New)`},
		{"a free-threaded one", "demo-1.0-cp313-cp313t-win_amd64.whl", core("needed=python313.dll"), `
			abi: demo/_core.pyd: python313.dll: it is the library of another Python than the tags name`},
		{"a module for another processor", "demo-1.0-cp312-cp312-win32.whl", core("needed=KERNEL32.dll"), `
			platform: demo/_core.pyd: it is for x64, the tag for x86; build it for that`},
		{"libraries for another processor", windowsWheel, core("needed=KERNEL32.dll") + "lib/x.dll pe x86", `
			platform: lib/x.dll: it is for x86, the tag for amd64; build it for that`},
		{"libraries for programs of another processor", windowsWheel, core("needed=KERNEL32.dll") + "lib/x.dll pe x86\nlib/x.exe pe x86 program needed=x.dll", ""},
		{"names of modules", windowsWheel, core("") + `
			demo/a.cp312-win_amd64.pyd  pe x64
			demo/b.cp311-win_amd64.pyd  pe x64
			demo/c.cp312-win32.pyd      pe x64
			demo/d.abi3.pyd             pe x64`, `
			abi: demo/b.cp311-win_amd64.pyd: its name is for another Python than the tags
			abi: demo/c.cp312-win32.pyd: its name is for win32, Python on win_amd64 does not look for it
			abi: demo/d.abi3.pyd: Python on Windows looks for no name with abi3 in it, but for a plain .pyd`},
		{"a forwarder that somebody follows", windowsWheel, core("needed=foo.dll:make") + "demo/foo.dll pe x64 export=make>bar.take", `
			libraries: demo/foo.dll: bar.dll: it is neither in the wheel nor part of Windows or Python; searched demo (folder of demo/_core.pyd)`},
		{"a forwarder that nobody follows", windowsWheel, core("needed=foo.dll:make") + "demo/foo.dll pe x64 export=make,other>bar.take", ""},
		{"a forwarder that leads to a missing export", windowsWheel, core("needed=foo.dll:make") + "demo/foo.dll pe x64 export=make>bar.take\ndemo/bar.dll pe x64 export=give", `
			symbols: demo/foo.dll: bar.dll: demo/bar.dll does not export what is imported from it (take)`},
		{"a delay import that nothing loads", windowsWheel, core("delay=foo.dll:make") + "demo/foo.dll pe x64 export=make", `
			order: demo/_core.pyd: foo.dll: no file of the wheel leads to demo/foo.dll`},
		{"a delay import that Python loads", windowsWheel, core("delay=foo.dll:make") + `
			demo/foo.dll      pe x64 export=make
			demo/__init__.py  text "import ctypes, os" "ctypes.WinDLL(os.path.join(os.path.dirname(__file__), 'foo.dll'))"`, ""},
		{"a path in an import", windowsWheel, core(`needed=..\foo.dll`) + "foo.dll pe x64", `
			libraries: demo/_core.pyd: ..\foo.dll: it is neither in the wheel nor part of Windows or Python; searched .. (install name ..\foo.dll: a path, which means another file on every machine)`},
	})
}

func TestRuntimesAreCompared(t *testing.T) {
	for _, tt := range []struct {
		module, runtime, want string
	}{
		{"linker=44", "version=29", "older than the linker 14.44"},
		{"linker=44", "version=42", ""}, // told by a repair
		{"linker=29", "version=44", ""},
		{"linker=44", "", ""}, // it does not say
		{"linker=0", "version=29", ""},
	} {
		r, _ := assess(t, windowsWheel, core(tt.module+" needed=msvcp140.dll:throw")+"demo/msvcp140.dll pe x64 export=throw "+tt.runtime, "", audit.Options{})
		var reasons []string
		for _, b := range r.Verdicts[0].Blockers {
			if b.Kind == audit.KindRuntime {
				reasons = append(reasons, b.Reason)
			}
		}
		if got := strings.Join(reasons, "; "); (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("a module with %s and a runtime with %s: %q, want %q", tt.module, tt.runtime, got, tt.want)
		}
	}
}

func TestWindowsTags(t *testing.T) {
	for filename, want := range map[string]string{
		windowsWheel:                            "win_amd64",
		"demo-1.0-cp312-cp312-any.whl":          "win_amd64",
		"demo-1.0-cp312-cp312-linux_x86_64.whl": "win_amd64",
		"demo-1.0-cp312-cp312-win32.whl":        "win32",
	} {
		r, _ := assess(t, filename, core("needed=KERNEL32.dll"), "", audit.Options{})
		if diff := cmp.Diff(want, r.RepairableTag()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", filename, diff)
		}
	}
}
