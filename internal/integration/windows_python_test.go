//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed testdata/windows_python.py
var windowsPythonScript string

// wine runs programs of Windows, with wine's folder that scripts/setup-windows-python made.
const (
	wine       = "/usr/lib/wine/wine64"
	wineServer = "/usr/lib/wine/wineserver64"
)

// nativeDLLs has wine load these from the folders in which Windows would look for them, or
// not at all. wine has its own of most of them, under which a missing one would go unseen.
// CPython's ucrtbase.dll is Microsoft's; without one beside it wine's own has to do.
const nativeDLLs = "ucrtbase=n,b;vcruntime140,vcruntime140_1,vcruntime140_threads,msvcp140,msvcp140_1,msvcp140_2," +
	"msvcp140_atomic_wait,msvcp140_codecvt_ids,concrt140,vcomp,vcomp140,vccorlib140,vcamp140,mfc140,mfc140u," +
	"msvcr90,msvcr100,msvcr110,msvcr120,msvcp90,msvcp100,msvcp110,msvcp120=n;winedbg.exe=d;mscoree,mshtml="

// wineEnviron is what wine needs to run without a screen.
func wineEnviron(t *testing.T) []string {
	t.Helper()
	return []string{
		"WINEPREFIX=" + cached(t, "windows-python", "prefix"), "WINEARCH=win64", "WINEDEBUG=-all", "DISPLAY=",
		"WINEDLLOVERRIDES=" + nativeDLLs, "PYTHONDONTWRITEBYTECODE=1",
	}
}

// wineStarted guards the one start of wine.
var wineStarted sync.Once

// warmWine starts wine's server and services once, without a pipe that they would hold
// open. The server ends by itself half a minute after the last program.
func warmWine(t *testing.T) {
	t.Helper()
	wineStarted.Do(func() {
		for _, args := range [][]string{{wineServer, "-p30"}, {wine, "cmd", "/c", "exit"}} {
			cmd := exec.Command(args[0], args[1:]...)
			cmd.Env = append(cleanEnviron(), wineEnviron(t)...)
			if err := cmd.Run(); err != nil {
				t.Fatalf("%s: %v; see scripts/setup-windows-python", args[0], err)
			}
		}
	})
}

// A windowsSite is a folder of Windows into which wheels are installed.
type windowsSite struct{ prefix string }

// newWindowsSite installs wheels as pip does: what lies in NAME.data is put where its
// scheme says.
func newWindowsSite(t *testing.T, wheels ...string) windowsSite {
	t.Helper()
	s := windowsSite{t.TempDir()}
	for _, wheel := range wheels {
		s.install(t, wheel)
	}
	return s
}

// packages is the folder that modules are imported from.
func (s windowsSite) packages() string { return filepath.Join(s.prefix, "Lib", "site-packages") }

func (s windowsSite) install(t *testing.T, wheel string) {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, m := range z.File {
		if strings.HasSuffix(m.Name, "/") {
			continue
		}
		to := s.place(m.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, memberBytes(t, m), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// place is where an installer puts a member (Python Packaging User Guide, "Binary
// distribution format", Spreading).
func (s windowsSite) place(member string) string {
	first, rest, _ := strings.Cut(member, "/")
	scheme, inside, spread := strings.Cut(rest, "/")
	if !strings.HasSuffix(first, ".data") || !spread {
		return filepath.Join(s.packages(), filepath.FromSlash(member))
	}
	switch scheme {
	case "purelib", "platlib":
		return filepath.Join(s.packages(), filepath.FromSlash(inside))
	case "scripts":
		return filepath.Join(s.prefix, "Scripts", filepath.FromSlash(inside))
	case "headers":
		return filepath.Join(s.prefix, "Include", filepath.FromSlash(inside))
	}
	return filepath.Join(s.prefix, filepath.FromSlash(inside))
}

func memberBytes(t *testing.T, m *zip.File) []byte {
	t.Helper()
	r, err := m.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// windowsOutcome is what a program did in Python for Windows.
type windowsOutcome struct {
	Result string   // the program's variable of that name
	Error  string   // the exception that ended it: "ImportError: DLL load failed ..."
	Loaded []string // the files that were loaded then, below the site's folder, with slashes
	Others []string // those from elsewhere: Python's, and wine's as C:\windows\...
}

// runWindows has a program run by the Python of a version, in a process of its own, with
// the wheels of a site installed. The folders are on PATH.
func (s windowsSite) runWindows(t *testing.T, version, code string, onPath ...string) windowsOutcome {
	t.Helper()
	warmWine(t)
	python := cached(t, "windows-python", "python", version, "python.exe")
	script := filepath.Join(s.prefix, "program.py")
	for name, text := range map[string]string{script: windowsPythonScript, script + ".txt": code} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, wine, python, ofWindows(script), ofWindows(s.packages()))
	cmd.Env = append(cleanEnviron(), wineEnviron(t)...)
	var folders []string
	for _, dir := range onPath {
		folders = append(folders, ofWindows(dir))
	}
	cmd.Env = append(cmd.Env, "WINEPATH="+strings.Join(folders, ";"))
	// Python refuses a file as its output under wine. Programs of wine may hold the pipe
	// open when Python has ended.
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = &out, &out, time.Second
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) && !errors.Is(err, exec.ErrWaitDelay) {
		t.Fatalf("%s: %v", python, err)
	}
	_, answer, found := strings.Cut(out.String(), "\x1e")
	if !found {
		return windowsOutcome{Error: "no answer, " + cmd.ProcessState.String() + ": " + out.String()}
	}
	return s.outcome(t, answer)
}

// ofWindows is the name that a file of this machine has under wine.
func ofWindows(name string) string { return `Z:` + strings.ReplaceAll(name, "/", `\`) }

// outcome reads what testdata/windows_python.py prints.
func (s windowsSite) outcome(t *testing.T, answer string) windowsOutcome {
	t.Helper()
	var o struct {
		Result, Error string
		Loaded        []string
	}
	if err := json.NewDecoder(strings.NewReader(answer)).Decode(&o); err != nil {
		t.Fatalf("%v in %q", err, answer)
	}
	out := windowsOutcome{Result: o.Result, Error: o.Error}
	below := strings.ToLower(ofWindows(s.packages())) + `\`
	for _, file := range o.Loaded {
		if strings.HasPrefix(strings.ToLower(file), below) {
			out.Loaded = append(out.Loaded, strings.ReplaceAll(file[len(below):], `\`, "/"))
		} else {
			out.Others = append(out.Others, file)
		}
	}
	return out
}

// strangers are the DLLs that were loaded from elsewhere than the site, Python and
// Windows.
func (o windowsOutcome) strangers(t *testing.T) []string {
	t.Helper()
	own := strings.ToLower(ofWindows(cached(t, "windows-python", "python")))
	var out []string
	for _, file := range o.Others {
		lower := strings.ToLower(file)
		if !strings.HasPrefix(lower, own) && !strings.HasPrefix(lower, `c:\windows\`) {
			out = append(out, file)
		}
	}
	return out
}

// loads tells whether a file of that name was loaded from the site.
func (o windowsOutcome) loads(name string) bool {
	for _, file := range o.Loaded {
		if strings.EqualFold(path.Base(file), name) {
			return true
		}
	}
	return false
}

// pythonOf is the version of Python that a wheel is run by.
func pythonOf(wheel string) string {
	parts := strings.Split(strings.TrimSuffix(filepath.Base(wheel), ".whl"), "-")
	tag := parts[len(parts)-3]
	if minor, ok := strings.CutPrefix(tag, "cp3"); ok && minor != "10" && minor != "11" {
		return "3." + minor
	}
	return "3.12"
}
