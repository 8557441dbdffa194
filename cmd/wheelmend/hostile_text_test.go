package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// hostileTexts are what a wheel may say where it should say a name: sequences for
// the terminal, characters that cannot be seen or turn text around, line ends of
// every kind, commands of CI services, markup, bytes that are no UTF-8.
var hostileTexts = []string{
	"\x1b[31mred\x1b]0;title\a\u202eb\u2066c\u200bd\ufeff\U000e0041\u009b31m\x00\x7f\b\xff\xfe",
	"a\r::error::b\n::set-output name=x::y ::stop-commands::t",
	"::set-output\u2028::warning::b\u2029##[c\u0085::debug::d",
	"##vso[task.setvariable]##[command]##teamcity[x]",
	"travis_fold:start:x section_start:1:x",
	"<script>x</script>[a](javascript:x)\"]; evil [label=\"b",
}

// hostileLibrary is an ELF file each text of which is hostile.
func hostileLibrary(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	return string(elftest.Build(elftest.Spec{
		Needed: []string{text + ".so", "libc.so.6"}, Soname: text, RPath: "$ORIGIN/" + text + ":/" + text,
		Symbols: []elftest.Symbol{{Name: text, Library: "libc.so.6", Version: "GLIBC_" + text}, {Name: "memcpy", Library: "libc.so.6", Version: "GLIBC_2.14"}},
	}))
}

// hostileWheels writes wheels with a text in each field that has one.
func hostileWheels(t *testing.T, dir, text string) []string {
	t.Helper()
	const stem = "demo-1.0-cp312-cp312-linux_x86_64.whl"
	library := "raw " + fmt.Sprintf("%q", hostileLibrary(text))
	specs := map[string]string{
		"library":  "demo/_core.so " + library,
		"program":  "demo-1.0.data/scripts/tool mode=0755 " + library,
		"member":   fmt.Sprintf("%q raw \"x\"\ndemo/_core.so elf x86_64 needed=libmissing.so.1", "demo/"+text),
		"binary":   fmt.Sprintf("%q %s", "demo/"+text+".so", library),
		"WHEEL":    fmt.Sprintf("demo-1.0.dist-info/WHEEL text \"Wheel-Version: 1.0\" %q %q\ndemo/_core.so %s", "Tag: "+text, "Build: "+text, library),
		"version":  fmt.Sprintf("demo-1.0.dist-info/WHEEL text %q\ndemo/_core.so %s", "Wheel-Version: "+text, library),
		"METADATA": fmt.Sprintf("demo-1.0.dist-info/METADATA text %q %q", "Name: "+text, "Version: "+text),
		"header":   fmt.Sprintf("demo-1.0.dist-info/METADATA text %q", text),
		"RECORD":   fmt.Sprintf("demo-1.0.dist-info/RECORD text %q %q", `"`+text+`",sha256=x,1`, "demo/x,"+text+","+text),
		"info":     fmt.Sprintf("%q text \"x\"", text+".dist-info/METADATA"),
		"commands": fmt.Sprintf("demo-1.0.dist-info/entry_points.txt text \"[console_scripts]\" %q", text+" = x:"+text),
		"scheme":   fmt.Sprintf("%q raw \"x\"", "demo-1.0.data/"+text+"/x"),
	}
	var paths []string
	for name, spec := range specs {
		image, err := wheeltest.Build(stem, spec)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join(dir, name, stem)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, image, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

// hostileCalls are command lines for a wheel, an output folder and a library.
func hostileCalls(wheel, out, library string) [][]string {
	return [][]string{
		{"wheelmend", "audit", "--ldpaths", "", wheel}, {"wheelmend", "audit", "-v", "--ldpaths", "", wheel}, {"wheelmend", "audit", "--json", "--ldpaths", "", wheel},
		{"wheelmend", "audit", "--color", "always", "--plat", "manylinux_2_5_x86_64", "--ldpaths", "", wheel},
		{"wheelmend", "audit", "--format", "markdown", "--ldpaths", "", wheel}, {"wheelmend", "audit", "--format", "sarif", "--ldpaths", "", wheel}, {"wheelmend", "audit", "--format", "html", "--ldpaths", "", wheel},
		{"wheelmend", "verify", "--format", "markdown", wheel}, {"wheelmend", "verify", "--format", "sarif", wheel}, {"wheelmend", "repair", "--format", "markdown", "--dry-run", "--ldpaths", "", wheel},
		{"wheelmend", "repair", "--ldpaths", "", "-w", out, wheel}, {"wheelmend", "repair", "--dry-run", "--ldpaths", "", wheel}, {"wheelmend", "repair", "--json", "--dry-run", "--ldpaths", "", wheel},
		{"wheelmend", "repair", "--log-format", "json", "--exclude", "*", "--ldpaths", "", "-w", out, wheel}, {"wheelmend", "repair", "-v", "--exclude", "*.so", "--ldpaths", "", "-w", out, wheel},
		{"wheelmend", "verify", wheel}, {"wheelmend", "verify", "-v", wheel}, {"wheelmend", "verify", "--json", wheel}, {"wheelmend", "verify", "--color", "always", wheel},
		{"wheelmend", "tree", "--ldpaths", "", wheel}, {"wheelmend", "tree", "--format", "json", "--ldpaths", "", wheel}, {"wheelmend", "tree", "--format", "dot", "--ldpaths", "", wheel},
		{"wheelmend", "tree", "--ldpaths", "", library}, {"wheelmend", "tag", "-w", out, wheel}, {"wheelmend", "merge", "-w", out, wheel, wheel},
		{"auditwheel", "show", "--ldpaths", "", wheel}, {"auditwheel", "-v", "show", "--ldpaths", "", wheel}, {"auditwheel", "show", "--json", "--ldpaths", "", wheel}, {"auditwheel", "repair", "--ldpaths", "", "-w", out, wheel}, {"auditwheel", "lddtree", library},
		{"repairwheel", "-o", out, wheel}, {"delocate-listdeps", "--all", "--depending", wheel}, {"delocate-wheel", "-w", out, wheel}, {"delocate-addplat", "-p", "macosx_11_0_arm64", "-w", out, wheel},
		{"delocate-merge", "-w", out, wheel, wheel}, {"delocate-fuse", "-w", out, wheel, wheel},
		{"patchelf", "--print-rpath", library}, {"patchelf", "--print-needed", library}, {"patchelf", "--print-soname", library},
		{"wheelmend", "patch", "--print-needed", library}, {"wheelmend", "patch", "--print-rpath", library}, {"wheelmend", "patch", "--print-soname", library},
	}
}

// ciCommand is what a CI service acts upon in a line.
var ciCommand = regexp.MustCompile(`(?i)^\s*(::|travis_fold:|travis_time:|section_(start|end):)|##(vso|teamcity)?\[`)

// colored takes the colors out that were asked for.
var colored = regexp.MustCompile("\x1b\\[(1|31|32|0)m")

// No text of a wheel acts upon a terminal, a CI service, or a reader of JSON,
// whatever the command and by whatever name it is called.
func TestHostileText(t *testing.T) {
	for i, text := range hostileTexts {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			dir := t.TempDir()
			library := filepath.Join(dir, "library.so")
			if err := os.WriteFile(library, []byte(hostileLibrary(text)), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, wheel := range hostileWheels(t, dir, text) {
				for _, args := range hostileCalls(wheel, filepath.Join(filepath.Dir(wheel), "out"), library) {
					var stdout, stderr bytes.Buffer
					run(context.Background(), args, console.Environment{Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }})
					checkTame(t, args, "stdout", stdout.String())
					checkTame(t, args, "stderr", stderr.String())
				}
			}
		})
	}
}

// checkTame checks what one call wrote.
func checkTame(t *testing.T, args []string, stream, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("%q: %s is no UTF-8: %q", args, stream, text)
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if ciCommand.MatchString(line) {
			t.Errorf("%q: %s has a line for a CI service: %q", args, stream, line)
		}
		plain := colored.ReplaceAllString(line, "")
		if strings.ContainsFunc(plain, func(r rune) bool {
			return r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp)
		}) {
			t.Errorf("%q: %s has a character that acts upon a terminal: %q", args, stream, line)
		}
		if strings.HasPrefix(line, `{"`) && !json.Valid([]byte(line)) {
			t.Errorf("%q: %s is no JSON: %q", args, stream, line)
		}
	}
}

// The name of the file itself is text from elsewhere, too.
func TestHostileFileName(t *testing.T) {
	image, err := wheeltest.Build("demo-1.0-cp312-cp312-linux_x86_64.whl", "demo/_core.so elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a\n::set-output name=x::y-1.0-cp312-cp312-linux_x86_64.whl", "demo-1.0-1\x1b[31m-cp312-cp312-linux_x86_64.whl", "\r##[command]demo-1.0-cp312-cp312-linux_x86_64.whl"} {
		dir := t.TempDir()
		wheel, library := filepath.Join(dir, name), filepath.Join(dir, name+".so")
		for path, content := range map[string][]byte{wheel: image, library: []byte(hostileLibrary("x"))} {
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Skipf("no such file name here: %v", err)
			}
		}
		for _, args := range hostileCalls(wheel, filepath.Join(dir, "out"), library) {
			var stdout, stderr bytes.Buffer
			run(context.Background(), args, console.Environment{Stdout: &stdout, Stderr: &stderr, Getenv: func(string) string { return "" }})
			checkTame(t, args, "stdout", stdout.String())
			checkTame(t, args, "stderr", stderr.String())
		}
	}
}
