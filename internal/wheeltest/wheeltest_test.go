package wheeltest_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

const demo = "demo-1.0-cp312-cp312-linux_x86_64.whl"

func build(t *testing.T, filename, spec string) *zip.Reader {
	t.Helper()
	b, err := wheeltest.Build(filename, spec)
	if err != nil {
		t.Fatalf("Build(%q): %v", filename, err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("Build(%q) is no zip archive: %v", filename, err)
	}
	return z
}

func names(z *zip.Reader) []string {
	var list []string
	for _, f := range z.File {
		list = append(list, f.Name)
	}
	return list
}

func content(t *testing.T, z *zip.Reader, name string) string {
	t.Helper()
	i := slices.IndexFunc(z.File, func(f *zip.File) bool { return f.Name == name })
	if i < 0 {
		t.Fatalf("no member %q among %q", name, names(z))
	}
	r, err := z.File[i].Open()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestKindsOfFiles(t *testing.T) {
	z := build(t, demo, `
		# comment
		a.py               text "x = 1" "y = 2"
		empty.py           text
		raw.bin            raw "\x00\xff" "b"
		half.so            cut=4 elf x86_64
		seven.bin          zeros 7
		"with space, \"q\"" store mode=0600 raw "z"
		link.so            symlink a.py
		folder             dir
	`)
	for name, want := range map[string]string{
		"a.py":              "x = 1\ny = 2\n",
		"empty.py":          "",
		"raw.bin":           "\x00\xffb",
		"half.so":           "\x7fELF",
		"seven.bin":         strings.Repeat("\x00", 7),
		"with space, \"q\"": "z",
		"link.so":           "a.py",
		"folder/":           "",
	} {
		if got := content(t, z, name); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
	}
	wantModes := []fs.FileMode{0o644, 0o644, 0o644, 0o755, 0o644, 0o600, 0o777 | fs.ModeSymlink, 0o755 | fs.ModeDir, 0o644, 0o644, 0o644}
	for i, f := range z.File {
		if f.Mode() != wantModes[i] {
			t.Errorf("%s has mode %v, want %v", f.Name, f.Mode(), wantModes[i])
		}
	}
}

func TestELFMember(t *testing.T) {
	z := build(t, demo, "_core.so  elf aarch64 needed=libdep.so.3,libc.so.6 runpath=$ORIGIN/../lib")
	f, err := elf.NewFile(strings.NewReader(content(t, z, "_core.so")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.ImportedLibraries(); err != nil || !slices.Equal(got, []string{"libdep.so.3", "libc.so.6"}) {
		t.Errorf("DT_NEEDED = %q, %v", got, err)
	}
}

func TestGeneratedMetadata(t *testing.T) {
	z := build(t, "my_demo-1.0-7-py2.py3-none-manylinux1_x86_64.manylinux2014_x86_64.whl", `"a,b.py" text "x"`)
	dir := "my_demo-1.0.dist-info/"
	if diff := cmp.Diff([]string{"a,b.py", dir + "METADATA", dir + "WHEEL", dir + "RECORD"}, names(z)); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	wantWheel := "Wheel-Version: 1.0\nGenerator: wheeltest (1)\nRoot-Is-Purelib: false\n" +
		"Tag: py2-none-manylinux1_x86_64\nTag: py2-none-manylinux2014_x86_64\n" +
		"Tag: py3-none-manylinux1_x86_64\nTag: py3-none-manylinux2014_x86_64\nBuild: 7\n"
	if diff := cmp.Diff(wantWheel, content(t, z, dir+"WHEEL")); diff != "" {
		t.Errorf("WHEEL (-want +got):\n%s", diff)
	}
	row := func(name string) string {
		b := content(t, z, strings.Trim(name, `"`))
		sum := sha256.Sum256([]byte(b))
		return fmt.Sprintf("%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(b))
	}
	wantRecord := row(`"a,b.py"`) + row(dir+"METADATA") + row(dir+"WHEEL") + dir + "RECORD,,\n"
	if diff := cmp.Diff(wantRecord, content(t, z, dir+"RECORD")); diff != "" {
		t.Errorf("RECORD (-want +got):\n%s", diff)
	}
}

func TestSpecHasTheLastWord(t *testing.T) {
	for _, tt := range []struct {
		name, spec string
		want       []string
	}{
		{"its own RECORD stays where it is", `demo-1.0.dist-info/RECORD text "lies"` + "\na.py text",
			[]string{"demo-1.0.dist-info/RECORD", "a.py", "demo-1.0.dist-info/METADATA", "demo-1.0.dist-info/WHEEL"}},
		{"absent files are not generated", "demo-1.0.dist-info/RECORD absent\ndemo-1.0.dist-info/WHEEL absent",
			[]string{"demo-1.0.dist-info/METADATA"}},
		{"hostile and repeated names go in", "../up text\n/abs text\n\"a\\\\b\" text\nx text\nx text\ndemo-1.0.dist-info/METADATA absent",
			[]string{"../up", "/abs", `a\b`, "x", "x", "demo-1.0.dist-info/WHEEL", "demo-1.0.dist-info/RECORD"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, names(build(t, demo, tt.spec))); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSameTextSameBytes(t *testing.T) {
	const spec = "a.bin bytes 5000\nb.bin bytes 5000\nc.so elf riscv64 needed=libc.so.6"
	first, err := wheeltest.Build(demo, spec)
	if err != nil {
		t.Fatal(err)
	}
	second, err := wheeltest.Build(demo, spec)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("two builds differ (%v)", err)
	}
	z := build(t, demo, spec)
	if content(t, z, "a.bin") == content(t, z, "b.bin") {
		t.Error("two members of kind bytes are equal")
	}
	if f := z.File[0]; f.CompressedSize64 < f.UncompressedSize64 {
		t.Errorf("%d bytes of noise compress to %d", f.UncompressedSize64, f.CompressedSize64)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for _, tt := range []struct{ filename, spec, want string }{
		{"demo.whl", "", `"demo.whl" is not NAME-VERSION`},
		{"a-b-c-d-e-f-g.whl", "", "is not NAME-VERSION"},
		{demo, "\n\na.py", `spec line 3: "a.py": the line ends too early`},
		{demo, "a.py shout", `"a.py": shout: unknown kind of file`},
		{demo, "a.py mode=99 text", `mode=99: strconv.ParseUint`},
		{demo, "a.py cut=x text", `cut=x: strconv.ParseUint`},
		{demo, "a.py text x", `want a quoted string at "x"`},
		{demo, `a.py text "x`, "invalid syntax"},
		{demo, `"a.py text`, "invalid syntax"},
		{demo, "a.so elf sparc", `architecture "sparc"`},
		{demo, "a.bin bytes many", "invalid syntax"},
		{demo, "a.bin zeros 99999999999", "are more than"},
		{demo, "a.bin file does/not/exist", "no such file"},
	} {
		_, err := wheeltest.Build(tt.filename, tt.spec)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Build(%q, %q) = %v, want an error with %q", tt.filename, tt.spec, err, tt.want)
		}
	}
}

func TestWriteLibs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	spec := "lib/libx.so.1.2 elf x86_64 soname=libx.so.1\nlib/libx.so.1 symlink libx.so.1.2\netc/ld.so.conf mode=0600 text \"/opt/lib\"\nempty dir"
	if err := wheeltest.WriteLibs(dir, spec); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]fs.FileMode{"lib/libx.so.1.2": 0o755, "lib/libx.so.1": 0o755, "etc/ld.so.conf": 0o600, "empty": 0o755 | fs.ModeDir} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v; want mode %v", name, info, err, want)
		}
	}
	if target, err := os.Readlink(filepath.Join(dir, "lib/libx.so.1")); err != nil || target != "libx.so.1.2" {
		t.Errorf("lib/libx.so.1 leads to %q (%v)", target, err)
	}
}

func TestWriteLibsStaysInside(t *testing.T) {
	for _, name := range []string{"../x", "/x", "a/../../x"} {
		dir := filepath.Join(t.TempDir(), "in")
		if err := wheeltest.WriteLibs(dir, name+" text"); err == nil || !strings.Contains(err.Error(), "leads out") {
			t.Errorf("WriteLibs(%q) = %v, want a refusal", name, err)
		}
	}
}
