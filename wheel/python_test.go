package wheel

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listing is what Python's zipfile makes of an archive: a second opinion.
const listing = `
import sys, zipfile
for name in sys.argv[1:]:
    with zipfile.ZipFile(name) as z:
        assert z.testzip() is None
        for i in z.infolist():
            print(i.filename, oct(i.external_attr >> 16), i.file_size, i.compress_type, i.flag_bits, len(i.extra), *i.date_time)
`

// runPython runs a script, or skips the test where there is no Python.
func runPython(t *testing.T, script string, args ...string) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("python3 is not installed, and its zipfile is the second opinion here")
	}
	cmd := exec.Command(python, append([]string{"-c", script}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONIOENCODING=utf-8")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("python: %v\n%s", err, stderr.String())
	}
	return strings.ReplaceAll(string(out), "\r\n", "\n")
}

func saved(t *testing.T, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo-1.0-py3-none-any.whl")
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPythonReadsWhatIsWritten(t *testing.T) {
	w := NewWriter(demoInfo, WriterOptions{Jobs: 2})
	when := time.Date(2024, 5, 6, 7, 8, 10, 0, time.UTC)
	w.Add(Header{Name: "demo/", Mode: 0o755, Modified: when}, nil)
	w.Add(Header{Name: "demo/größe.so", Mode: 0o755, Modified: when}, bytes.NewReader(make([]byte, 100)))
	w.Add(Header{Name: "demo/empty"}, nil)
	w.Add(Header{Name: demoInfo + "/WHEEL", Mode: 0o644, Modified: when}, strings.NewReader(demoWheel))
	w.Add(Header{Name: demoInfo + "/METADATA", Mode: 0o644, Modified: when}, strings.NewReader(demoMetadata))
	got := runPython(t, listing, saved(t, mustWrite(t, w)))
	want := `demo/ 0o40755 0 0 0 0 2024 5 6 7 8 10
demo/empty 0o0 0 0 0 0 1980 1 1 0 0 0
demo/größe.so 0o100755 100 8 2048 0 2024 5 6 7 8 10
demo-1.0.dist-info/METADATA 0o100644 82 8 0 0 2024 5 6 7 8 10
demo-1.0.dist-info/WHEEL 0o100644 88 8 0 0 2024 5 6 7 8 10
demo-1.0.dist-info/RECORD 0o100644`
	if !strings.HasPrefix(got, want) {
		t.Errorf("Python reads\n%swant\n%s", got, want)
	}
}

func TestPythonReadsZip64(t *testing.T) {
	got := runPython(t, listing, saved(t, smallLimit(t)))
	if !strings.HasPrefix(got, "demo/a.so 0o100755 1048653 ") || strings.Count(got, "\n") != 5 {
		t.Errorf("Python reads\n%s", got)
	}
}

// The RECORD rows have to be those that Python's csv and hashlib would give.
func TestPythonAgreesWithRecord(t *testing.T) {
	const script = `
import sys, zipfile, csv, io, hashlib, base64
z = zipfile.ZipFile(sys.argv[1])
rows = list(csv.reader(io.StringIO(z.read("demo-1.0.dist-info/RECORD").decode())))
assert [r[0] for r in rows] == [n for n in z.namelist() if not n.endswith("/")], rows
for path, digest, size in rows[:-1]:
    data = z.read(path)
    want = "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    assert (digest, size) == (want, str(len(data))), path
out = io.StringIO()
csv.writer(out, lineterminator="\n").writerows(rows)
assert out.getvalue().encode() == z.read("demo-1.0.dist-info/RECORD")
print(rows[-1])
`
	in := mustRead(t, zipBytes(demoParts()...))
	w := NewWriter(demoInfo, WriterOptions{})
	for name, content := range contents(t, in) {
		if name != demoInfo+"/RECORD" {
			w.Add(Header{Name: name, Mode: 0o644}, strings.NewReader(content))
		}
	}
	if got, want := runPython(t, script, saved(t, mustWrite(t, w))), "['demo-1.0.dist-info/RECORD', '', '']\n"; got != want {
		t.Errorf("last row is %s, want %s", got, want)
	}
}

// What Python's zipfile writes has to be read: with and without a directory to
// seek in, the second with data descriptors.
func TestReadsWhatPythonWrites(t *testing.T) {
	const script = `
import sys, zipfile, io
class Stream(io.RawIOBase):
    def __init__(self, f): self.f = f
    def writable(self): return True
    def write(self, b): return self.f.write(b)
for path, wrap in ((sys.argv[1], lambda f: f), (sys.argv[2], Stream)):
    with open(path, "wb") as f, zipfile.ZipFile(wrap(f), "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("demo/__init__.py", "import sys\n" * 100)
        with z.open("demo/large", "w", force_zip64=True) as m:
            m.write(b"not so large")
        z.writestr("demo-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        z.writestr("demo-1.0.dist-info/METADATA", "Name: demo\nVersion: 1.0\n")
        z.writestr("demo-1.0.dist-info/RECORD", "")
        z.comment = b"archive comment"
`
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "seekable.whl"), filepath.Join(dir, "stream.whl")}
	runPython(t, script, paths...)
	for _, path := range paths {
		f, err := Open(path)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(path), err)
			continue
		}
		if got := contents(t, f.Reader)["demo/large"]; got != "not so large" {
			t.Errorf("%s: demo/large holds %q", filepath.Base(path), got)
		}
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
}

// What pip takes for a wheel, the product has to take too. The versions are
// examples of PEP 440, and what people make of it.
func TestPipAcceptsNoMoreNames(t *testing.T) {
	const script = `
import sys
try:
    from pip._vendor.packaging.utils import parse_wheel_filename
except ImportError:
    sys.exit(0)
for name in sys.argv[1:]:
    try:
        parse_wheel_filename(name)
        print("yes", name)
    except ValueError:
        print("no", name)
`
	var names []string
	for _, version := range []string{
		"1", "1.0", "01.02", "1.0a1", "1.0.alpha.1", "1.0_b2", "1.0RC1", "1.0c", "1.0.preview3", "1.0.post1",
		"1.0_post", "1.0r4", "1.0.rev.4", "1.0.dev", "1.0_dev3", "1!2.0", "v1.0", "1.0+ubuntu.1", "1.0+ABC_1.x",
		"1.0a1.post2.dev3+local", "2004d", "1.0+", "1.0+a..b", "1..0", "latest", "1.0.dev0.post1", "1.0x", "!1", "1.0_", "",
	} {
		names = append(names, "demo-"+version+"-py3-none-any.whl")
	}
	for _, name := range []string{"a", "A.b_c", "_a", "a_", "9", "a.b.c", "ä", "a__b", "a+b"} {
		names = append(names, name+"-1.0-py3-none-any.whl", name+"-1.0-1x-py2.py3-none-a_b.c_d.whl")
	}
	out := runPython(t, script, names...)
	if out == "" {
		t.Skip("pip is not installed, and its packaging library is the second opinion here")
	}
	for line := range strings.Lines(out) {
		answer, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if _, err := ParseFilename(name); answer == "yes" && err != nil {
			t.Errorf("pip accepts %q: %v", name, err)
		}
	}
}
