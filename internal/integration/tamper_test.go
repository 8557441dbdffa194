//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rewritten writes a wheel again under a name, with changed members and the
// RECORD that these call for. A nil content takes a member away.
func rewritten(t *testing.T, wheel, name string, change func(content map[string][]byte)) string {
	t.Helper()
	content := members(t, wheel)
	record := recordName(t, content)
	change(content)
	var rows strings.Builder
	for _, name := range slices.Sorted(maps.Keys(content)) {
		if b := content[name]; b != nil && name != record {
			sum := sha256.Sum256(b)
			fmt.Fprintf(&rows, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(b))
		}
	}
	content[record] = []byte(rows.String() + record + ",,\n")
	return zipped(t, name, content)
}

// tampered writes a wheel again with changed members, and leaves RECORD as it
// is. The checksums of the archive are right.
func tampered(t *testing.T, wheel string, change func(content map[string][]byte)) string {
	t.Helper()
	content := members(t, wheel)
	change(content)
	return zipped(t, filepath.Base(wheel), content)
}

func recordName(t *testing.T, content map[string][]byte) string {
	t.Helper()
	for name := range content {
		if strings.HasSuffix(name, ".dist-info/RECORD") {
			return name
		}
	}
	t.Fatal("no RECORD")
	return ""
}

func zipped(t *testing.T, name string, content map[string][]byte) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, member := range slices.Sorted(maps.Keys(content)) {
		if content[member] != nil {
			addMember(t, z, member, content[member])
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// retagged gives a wheel another platform tag, in its name and in WHEEL.
func retagged(t *testing.T, wheel, platform string) string {
	t.Helper()
	base := strings.TrimSuffix(filepath.Base(wheel), ".whl")
	interpreter := base[:strings.LastIndexByte(base, '-')]
	return rewritten(t, wheel, interpreter+"-"+platform+".whl", func(content map[string][]byte) {
		name := strings.TrimSuffix(recordName(t, content), "RECORD") + "WHEEL"
		var lines []string
		for line := range strings.Lines(string(content[name])) {
			if !strings.HasPrefix(line, "Tag: ") {
				lines = append(lines, line)
			}
		}
		parts := strings.Split(interpreter, "-")
		tag := "Tag: " + strings.Join(parts[len(parts)-2:], "-") + "-" + platform + "\n"
		content[name] = []byte(strings.Join(append(lines, tag), ""))
	})
}

// edited returns an ELF image after a program has edited it in place; the file
// is the last argument.
func edited(t *testing.T, image []byte, program string, args ...string) []byte {
	t.Helper()
	file := writeFile(t, "edited.so", image)
	run(t, nil, program, append(args, file)...).must(t)
	return readFile(t, file)
}
