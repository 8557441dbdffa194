//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// mkwheel writes a wheel made-1.0 of this machine's kind. files maps member
// names to files; those in .data/scripts can be executed.
func mkwheel(t *testing.T, files map[string]string) string {
	t.Helper()
	content := map[string][]byte{}
	for name, file := range files {
		content[name] = readFile(t, file)
	}
	return writeWheel(t, t.TempDir(), "linux_x86_64", content)
}

// writeWheel writes made-1.0 with a platform tag and the given members into dir.
func writeWheel(t *testing.T, dir, platform string, content map[string][]byte) string {
	t.Helper()
	const info = "made-1.0.dist-info/"
	tag := run(t, nil, peer(t, "python"), "-c",
		"import sys; print('cp%d%d' % sys.version_info[:2], end='')").must(t).stdout
	tag += "-" + tag + "-" + platform
	content = maps.Clone(content)
	content[info+"METADATA"] = []byte("Metadata-Version: 2.1\nName: made\nVersion: 1.0\n")
	content[info+"WHEEL"] = []byte("Wheel-Version: 1.0\nGenerator: made 1.0\nRoot-Is-Purelib: false\nTag: " + tag + "\n")

	path := filepath.Join(dir, "made-1.0-"+tag+".whl")
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(out)
	var record strings.Builder
	for _, name := range slices.Sorted(maps.Keys(content)) {
		sum := sha256.Sum256(content[name])
		fmt.Fprintf(&record, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(content[name]))
		addMember(t, z, name, content[name])
	}
	fmt.Fprintf(&record, "%sRECORD,,\n", info)
	addMember(t, z, info+"RECORD", []byte(record.String()))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func addMember(t *testing.T, z *zip.Writer, name string, content []byte) {
	t.Helper()
	const date, clock = (2024-1980)<<9 | 2<<5 | 3, 4<<11 | 5<<5 | 6/2 // 2024-02-03 04:05:06 as MS-DOS has it
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, ModifiedDate: date, ModifiedTime: clock}
	mode := fs.FileMode(0o644)
	if strings.Contains(name, ".so") || strings.Contains(name, "/scripts/") {
		mode = 0o755
	}
	h.SetMode(mode)
	packed := deflated(t, content)
	h.CRC32 = crc32.ChecksumIEEE(content)
	h.CompressedSize64, h.UncompressedSize64 = uint64(len(packed)), uint64(len(content))
	// CreateHeader would put the sizes behind the data, which PyPI refuses.
	w, err := z.CreateRaw(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(packed); err != nil {
		t.Fatal(err)
	}
}

func deflated(t *testing.T, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// installed installs a wheel into a new environment.
func installed(t *testing.T, wheel string) venv {
	t.Helper()
	checkContainer(t, wheel)
	v := newVenv(t)
	v.install(t, wheel)
	return v
}
