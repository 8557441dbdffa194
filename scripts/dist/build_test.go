package main

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		args  string
		files string // of the targets
		err   string
	}{
		{"", "wheelmend-linux-amd64 wheelmend-linux-arm64 wheelmend-darwin-amd64 wheelmend-darwin-arm64 wheelmend-windows-amd64.exe wheelmend-windows-arm64.exe", ""},
		{"-targets windows/arm64,linux/amd64 -version v1.2.3-rc.1", "wheelmend-windows-arm64.exe wheelmend-linux-amd64", ""},
		{"-targets linux/mips", "", `unknown system "linux/mips", want one of linux/amd64, linux/arm64`},
		{"-version 1.2.3", "", `-version "1.2.3": want a version as in v1.2.3`},
		{"now", "", `unknown argument "now"`},
		{"-pin", "", "-pin wants the version to come"},
		{"-pin -version v1.2.3-rc.1", "", "no pre-release"},
		{"-pin -version v1.2.3 -targets linux/amd64", "", "leave -targets out"},
	} {
		opts, err := parse(strings.Fields(tt.args))
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("parse(%q): error %v, want %q", tt.args, err, tt.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("parse(%q): %v", tt.args, err)
			continue
		}
		var files []string
		for _, target := range opts.targets {
			files = append(files, target.file())
		}
		if got := strings.Join(files, " "); got != tt.files {
			t.Errorf("parse(%q): targets %s, want %s", tt.args, got, tt.files)
		}
	}
}

func TestOnlyOwnDirectoriesAreReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := replaceable(filepath.Join(dir, "new")); err != nil {
		t.Errorf("no directory: %v", err)
	}
	if err := replaceable(dir); err != nil {
		t.Errorf("empty directory: %v", err)
	}
	write(t, filepath.Join(dir, "demo.whl"), "wheel")
	if err := replaceable(dir); err == nil || !strings.Contains(err.Error(), "has files, but no SHA256SUMS") {
		t.Errorf("directory of somebody else: %v", err)
	}
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	if err := replaceable(dir); err != nil {
		t.Errorf("directory of an earlier run: %v", err)
	}
}

func TestSums(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "b"), "abc")
	write(t, filepath.Join(dir, "a"), "")
	if err := writeSums(dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, sumsFile))
	if err != nil {
		t.Fatal(err)
	}
	const want = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n" +
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  b\n"
	if string(got) != want {
		t.Errorf("%s\n%swant\n%s", sumsFile, got, want)
	}
}

// TestPins holds the file of digests to the programs and to the version.
func TestPins(t *testing.T) {
	root, made := t.TempDir(), t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "scripts"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, target := range allTargets {
		write(t, filepath.Join(made, target.file()), target.String())
	}
	if err := checkPinned(root, "v1.2.3", made); err == nil || !strings.Contains(err.Error(), "-pin -version v1.2.3") {
		t.Errorf("no file: %v", err)
	}
	if err := pin(root, "v1.2.3", made); err != nil {
		t.Fatal(err)
	}
	if err := checkPinned(root, "v1.2.3", made); err != nil {
		t.Error(err)
	}
	if err := checkPinned(root, "v1.2.4", made); err == nil {
		t.Error("the file of another version is taken")
	}
	if err := checkPinned(root, "v1.2.4-rc.1", made); err != nil {
		t.Errorf("a pre-release needs none: %v", err)
	}
	write(t, filepath.Join(made, "wheelmend-linux-arm64"), "changed")
	if err := checkPinned(root, "v1.2.3", made); err == nil {
		t.Error("a changed program is taken")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// mostBytes bounds the program of a release. Twice a library made half of it: one that
// was needed for little, and one by which the linker keeps every method of all others
// (text/template). docs/development.md tells how to find the next.
const mostBytes = 11_000_000

// The program that is published is small; what it lacks for that, the man pages, comes
// from a build of its own.
func TestProgramIsSmallAndPagesAreMade(t *testing.T) {
	scratch := t.TempDir()
	b := &builder{root: filepath.Join("..", ".."), version: "v9.8.7"}
	program := filepath.Join(scratch, "program.exe")
	if err := b.build(t.Context(), target{runtime.GOOS, runtime.GOARCH}, "release", program); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s/%s: %d bytes", runtime.GOOS, runtime.GOARCH, info.Size())
	if info.Size() > mostBytes {
		t.Errorf("the program has %d bytes, want at most %d", info.Size(), mostBytes)
	}
	if said, err := output(t.Context(), "", nil, program, "man", scratch); err == nil {
		t.Errorf("the program writes man pages: %s", said)
	}
	for _, share := range []string{filepath.Join(scratch, "share"), filepath.Join(scratch, "again")} {
		if err := b.writeDocs(t.Context(), scratch, share); err != nil {
			t.Fatal(err)
		}
	}
	checkPages(t, filepath.Join(scratch, "share", "man", "man1"), filepath.Join(scratch, "again", "man", "man1"))
}

// checkPages looks for a page of each kind of command. A page has no date, so that it is
// the same whenever it is made.
func checkPages(t *testing.T, dir, again string) {
	t.Helper()
	for _, name := range []string{"wheelmend.1", "wheelmend-repair.1", "wheelmend-install-shims.1", "wheelmend-completion-zsh.1"} {
		page, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		title := `.TH "` + strings.ToUpper(strings.TrimSuffix(name, ".1")) + `" "1" "" "wheelmend 9.8.7"`
		if !strings.Contains(string(page), "\n"+title) || strings.Contains(string(page), "Auto generated") {
			t.Errorf("%s lacks %s, or says who made it:\n%.500s", name, title, page)
		}
		if second, err := os.ReadFile(filepath.Join(again, name)); err != nil || string(second) != string(page) {
			t.Errorf("%s: a second run gives another page (%v)", name, err)
		}
	}
	if page, err := os.ReadFile(filepath.Join(dir, "wheelmend-repair.1")); err == nil && !strings.Contains(string(page), "graft") {
		t.Errorf("the page of repair does not tell of its flags:\n%.500s", page)
	}
	if _, err := os.Stat(filepath.Join(dir, "wheelmend-man.1")); err == nil {
		t.Error("the command that writes the pages has one itself")
	}
}
