//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// hostileWheels are wheels that somebody could upload. Each is made from a sound
// one by a change to its list of members.
var hostileWheels = []struct {
	name   string
	change func(t *testing.T, members *[]zipMember)
	want   string // what the error names
}{
	{"a path that leaves the folder", add(zipMember{name: "made/../../evil.py"}), "evil.py"},
	{"an absolute path", add(zipMember{name: "/tmp/evil.py"}), "/tmp/evil.py"},
	{"a backslash", add(zipMember{name: `made\evil.py`}), "evil.py"},
	{"a drive letter", add(zipMember{name: "C:evil.py"}), "C:evil.py"},
	{"a control character that would reach the terminal", add(zipMember{name: "made/\x1b[31mevil.py"}), "evil.py"},
	{"a symbolic link", add(zipMember{name: "made/link", content: []byte("/etc/passwd"), mode: fs.ModeSymlink | 0o777}), "made/link"},
	{"one name twice", add(zipMember{name: "made/data.txt"}, zipMember{name: "made/data.txt", content: []byte("other")}), "made/data.txt"},
	{"a file that is a folder too", add(zipMember{name: "made"}, zipMember{name: "made/data.txt"}), "made"},
	{"a second dist-info folder", add(zipMember{name: "other-1.0.dist-info/METADATA"}), "other-1.0.dist-info"},
	{"a member that RECORD does not know", add(zipMember{name: "made/unknown.py"}), "made/unknown.py"},
	{"a member that RECORD knows otherwise", func(_ *testing.T, m *[]zipMember) { find(*m, "asking.so").content[100] ^= 1 }, "asking.so"},
	{"no METADATA", drop("METADATA"), "METADATA"},
	{"no WHEEL", drop("WHEEL"), "WHEEL"},
	{"no RECORD", drop("RECORD"), "RECORD"},
}

// zipMember is a member as it is written: no name is too strange for that.
type zipMember struct {
	name    string
	content []byte
	mode    fs.FileMode // 0 means a plain file
}

func add(extra ...zipMember) func(*testing.T, *[]zipMember) {
	return func(_ *testing.T, m *[]zipMember) { *m = append(*m, extra...) }
}

func drop(name string) func(*testing.T, *[]zipMember) {
	return func(t *testing.T, m *[]zipMember) {
		for i := range *m {
			if strings.HasSuffix((*m)[i].name, ".dist-info/"+name) {
				*m = append((*m)[:i], (*m)[i+1:]...)
				return
			}
		}
		t.Fatalf("no member %s to drop", name)
	}
}

func find(m []zipMember, name string) *zipMember {
	for i := range m {
		if m[i].name == name {
			return &m[i]
		}
	}
	return nil
}

func TestHostileWheels(t *testing.T) {
	sound := answering(t, t.TempDir())
	for _, tt := range hostileWheels {
		t.Run(tt.name, func(t *testing.T) {
			list := membersInOrder(t, sound)
			tt.change(t, &list)
			wheel := filepath.Join(t.TempDir(), filepath.Base(sound))
			if err := os.WriteFile(wheel, archive(t, list), 0o644); err != nil {
				t.Fatal(err)
			}
			checkHostile(t, wheel, tt.want)
		})
	}
}

// An extension that was cut short is damaged, not something else than ELF.
func TestDamagedExtension(t *testing.T) {
	ext := readFile(t, extension(t, "cut", "rand"))
	for _, size := range []int{30, 64, 200, len(ext) / 2} {
		wheel := writeWheel(t, t.TempDir(), "linux_x86_64", map[string][]byte{"made/cut.so": ext[:size]})
		checkHostile(t, wheel, "made/cut.so")
	}
}

// A member that unpacks to more than it says is refused, not unpacked.
func TestBomb(t *testing.T) {
	wheel := filepath.Join(t.TempDir(), filepath.Base(answering(t, t.TempDir())))
	sound := membersInOrder(t, answering(t, t.TempDir()))
	bomb := archive(t, append(sound, zipMember{name: "made/bomb", content: make([]byte, 64<<20)}))
	// The central directory says ten bytes; the data says otherwise.
	at := bytes.LastIndex(bomb, []byte("made/bomb")) - 46
	copy(bomb[at+24:], []byte{10, 0, 0, 0})
	if err := os.WriteFile(wheel, bomb, 0o644); err != nil {
		t.Fatal(err)
	}
	checkHostile(t, wheel, "made/bomb")
}

// checkHostile asserts that audit and repair refuse a wheel in a line that
// names it and what is wrong, and write nothing.
func checkHostile(t *testing.T, wheel, want string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	for _, args := range [][]string{{"audit", wheel}, {"repair", "-w", out, wheel}} {
		r := wheelmend(t, args...)
		if r.code != 1 {
			t.Errorf("%s: exit %d, want 1\n%s", args[0], r.code, r.stdout)
			continue
		}
		checkErrorLine(t, r)
		for _, name := range []string{filepath.Base(wheel), want} {
			if !strings.Contains(r.stderr, name) {
				t.Errorf("%s: stderr does not name %s:\n%s", args[0], name, r.stderr)
			}
		}
		if strings.ContainsAny(r.stderr, "\x00\x1b") {
			t.Errorf("%s: a control character reaches the terminal: %q", args[0], r.stderr)
		}
	}
	if left := filesIn(t, out); len(left) > 0 {
		t.Errorf("left %q", left)
	}
	// What verify can still read has its claims, the one that fails among them.
	r := wheelmend(t, "verify", wheel)
	if told := r.stdout + r.stderr; r.code != 1 || !strings.Contains(told, want) || strings.ContainsAny(told, "\x00\x1b") {
		t.Errorf("verify: exit %d, want 1 and %s named:\n%q", r.code, want, told)
	}
	checkErrorLine(t, r)
}

// membersInOrder reads the members of a sound wheel.
func membersInOrder(t *testing.T, wheel string) []zipMember {
	t.Helper()
	z, err := zip.OpenReader(wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	content := members(t, wheel)
	var list []zipMember
	for _, f := range z.File {
		list = append(list, zipMember{f.Name, content[f.Name], f.Mode()})
	}
	return list
}

// archive writes members with the names that they have.
func archive(t *testing.T, list []zipMember) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, m := range list {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.mode != 0 {
			h.SetMode(m.mode)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
