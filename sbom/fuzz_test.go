package sbom

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// slow is far above what a database of the size that fuzzing makes should take, on a
// machine that is busy with other things.
const slow = 30 * time.Second

// fuzzBlobs holds the reader of one form of rpm's database to its bounds: no more than
// the file has, headers within it, in a time that its size limits.
func fuzzBlobs(f *testing.F, form func(io.ReaderAt, int64, *health) iter.Seq[[]byte], path string, seeds ...[]byte) {
	for _, data := range seeds {
		f.Add(data)
		f.Add(data[:len(data)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		start := time.Now()
		total := 0
		for blob := range form(bytes.NewReader(data), int64(len(data)), &health{}) {
			if len(blob) > len(data) {
				t.Fatalf("a header of %d bytes in a file of %d", len(blob), len(data))
			}
			total += len(blob)
		}
		if total > 2*len(data) {
			t.Errorf("headers of %d bytes in a file of %d", total, len(data))
		}
		askAbout(t, fstest.MapFS{path: &fstest.MapFile{Data: data}})
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(data))
		}
	})
}

// askAbout asks a database for owners, which have a name and a version.
func askAbout(t *testing.T, root RootFS) {
	t.Helper()
	db, err := OpenDatabase(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/usr/lib64/libz.so.1.2.11", "/usr/lib/libpq.so.5.15", "/usr/lib/a.so", "/lib/x86_64-linux-gnu/libz.so.1.2.13"} {
		if p, ok := db.Owner(name); ok && (p.Name == "" || p.Version == "") {
			t.Errorf("the owner of %s is %+v", name, p)
		}
	}
	if err := db.Err(); err != nil {
		t.Errorf("nothing is unreadable: %v", err)
	}
	for _, damage := range db.Damage() {
		if strings.ContainsAny(damage, "\n\x00") || len(db.Damage()) > maxDamage {
			t.Errorf("damage %q", damage)
		}
	}
}

func FuzzSQLite(f *testing.F) {
	fuzzBlobs(f, sqliteBlobs, rpmSQLite, sqliteFixture(f))
}

func FuzzBerkeley(f *testing.F) {
	blobs := collectBlobs(sqliteFixture(f), sqliteBlobs)[:3]
	fuzzBlobs(f, berkeleyBlobs, rpmBerkeley, berkeley(binary.LittleEndian, blobs), berkeley(binary.BigEndian, blobs))
}

func FuzzNDB(f *testing.F) {
	fuzzBlobs(f, ndbBlobs, rpmNDB, ndb(collectBlobs(sqliteFixture(f), sqliteBlobs)[:3]))
}

func FuzzRPMHeader(f *testing.F) {
	for _, blob := range collectBlobs(sqliteFixture(f), sqliteBlobs)[:8] {
		f.Add(blob)
	}
	f.Fuzz(func(t *testing.T, blob []byte) {
		pkg, libraries := parseRPMHeader(blob)
		total := 0
		for _, l := range libraries {
			total += len(l)
		}
		if len(libraries) > len(blob) || total > maxPathGrowth*len(blob) || strings.ContainsRune(pkg.Name, 0) {
			t.Errorf("%d bytes give %q with %d libraries of %d bytes", len(blob), pkg.Name, len(libraries), total)
		}
	})
}

func FuzzApk(f *testing.F) {
	f.Add([]byte(alpine()[apkInstalled]))
	f.Fuzz(func(t *testing.T, data []byte) {
		for p := range paragraphs(data) {
			_, libraries := parseApk(p)
			total := 0
			for _, l := range libraries {
				if total += len(l); !isLibraryName(l) || l[0] != '/' {
					t.Errorf("%q is the path of no library", l)
				}
			}
			if total > maxPathGrowth*len(p) {
				t.Errorf("%d bytes give paths of %d", len(p), total)
			}
		}
		askAbout(t, fstest.MapFS{apkInstalled: &fstest.MapFile{Data: data}})
	})
}

func FuzzDpkg(f *testing.F) {
	f.Add([]byte(statusLibpq+statusZlib), []byte("/usr/lib/libpq.so.5.15\n/usr/lib/a.so\n"), []byte(copyrightLibpq))
	f.Add([]byte("Package: libpq5\nVersion: 1\n"), []byte("/usr/lib/a.so"), []byte("License: x"))
	f.Fuzz(func(t *testing.T, status, list, copyright []byte) {
		askAbout(t, fstest.MapFS{
			dpkgStatus:                        &fstest.MapFile{Data: status},
			dpkgInfo + "/libpq5:amd64.list":   &fstest.MapFile{Data: list},
			dpkgInfo + "/libpq5.list":         &fstest.MapFile{Data: list},
			dpkgStatusDir + "/libpq5.md5sums": &fstest.MapFile{Data: list},
			dpkgStatusDir + "/libpq5":         &fstest.MapFile{Data: status},
			"usr/share/doc/libpq5/copyright":  &fstest.MapFile{Data: copyright},
			"etc/os-release":                  &fstest.MapFile{Data: copyright},
		})
	})
}
