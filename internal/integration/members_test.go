//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"debug/elf"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// members reads a whole wheel with the standard library's reader: wheelmend's
// own is among the things tested.
func members(t *testing.T, wheel string) map[string][]byte {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatalf("%s: %v", wheel, err)
	}
	defer z.Close()
	content := map[string][]byte{}
	for _, f := range z.File {
		if f.FileInfo().IsDir() {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatalf("%s: %s: %v", wheel, f.Name, err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %s: %v", wheel, f.Name, err)
		}
		content[f.Name] = b
	}
	return content
}

// elfMembers returns the members of a wheel that are ELF files.
func elfMembers(t *testing.T, wheel string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for name, b := range members(t, wheel) {
		if bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
			found[name] = b
		}
	}
	return found
}

// inFolder returns the names of the members whose folder ends in suffix, as
// in ".libs", sorted by nothing.
func inFolder(content map[string][]byte, suffix string) []string {
	var names []string
	for name := range content {
		if strings.HasSuffix(path.Dir(name), suffix) {
			names = append(names, name)
		}
	}
	return names
}

// only returns the single member of a folder, or fails.
func only(t *testing.T, content map[string][]byte, suffix string) string {
	t.Helper()
	names := inFolder(content, suffix)
	if len(names) != 1 {
		t.Fatalf("members in %q: got %q, want one", suffix, names)
	}
	return names[0]
}

// dynamic returns the strings of one dynamic tag of an ELF image.
func dynamic(t *testing.T, image []byte, tag elf.DynTag) []string {
	t.Helper()
	f, err := elf.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.DynString(tag)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// writeFile puts bytes into a new file of the test's own and returns its path.
func writeFile(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), filepath.Base(name))
	if err := os.WriteFile(file, content, 0o755); err != nil {
		t.Fatal(err)
	}
	return file
}
