package sbom

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// rootOf builds a system from the contents of its files.
func rootOf(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, content := range files {
		root[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return root
}

const (
	statusLibpq = "Package: libpq5\nStatus: install ok installed\nArchitecture: amd64\nMulti-Arch: same\nVersion: 15.6-0\n" +
		"Description: PostgreSQL C client library\n Version: not a field\n .\n more\n\n"
	statusZlib = "Package: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:1.2.13.dfsg-1\n\n" +
		"Package: zlib1g\nStatus: install ok installed\nArchitecture: i386\nVersion: 1:1.2.13.dfsg-1\n"
	copyrightLibpq = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nSource: x\n\n" +
		"Files: *\nCopyright: someone\nLicense: PostgreSQL\n\nFiles: a/*\nLicense: PostgreSQL and Custom\n text\n\nLicense: PostgreSQL\n text\n"
)

func debian() map[string]string {
	return map[string]string{
		"etc/os-release":                         "NAME=\"Debian\"\nVERSION_ID=\"12\"\nID=debian\n",
		"var/lib/dpkg/status":                    statusLibpq + statusZlib,
		"var/lib/dpkg/info/libpq5:amd64.list":    "/.\n/usr\n/usr/lib\n/usr/lib/x86_64-linux-gnu/libpq.so.5.15\n/usr/share/doc/libpq5/copyright\n",
		"var/lib/dpkg/info/zlib1g:amd64.list":    "/.\n/lib\n/lib/x86_64-linux-gnu/libz.so.1.2.13\n",
		"var/lib/dpkg/info/zlib1g:i386.list":     "/lib/i386-linux-gnu/libz.so.1.2.13",
		"var/lib/dpkg/info/orphan.list":          "/usr/lib/liborphan.so.1\n",
		"var/lib/dpkg/info/libpq5:amd64.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/lib/wrong.so\n",
		"usr/share/doc/libpq5/copyright":         copyrightLibpq,
		"usr/share/doc/zlib1g/copyright":         "This is zlib, it is free.\n",
	}
}

func alpine() map[string]string {
	return map[string]string{
		"etc/os-release": "ID=\"alpine\"\n",
		"lib/apk/db/installed": "C:Q1abc=\nP:musl\nV:1.2.4-r2\nA:x86_64\nL:MIT\nF:lib\nR:ld-musl-x86_64.so.1\na:0:0:755\nZ:Q1x=\nR:libc.musl-x86_64.so.1\n\n" +
			"P:libpq\nV:15.6-r0\nA:x86_64\nL:PostgreSQL\nF:usr\nF:usr/lib\nR:libpq.so.5.15\n",
	}
}

func distroless() map[string]string {
	return map[string]string{
		"usr/lib/os-release":                    "ID=debian\n",
		"var/lib/dpkg/status.d/libssl3":         "Package: libssl3\nVersion: 3.0.11-1\nArchitecture: amd64\n",
		"var/lib/dpkg/status.d/libssl3.md5sums": "d41d8cd98f00b204e9800998ecf8427e  usr/lib/x86_64-linux-gnu/libssl.so.3\n",
	}
}

func TestOwner(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		path  string
		want  string // package URL, "" for none
	}{
		{"dpkg", debian(), "/usr/lib/x86_64-linux-gnu/libpq.so.5.15", "pkg:deb/debian/libpq5@15.6-0?arch=amd64"},
		{"listed in /lib, found in /usr/lib", debian(), "/usr/lib/x86_64-linux-gnu/libz.so.1.2.13", "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=amd64"},
		{"listed in /usr/lib, found in /lib", debian(), "/lib/x86_64-linux-gnu/libpq.so.5.15", "pkg:deb/debian/libpq5@15.6-0?arch=amd64"},
		{"the other architecture; no newline at the end", debian(), "/lib/i386-linux-gnu/libz.so.1.2.13", "pkg:deb/debian/zlib1g@1:1.2.13.dfsg-1?arch=i386"},
		{"a path that is not clean", debian(), "/usr/lib/../lib//x86_64-linux-gnu/libpq.so.5.15", "pkg:deb/debian/libpq5@15.6-0?arch=amd64"},
		{"end of a listed path", debian(), "/x86_64-linux-gnu/libpq.so.5.15", ""},
		{"beginning of a listed path", debian(), "/usr/lib/x86_64-linux-gnu/libpq.so.5", ""},
		{"list without status", debian(), "/usr/lib/liborphan.so.1", ""},
		{"digests are no list where there are lists", debian(), "/usr/lib/wrong.so", ""},
		{"no library", debian(), "/usr/share/doc/libpq5/copyright", ""},
		{"empty", debian(), "", ""},
		{"apk", alpine(), "/usr/lib/libpq.so.5.15", "pkg:apk/alpine/libpq@15.6-r0?arch=x86_64"},
		{"apk, first folder", alpine(), "/lib/ld-musl-x86_64.so.1", "pkg:apk/alpine/musl@1.2.4-r2?arch=x86_64"},
		{"distroless", distroless(), "/usr/lib/x86_64-linux-gnu/libssl.so.3", "pkg:deb/debian/libssl3@3.0.11-1?arch=amd64"},
		{"no database", nil, "/usr/lib/libpq.so.5", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := OpenDatabase(rootOf(tt.files))
			if err != nil {
				t.Fatal(err)
			}
			var got string
			if p, ok := db.Owner(tt.path); ok {
				got = p.PURL()
			}
			whole := len(db.Damage()) == 0 || tt.name == "list without status"
			if got != tt.want || db.Err() != nil || !whole {
				t.Errorf("owner of %q: got %q (%v, damage %q), want %q", tt.path, got, db.Err(), db.Damage(), tt.want)
			}
		})
	}
}

func TestLicenses(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		path  string
		want  []string // names
		file  string
	}{
		{"machine-readable, each name once", debian(), "/usr/lib/x86_64-linux-gnu/libpq.so.5.15",
			[]string{"PostgreSQL", "PostgreSQL and Custom"}, "/usr/share/doc/libpq5/copyright"},
		{"prose names no licence", debian(), "/lib/x86_64-linux-gnu/libz.so.1.2.13", []string{""}, "/usr/share/doc/zlib1g/copyright"},
		{"apk names it in the database", alpine(), "/usr/lib/libpq.so.5.15", []string{"PostgreSQL"}, ""},
		{"no copyright file", distroless(), "/usr/lib/x86_64-linux-gnu/libssl.so.3", nil, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := OpenDatabase(rootOf(tt.files))
			if err != nil {
				t.Fatal(err)
			}
			p, ok := db.Owner(tt.path)
			if !ok {
				t.Fatalf("%s has no owner", tt.path)
			}
			var names []string
			for _, l := range p.Licenses {
				names = append(names, l.Name)
				if l.File != tt.file || (l.File != "") != (len(l.SHA256) == 64) {
					t.Errorf("licence %q is from %q with digest %q, want %q", l.Name, l.File, l.SHA256, tt.file)
				}
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestOwnerIsTheCallersOwn(t *testing.T) {
	db, err := OpenDatabase(rootOf(alpine()))
	if err != nil {
		t.Fatal(err)
	}
	p, _ := db.Owner("/usr/lib/libpq.so.5.15")
	p.Name, p.Licenses[0].Name = "changed", "changed"
	if q, _ := db.Owner("/usr/lib/libpq.so.5.15"); q.Name != "libpq" || q.Licenses[0].Name != "PostgreSQL" {
		t.Errorf("a caller changed what the database says: %+v", q)
	}
}

// untouchable fails the test when anything is read from it.
type untouchable struct {
	t     *testing.T
	armed bool
}

func (u *untouchable) Open(name string) (fs.File, error) {
	if u.armed {
		u.t.Errorf("%s was opened", name)
	}
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

func TestNothingIsReadForNoQuestion(t *testing.T) {
	root := &untouchable{t: t}
	db, err := OpenDatabase(root)
	if err != nil {
		t.Fatal(err)
	}
	root.armed = true
	db.Owner("/usr/share/doc/x")
}

// forbidden refuses to open one file.
type forbidden struct {
	fs.FS
	name string
}

func (f forbidden) Open(name string) (fs.File, error) {
	if name == f.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return f.FS.Open(name)
}

func TestUnreadableIsReported(t *testing.T) {
	if _, err := OpenDatabase(forbidden{rootOf(debian()), dpkgInfo}); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("folder of lists: got error %v, want one of permission", err)
	}
	db, err := OpenDatabase(forbidden{rootOf(debian()), "var/lib/dpkg/info/libpq5:amd64.list"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := db.Owner("/usr/lib/x86_64-linux-gnu/libpq.so.5.15"); ok {
		t.Error("a library has an owner although its list cannot be read")
	}
	if err := db.Err(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "libpq5:amd64.list") {
		t.Errorf("got error %v, want one of permission that names the list", err)
	}
}

// The lists of other packages are read for a library that none named for
// libraries has.
func TestOtherListsAreReadLast(t *testing.T) {
	db, err := OpenDatabase(forbidden{rootOf(debian()), "var/lib/dpkg/info/zlib1g:amd64.list"})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := db.Owner("/lib/x86_64-linux-gnu/libpq.so.5.15"); !ok || db.Err() != nil {
		t.Errorf("libpq: found is %v, error %v; its own list is enough", ok, db.Err())
	}
	if _, ok := db.Owner("/lib/x86_64-linux-gnu/libz.so.1.2.13"); ok || !errors.Is(db.Err(), fs.ErrPermission) {
		t.Errorf("libz: found is %v, error %v; want one of permission", ok, db.Err())
	}
}

// A damaged database makes owners unknown and is no error.
func TestDamagedDatabases(t *testing.T) {
	long := strings.Repeat("x", 1<<16)
	tests := []struct {
		name  string
		files map[string]string
	}{
		{"status of zeros", map[string]string{"var/lib/dpkg/info/a.list": "/usr/lib/a.so\n", "var/lib/dpkg/status": "\x00\x00\x00"}},
		{"status cut in a field", map[string]string{"var/lib/dpkg/info/a.list": "/usr/lib/a.so\n", "var/lib/dpkg/status": "Package: a\nVers"}},
		{"status is a folder", map[string]string{"var/lib/dpkg/info/a.list": "/usr/lib/a.so\n", "var/lib/dpkg/status/x": ""}},
		{"list is a folder", map[string]string{"var/lib/dpkg/info/a.list/x": ""}},
		{"one long line", map[string]string{"var/lib/dpkg/info/a.list": long, "lib/apk/db/installed": long}},
		{"apk without names", map[string]string{"lib/apk/db/installed": "F:usr/lib\nR:a.so\n\nR\nF:\n:\nP:a\n"}},
		{"name with a path in it", map[string]string{"var/lib/dpkg/info/a.list": "/usr/lib/a.so\n", "var/lib/dpkg/status": "Package: ../../etc\nArchitecture: all\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := OpenDatabase(rootOf(tt.files))
			if err != nil {
				t.Fatal(err)
			}
			if p, ok := db.Owner("/usr/lib/a.so"); ok || db.Err() != nil {
				t.Errorf("got %+v and error %v, want neither", p, db.Err())
			}
			if len(db.Damage()) == 0 || !db.Expects("/usr/lib/a.so") || db.Expects("/usr/local/lib/a.so") {
				t.Errorf("damage %q; an owner is expected: %v", db.Damage(), db.Expects("/usr/lib/a.so"))
			}
		})
	}
}

// The dpkg of the machine, where there is one, says the same.
func TestSameOwnersAsDpkg(t *testing.T) {
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("dpkg is not installed")
	}
	db, err := OpenDatabase(os.DirFS("/"))
	if err != nil {
		t.Fatal(err)
	}
	libraries, _ := filepath.Glob("/usr/lib/*-linux-gnu/lib[pz]*.so.*")
	compared := 0
	for _, name := range libraries {
		if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
			continue
		}
		listed := strings.TrimPrefix(name, "/usr")
		out, err := exec.Command("dpkg", "-S", name).Output()
		if err != nil {
			if out, err = exec.Command("dpkg", "-S", listed).Output(); err != nil {
				continue
			}
		}
		want, _, _ := strings.Cut(string(out), ":")
		p, ok := db.Owner(name)
		if !ok || p.Name != want || p.Version == "" {
			t.Errorf("owner of %s: got %+v, want package %s as dpkg -S says", name, p, want)
		}
		if compared++; compared == 12 {
			break
		}
	}
	if compared == 0 {
		t.Skip("no library of the machine belongs to a package")
	}
}

// One long folder for many files must not multiply.
func TestPathsStayInProportion(t *testing.T) {
	paragraph := "P:a\nF:" + strings.Repeat("x", 1<<16) + "\n" + strings.Repeat("R:.so\n", 1<<12)
	total := 0
	_, libraries := parseApk([]byte(paragraph))
	for _, l := range libraries {
		total += len(l)
	}
	if limit := maxPathGrowth * len(paragraph); total > limit || total == 0 {
		t.Errorf("%d bytes of input give %d bytes of paths, want at most %d", len(paragraph), total, limit)
	}
}

func BenchmarkOwnersOfThisMachine(b *testing.B) {
	libraries, _ := filepath.Glob("/usr/lib/*-linux-gnu/lib*.so.*")
	if len(libraries) < 23 {
		b.Skip("fewer than 23 libraries on this machine")
	}
	b.ReportAllocs()
	for b.Loop() {
		db, err := OpenDatabase(os.DirFS("/"))
		if err != nil {
			b.Fatal(err)
		}
		for _, l := range libraries[:23] {
			db.Owner(l)
		}
	}
}
