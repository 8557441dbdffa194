package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// A block is a piece of shell that a document shows.
type block struct {
	line   int    // of its first command
	skip   string // why it is not run
	fails  bool   // it ends with another exit code than 0
	script string
}

// fence matches the first line of a code block: its info string.
var fence = regexp.MustCompile("^```(.*)$")

// skipReason matches the attribute that keeps a block from being run.
var skipReason = regexp.MustCompile(`\bskip-reason=("[^"]+"|\S+)`)

// shellBlocks returns the sh blocks of a Markdown text. An info string
// "sh skip-reason=..." keeps a block from being run, "sh fails" tells that its
// last command is meant to fail.
func shellBlocks(text string) []block {
	var blocks []block
	var current *block
	inside := false
	for i, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case m != nil && inside:
			if current != nil {
				blocks = append(blocks, *current)
			}
			inside, current = false, nil
		case m != nil:
			inside = true
			if words := strings.Fields(m[1]); len(words) > 0 && words[0] == "sh" {
				current = &block{line: i + 2, fails: strings.Contains(m[1], " fails")}
				if reason := skipReason.FindStringSubmatch(m[1]); reason != nil {
					current.skip = reason[1]
				}
			}
		case current != nil:
			current.script += line + "\n"
		}
	}
	return blocks
}

// ours reports whether the block begins with a call of the program.
func (b *block) ours() bool {
	script := strings.TrimSpace(b.script)
	return strings.HasPrefix(script, "wheelmend ") || strings.HasPrefix(script, "go run ./cmd/wheelmend")
}

func TestShellBlocks(t *testing.T) {
	got := shellBlocks("```sh\nwheelmend a\n```\n\n```\nwheelmend output\n```\n```sh skip-reason=\"no network\"\nwheelmend b\n```\n```sh fails\nmake\n```\n")
	if len(got) != 3 {
		t.Fatalf("%d blocks, want 3: %+v", len(got), got)
	}
	if b := got[0]; b.line != 2 || b.skip != "" || b.fails || !b.ours() || b.script != "wheelmend a\n" {
		t.Errorf("first block: %+v", b)
	}
	if b := got[1]; b.skip != `"no network"` || !b.ours() {
		t.Errorf("second block: %+v", b)
	}
	if b := got[2]; !b.fails || b.ours() {
		t.Errorf("third block: %+v", b)
	}
}

// TestDocuments runs the commands that README.md and docs/*.md show, in a
// directory with testdata, dist and what else a reader is told to have.
func TestDocuments(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no sh to run them with")
	}
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, path := range append(documents, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range shellBlocks(string(text)) {
			if b.ours() && b.skip == "" {
				ran++
				runBlock(t, root, filepath.Base(path), b)
			}
		}
	}
	if ran == 0 {
		t.Error("no document shows a command")
	}
}

func runBlock(t *testing.T, root, document string, b block) {
	t.Helper()
	dir := t.TempDir()
	readersDirectory(t, root, dir)
	script := strings.ReplaceAll(b.script, "go run ./cmd/wheelmend", "wheelmend")
	cmd := exec.Command("sh", "-eu", "-c", script)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}
	output, err := cmd.CombinedOutput()
	if (err != nil) != b.fails {
		t.Errorf("%s:%d: %v\n%s\n%s", document, b.line, err, script, output)
	}
}

// readersDirectory makes what the documents speak of: the checkout's testdata,
// a folder dist with a wheel that needs no library, a library for each system, and
// macOS wheels with the files of a system.
func readersDirectory(t *testing.T, root, dir string) {
	t.Helper()
	if err := os.Symlink(filepath.Join(root, "testdata"), filepath.Join(dir, "testdata")); err != nil {
		t.Fatal(err)
	}
	library, err := elftest.Parse("x86_64 soname=libdemo.so needed=libfoo.so.1,libc.so.6 symtab")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "libdemo.so"), elftest.Build(library), 0o755); err != nil {
		t.Fatal(err)
	}
	universal, err := machotest.Parse("arch=x86_64 id=/opt/lib/libdemo.dylib loads=/opt/lib/libfoo.dylib rpaths=/opt/lib " +
		"arch=arm64 id=/opt/lib/libdemo.dylib loads=/opt/lib/libfoo.dylib rpaths=/opt/lib")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "libdemo.dylib"), machotest.Build(universal), 0o755); err != nil {
		t.Fatal(err)
	}
	const name = "demo-1.0-cp312-cp312-linux_x86_64.whl"
	demo, err := wheeltest.Build(name, "demo/_core.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14 export=PyInit__core")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dist"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, name), filepath.Join(dir, "dist", name)} {
		if err := os.WriteFile(path, demo, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const mac = "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl"
	demo, err = wheeltest.Build(mac, "demo/_core.so  macho arch=arm64 type=bundle minos=11.0 loads=/opt/lib/libdemo.dylib")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, mac), demo, 0o644); err != nil {
		t.Fatal(err)
	}
	const intel = "demo-1.0-cp312-cp312-macosx_10_13_x86_64.whl"
	demo, err = wheeltest.Build(intel, "demo/_core.so  macho arch=x86_64 type=bundle minos=10.13 loads=/opt/lib/libdemo.dylib")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, intel), demo, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(filepath.Join(dir, "macos"), "opt/lib/libdemo.dylib  macho arch=arm64 id=/opt/lib/libdemo.dylib minos=11.0"); err != nil {
		t.Fatal(err)
	}
}
