//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	// mangledDLL is a name that delvewheel has given a DLL: 32 digits of a SHA-256.
	mangledDLL = regexp.MustCompile(`(?i)^(.*)-[0-9a-f]{32}(\.dll)$`)
	// delvewheelPatch is what delvewheel adds to the modules of a wheel.
	delvewheelPatch = regexp.MustCompile(`(?s)(?:"""""" )?# start delvewheel patch\r?\n.*?# end delvewheel patch\r?\n`)
)

// undelvewheel makes the wheel that delvewheel was given: without the DLLs that it copied
// in, which are in the second folder under the names that they had, and without its change
// of Python files. Names are put back byte by byte, so that no code of ours is asked.
func undelvewheel(t *testing.T, wheel string) (bare, libraries string) {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	names := map[string]string{}
	for _, m := range z.File {
		if base := path.Base(m.Name); mangledDLL.MatchString(base) {
			names[base] = mangledDLL.ReplaceAllString(base, "$1$2")
		}
	}
	dir := t.TempDir()
	libraries = filepath.Join(dir, "libraries")
	if err := os.Mkdir(libraries, 0o755); err != nil {
		t.Fatal(err)
	}
	members := map[string][]byte{}
	for _, m := range z.File {
		base, content := path.Base(m.Name), memberBytes(t, m)
		content = restoreNames(content, names)
		switch {
		case strings.HasSuffix(m.Name, "/"), base == "DELVEWHEEL", base == "RECORD" && strings.Contains(m.Name, ".dist-info/"), strings.HasPrefix(base, ".load-order"):
		case copiedDLL(m.Name):
			keepLibrary(t, filepath.Join(libraries, originalName(base, names)), content)
		case strings.HasSuffix(base, ".py"):
			members[m.Name] = delvewheelPatch.ReplaceAll(content, nil)
		default:
			members[m.Name] = content
		}
	}
	bare = filepath.Join(dir, filepath.Base(wheel))
	packWheel(t, bare, members)
	return bare, libraries
}

// copiedDLL tells whether delvewheel has put a member there.
func copiedDLL(member string) bool {
	return strings.HasSuffix(strings.ToLower(member), ".dll") && (strings.HasSuffix(path.Dir(member), ".libs") || mangledDLL.MatchString(path.Base(member)))
}

func originalName(base string, names map[string]string) string {
	if name, ok := names[base]; ok {
		return name
	}
	return base
}

// keepLibrary writes a library of the build machine. Two of one name are the same one,
// which was copied to two folders.
func keepLibrary(t *testing.T, name string, content []byte) {
	t.Helper()
	if old, err := os.ReadFile(name); err == nil && !bytes.Equal(old, content) {
		t.Fatalf("%s: there are two that differ", name)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// restoreNames overwrites longer names in an image by those of before and zero bytes. A
// checksum that is wrong by then is dropped.
func restoreNames(image []byte, names map[string]string) []byte {
	if !bytes.HasPrefix(image, []byte("MZ")) {
		return image
	}
	changed := false
	for mangled, name := range names {
		for _, spell := range []func(string) string{func(s string) string { return s }, strings.ToLower} {
			old, new := append([]byte(spell(mangled)), 0), make([]byte, len(mangled)+1)
			copy(new, spell(name))
			if bytes.Contains(image, old) {
				image, changed = bytes.ReplaceAll(image, old, new), true
			}
		}
	}
	if changed {
		header := int(image[0x3c]) | int(image[0x3d])<<8
		copy(image[header+24+64:], []byte{0, 0, 0, 0})
	}
	return image
}

// packWheel writes an archive with a RECORD of what is in it.
func packWheel(t *testing.T, name string, members map[string][]byte) {
	t.Helper()
	var order []string
	record, info := new(strings.Builder), ""
	for member, content := range members {
		order = append(order, member)
		if dir := path.Dir(member); strings.HasSuffix(dir, ".dist-info") {
			info = dir
		}
		sum := sha256.Sum256(content)
		fmt.Fprintf(record, "\"%s\",sha256=%s,%d\n", member, base64.RawURLEncoding.EncodeToString(sum[:]), len(content))
	}
	fmt.Fprintf(record, "%s/RECORD,,\n", info)
	members[info+"/RECORD"] = []byte(record.String())
	slices.Sort(order)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, member := range append(order, info+"/RECORD") {
		w, err := z.Create(member)
		if err == nil {
			_, err = w.Write(members[member])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}
