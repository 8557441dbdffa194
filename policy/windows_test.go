package policy

import (
	"slices"
	"strings"
	"testing"
)

func TestSystemDLLs(t *testing.T) {
	all, none := WindowsArchs(), []string(nil)
	for name, want := range map[string][]string{
		"kernel32.dll":         all,
		"KERNEL32.dll":         all,
		"ntdll.dll":            all,
		"msvcrt.dll":           all,
		"bcryptprimitives.dll": all,
		"winspool.drv":         all,
		"mfplat.dll":           all,
		"ucrtbase.dll":         all, // since Windows 10
		"combase.dll":          all,
		"gdiplus.dll":          all, // in WinSxS
		"opengl32.dll":         {WindowsX86, WindowsX64},
		"winml.dll":            {WindowsARM64},
		"kernel32":             none, // the loader adds .dll to calls, never to imports
		"winspool.dll":         none,
		"msvcp140.dll":         none,
		"vcruntime140.dll":     none,
		"computecore.dll":      {WindowsARM64}, // of Hyper-V
		"d3dx9_43.dll":         none,           // of an installer that nobody has any more
		"vulkan-1.dll":         none,           // of a driver
		"zlib1.dll":            none,
		"":                     none,
		".dll":                 none,
	} {
		var got []string
		for _, arch := range all {
			if SystemDLL(arch, name) {
				got = append(got, arch)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q is the system's for %q, want %q", name, got, want)
		}
	}
	if SystemDLL("arm", "kernel32.dll") || SystemDLL("", "kernel32.dll") {
		t.Error("an architecture of no wheel has DLLs")
	}
}

// The numbers are those of delvewheel 1.13.2, and what Windows 10 added for x86 and x64.
func TestTableOfWindowsIsWhole(t *testing.T) {
	for arch, want := range map[string]int{WindowsX86: 1226 + 24, WindowsX64: 1422 + 24, WindowsARM64: 2767} {
		if got := len(systemDLLs()[arch]); got != want {
			t.Errorf("%s has %d DLLs, want %d", arch, got, want)
		}
		for name := range systemDLLs()[arch] {
			if _, runtime := RuntimeDLL(name); runtime || APISet(name) || name != strings.ToLower(name) {
				t.Errorf("%s: %q is no name for the table", arch, name)
			}
		}
	}
}

func TestParseWindowsRejects(t *testing.T) {
	if _, err := parseWindows("x86 ia64\n  kernel32\n"); err == nil || !strings.Contains(err.Error(), `"ia64"`) {
		t.Errorf("got %v", err)
	}
}

func TestAPISets(t *testing.T) {
	for name, want := range map[string]bool{
		"api-ms-win-crt-runtime-l1-1-0.dll":    true,
		"API-MS-Win-Core-Synch-L1-2-0.dll":     true,
		"ext-ms-win-ntuser-window-l1-1-0.dll":  true,
		"EXT-MS-WIN-GDI-DRAW-l1-1-0.dll":       true,
		"extra.dll":                            false,
		"ext-tools.dll":                        false,
		"apiset.dll":                           false,
		"api-client.dll":                       false,
		"my-api-ms-win-crt-runtime-l1-1-0.dll": false,
	} {
		if got := APISet(name); got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestPythonDLLs(t *testing.T) {
	for name, want := range map[string]PythonLibrary{
		"python3.dll":        {Implementation: "cp", Major: 3, Stable: true},
		"python3t.dll":       {Implementation: "cp", Major: 3, Stable: true, FreeThreaded: true},
		"python3_d.dll":      {Implementation: "cp", Major: 3, Stable: true, Debug: true},
		"python27.dll":       {Implementation: "cp", Major: 2, Minor: 7},
		"python39.dll":       {Implementation: "cp", Major: 3, Minor: 9},
		"PYTHON312.dll":      {Implementation: "cp", Major: 3, Minor: 12},
		"python312_d.dll":    {Implementation: "cp", Major: 3, Minor: 12, Debug: true},
		"python313t.dll":     {Implementation: "cp", Major: 3, Minor: 13, FreeThreaded: true},
		"python314t_d.dll":   {Implementation: "cp", Major: 3, Minor: 14, FreeThreaded: true, Debug: true},
		"libpypy3.10-c.dll":  {Implementation: "pp", Major: 3, Minor: 10},
		"libpypy3-c.dll":     {Implementation: "pp", Major: 3},
		"libpypy-c.dll":      {Implementation: "pp"},
		"python-native.dll":  {Implementation: "graalpy", Major: 3},
		"libpython3.12.dll":  {Implementation: "cp", Major: 3, Minor: 12, Foreign: true},
		"libpython3.13t.dll": {Implementation: "cp", Major: 3, Minor: 13, FreeThreaded: true, Foreign: true},
		"libpython3.dll":     {Implementation: "cp", Major: 3, Stable: true, Foreign: true},
	} {
		if got, ok := PythonDLL(name); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"python.dll", "python2.dll", "python312.pyd", "python312", "mypython312.dll", "python3012.dll", "python1.dll",
		"pythoncom312.dll", "pywintypes312.dll", "python_d.dll", "boost_python312.dll", "python312-0123abcd.dll", ""} {
		if got, ok := PythonDLL(name); ok {
			t.Errorf("%q is taken for %+v", name, got)
		}
	}
}

func TestRuntimeDLLs(t *testing.T) {
	for name, want := range map[string]RuntimeLibrary{
		"vcruntime140.dll":          {Version: 140},
		"VCRUNTIME140_1.dll":        {Version: 140},
		"vcruntime140_threads.dll":  {Version: 140},
		"vcruntime140d.dll":         {Version: 140, Debug: true},
		"vcruntime140_1d.dll":       {Version: 140, Debug: true},
		"vcruntime140_app.dll":      {Version: 140},
		"vcruntime140_1_app.dll":    {Version: 140},
		"msvcp140.dll":              {Version: 140},
		"msvcp140_2.dll":            {Version: 140},
		"msvcp140_atomic_wait.dll":  {Version: 140},
		"msvcp140_codecvt_ids.dll":  {Version: 140},
		"msvcp140d_atomic_wait.dll": {Version: 140, Debug: true},
		"msvcp120.dll":              {Version: 120},
		"msvcr90.dll":               {Version: 90},
		"msvcr100d.dll":             {Version: 100, Debug: true},
		"concrt140.dll":             {Version: 140},
		"vcomp140.dll":              {Version: 140},
		"vcomp.dll":                 {Version: 80},
		"vcamp140.dll":              {Version: 140},
		"vccorlib140.dll":           {Version: 140},
		"mfc140u.dll":               {Version: 140},
		"mfc140ud.dll":              {Version: 140, Debug: true},
		"mfc140deu.dll":             {Version: 140},
		"mfcm140u.dll":              {Version: 140},
		"mfcmifc80.dll":             {Version: 80},
		"atl100.dll":                {Version: 100},
		"ucrtbased.dll":             {Version: 140, Debug: true},
	} {
		if got, ok := RuntimeDLL(name); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", name, got, ok, want)
		}
	}
	for _, name := range []string{"msvcrt.dll", "msvcp60.dll", "mfc42.dll", "msvcp_win.dll", "ucrtbase.dll", "msvcp140-0123abcd.dll",
		"msvcp140.pyd", "xmsvcp140.dll", "libomp140.x86_64.dll", "libstdc++-6.dll", ""} {
		if got, ok := RuntimeDLL(name); ok {
			t.Errorf("%q is taken for %+v", name, got)
		}
	}
}

// What delvewheel's ignore_by_abi_platform and ignore_abi3 leave out for these tags.
func TestWhatPythonBrings(t *testing.T) {
	both, one := []string{"vcruntime140.dll", "vcruntime140_1.dll"}, []string{"vcruntime140.dll"}
	for _, tt := range []struct {
		python, abi, arch string
		want              []string
	}{
		{"cp312", "cp312", WindowsX64, both},
		{"cp39", "cp39", WindowsARM64, both},
		{"cp312", "cp312", WindowsX86, one},
		{"cp313", "cp313t", WindowsX64, both},
		{"cp314", "cp314t", WindowsX86, one},
		{"cp38", "cp38", WindowsX64, one},
		{"cp37", "cp37m", WindowsX64, one},
		{"cp35", "cp35m", WindowsX86, one},
		{"cp312", "cp312d", WindowsX64, []string{"vcruntime140d.dll", "ucrtbased.dll"}},
		{"cp37", "cp37dm", WindowsX64, []string{"vcruntime140d.dll", "ucrtbased.dll"}},
		{"cp34", "cp34m", WindowsX64, []string{"msvcr100.dll"}},
		{"cp27", "cp27m", WindowsX86, []string{"msvcr90.dll"}},
		{"cp312", "abi3", WindowsX64, both},
		{"cp39", "abi3", WindowsX64, both},
		{"cp38", "abi3", WindowsX64, one},
		{"cp36", "abi3", WindowsX64, one},
		{"cp315", "abi3t", WindowsX64, both},
		{"pp310", "pypy310_pp73", WindowsX64, one},
		{"pp36", "pypy36_pp73", WindowsX86, one},
		{"pp310", "pypy310_pp73", WindowsX86, nil},
		{"pp27", "pypy_73", WindowsX86, one},
		{"pp27", "pypy_41", WindowsX86, []string{"msvcr90.dll"}},
		{"graalpy312", "graalpy250_312_native", WindowsX64, both},
		{"cp312", "none", WindowsX64, both},
		{"py3", "none", WindowsX64, one},
		{"py39", "none", WindowsX64, both},
		{"py2", "none", WindowsX64, []string{"msvcr90.dll"}},
		{"jy27", "none", WindowsX64, nil},
		{"", "", "", nil},
	} {
		var got []string
		for _, name := range []string{"vcruntime140.dll", "vcruntime140_1.dll", "vcruntime140d.dll", "ucrtbased.dll", "msvcr100.dll", "msvcr90.dll", "msvcp140.dll", "concrt140.dll", "vcomp140.dll"} {
			if PythonBrings(tt.python, tt.abi, tt.arch, strings.ToUpper(name)) {
				got = append(got, name)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s-%s for %s brings %q, want %q", tt.python, tt.abi, tt.arch, got, tt.want)
		}
	}
}
