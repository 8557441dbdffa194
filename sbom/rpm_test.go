package sbom

import (
	"bytes"
	"encoding/binary"
	"io"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

// sqliteFixture is what SQLite itself wrote; testdata/make-rpmdb tells how.
func sqliteFixture(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/sqlite3-rpmdb-small-pages.sqlite")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// collectBlobs returns copies of all headers of a database.
func collectBlobs(data []byte, form func(io.ReaderAt, int64, *health) iter.Seq[[]byte]) [][]byte {
	var blobs [][]byte
	for b := range form(bytes.NewReader(data), int64(len(data)), &health{}) {
		blobs = append(blobs, bytes.Clone(b))
	}
	return blobs
}

// berkeley lays headers out as a hash database does: metadata, one page of
// entries, and a chain of overflow pages for each value.
func berkeley(order binary.ByteOrder, blobs [][]byte) []byte {
	const length = 1024
	page := func(kind byte) []byte { p := make([]byte, length); p[25] = kind; return p }
	meta, entries := page(8), page(bdbHash)
	order.PutUint32(meta[12:], bdbHashMagic)
	order.PutUint32(meta[20:], length)
	out := [][]byte{meta, entries}
	free := length
	order.PutUint16(entries[20:], uint16(2*len(blobs)))
	for i, blob := range blobs {
		free -= 16
		entries[free] = 1 // key
		order.PutUint16(entries[bdbPageHeader+4*i:], uint16(free))
		free -= 12
		entries[free] = bdbOffPageItem
		order.PutUint32(entries[free+4:], uint32(len(out)))
		order.PutUint32(entries[free+8:], uint32(len(blob)))
		order.PutUint16(entries[bdbPageHeader+4*i+2:], uint16(free))
		for len(blob) > 0 {
			p := page(bdbOverflow)
			n := copy(p[bdbPageHeader:], blob)
			blob = blob[n:]
			order.PutUint16(p[22:], uint16(n))
			if len(blob) > 0 {
				order.PutUint32(p[16:], uint32(len(out)+1))
			}
			out = append(out, p)
		}
	}
	return bytes.Join(out, nil)
}

// ndb lays headers out as rpm's own format does.
func ndb(blobs [][]byte) []byte {
	le := binary.LittleEndian
	out := make([]byte, ndbPage)
	copy(out, ndbMagic)
	le.PutUint32(out[12:], 1)
	for i, blob := range blobs {
		slot := out[32+32*i:] // every second slot stays empty
		copy(slot, ndbSlotMagic)
		le.PutUint32(slot[4:], uint32(i+1))
		le.PutUint32(slot[8:], uint32(len(out)/ndbBlock))
		head := make([]byte, 16)
		copy(head, ndbBlobMagic)
		le.PutUint32(head[4:], uint32(i+1))
		le.PutUint32(head[12:], uint32(len(blob)))
		body := append(head, blob...)
		body = append(body, make([]byte, (ndbBlock-len(body)%ndbBlock)%ndbBlock)...)
		le.PutUint32(slot[12:], uint32(len(body)/ndbBlock))
		out = append(out, body...)
	}
	return out
}

func TestRPMOwners(t *testing.T) {
	sqlite := sqliteFixture(t)
	blobs := collectBlobs(sqlite, sqliteBlobs)
	if len(blobs) != 64 {
		t.Fatalf("SQLite: got %d headers, want 64", len(blobs))
	}
	forms := []struct {
		name, path string
		data       []byte
	}{
		{"sqlite", rpmSQLite, sqlite},
		{"sqlite in its old place", rpmSQLiteOld, sqlite},
		{"berkeley, little endian", rpmBerkeley, berkeley(binary.LittleEndian, blobs[:4])},
		{"berkeley, big endian", rpmBerkeley, berkeley(binary.BigEndian, blobs[:4])},
		{"ndb", rpmNDB, ndb(blobs[:4])},
	}
	owners := []struct{ name, library, want, license string }{
		{"header on one page", "/usr/lib64/libz.so.1.2.11", "pkg:rpm/rocky/zlib@1.2.11-31.el9?arch=x86_64", "zlib and Boost"},
		{"found in /lib64", "/lib64/libz.so.1.2.11", "pkg:rpm/rocky/zlib@1.2.11-31.el9?arch=x86_64", "zlib and Boost"},
		{"epoch", "/usr/lib64/libcrypto.so.3.0.7", "pkg:rpm/rocky/openssl-libs@3.0.7-24.el9?arch=x86_64&epoch=1", "ASL 2.0"},
		{"last of many files; epoch of nothing", "/usr/lib64/gconv/CHARSET-399.so", "pkg:rpm/rocky/glibc-gconv-extra@2.34-60.el9?arch=x86_64", "LGPLv2+"},
	}
	for _, form := range forms {
		root := rootOf(map[string]string{"etc/os-release": "ID=\"rocky\"\n"})
		root[form.path] = &fstest.MapFile{Data: form.data}
		db, err := OpenDatabase(root)
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range owners {
			t.Run(form.name+"/"+tt.name, func(t *testing.T) {
				p, ok := db.Owner(tt.library)
				if !ok {
					t.Fatalf("%s has no owner", tt.library)
				}
				if p.PURL() != tt.want || len(p.Licenses) != 1 || p.Licenses[0].Name != tt.license {
					t.Errorf("got %s with licences %v, want %s with %s", p.PURL(), p.Licenses, tt.want, tt.license)
				}
			})
		}
		if damage := db.Damage(); damage != nil {
			t.Errorf("%s: damage %q", form.name, damage)
		}
		if p, ok := db.Owner("/usr/lib64/libnobody.so"); ok {
			t.Errorf("%s: libnobody.so belongs to %s, want nobody", form.name, p.Name)
		}
	}
}

// Chains, trees and counts that lie end the reading, and yield nothing false.
func TestHostileRPMDatabases(t *testing.T) {
	blobs := collectBlobs(sqliteFixture(t), sqliteBlobs)[:4]
	changed := func(data []byte, at int, value ...byte) []byte {
		data = bytes.Clone(data)
		copy(data[at:], value)
		return data
	}
	sound := berkeley(binary.LittleEndian, blobs)
	tests := []struct {
		name string
		form func(io.ReaderAt, int64, *health) iter.Seq[[]byte]
		data []byte
		want int // headers
	}{
		{"empty", sqliteBlobs, nil, 0},
		{"header alone", sqliteBlobs, sqliteFixture(t)[:100], 0},
		{"page size zero", sqliteBlobs, changed(sqliteFixture(t), 16, 0, 0), 0},
		{"page size not a power of two", sqliteBlobs, changed(sqliteFixture(t), 16, 3, 1), 0},
		{"everything reserved", sqliteBlobs, changed(sqliteFixture(t), 20, 0xff), 0},
		{"first page is its own child", sqliteBlobs, changed(sqliteFixture(t), 100, sqliteInterior, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), 0},
		{"berkeley, sound", berkeleyBlobs, sound, 4},
		{"chain in a circle", berkeleyBlobs, changed(sound, 2*1024+16, 2), 3},
		{"chain past the end", berkeleyBlobs, changed(sound, 2*1024+16, 0, 0xff), 3},
		{"chain through a page of entries", berkeleyBlobs, changed(sound, 2*1024+25, bdbHash), 3},
		{"cut in a chain", berkeleyBlobs, sound[:len(sound)-1024], 3},
		{"more entries than the page has", berkeleyBlobs, changed(sound, 1024+20, 0xff, 0xff), 4},
		{"ndb, no slots", ndbBlobs, changed(ndb(blobs), 12, 0), 0},
		{"ndb, more slots than bytes", ndbBlobs, changed(ndb(blobs), 12, 0xff, 0x0f), 0},
		{"ndb, slot of another package", ndbBlobs, changed(ndb(blobs), 32+4, 9), 3},
		{"ndb, slot past the end", ndbBlobs, changed(ndb(blobs), 32+8, 0, 0, 0xff), 3},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := len(collectBlobs(tt.data, tt.form)); got != tt.want {
				t.Errorf("got %d headers, want %d", got, tt.want)
			}
			h, sound := &health{}, strings.Contains(tt.name, "sound") || tt.want == 4
			for range tt.form(bytes.NewReader(tt.data), int64(len(tt.data)), h) {
			}
			if (h.damage == "") != sound || h.err != nil {
				t.Errorf("damage %q, %v", h.damage, h.err)
			}
		})
	}
}

func TestParseRPMHeaderDamaged(t *testing.T) {
	blob := collectBlobs(sqliteFixture(t), sqliteBlobs)[1]
	for n := range len(blob) {
		pkg, libraries := parseRPMHeader(blob[:n])
		if strings.ContainsRune(pkg.Name, 0) || len(libraries) > 2 {
			t.Fatalf("cut at %d: got name %q and libraries %q", n, pkg.Name, libraries)
		}
	}
	if pkg, libraries := parseRPMHeader(blob); pkg.Name != "zlib" || len(libraries) != 2 {
		t.Errorf("whole: got name %q and libraries %q, want zlib and 2", pkg.Name, libraries)
	}
}

// Where records go on to overflow pages (fileformat2.html 1.6): U is the usable size,
// X = U-35 the longest whole one, M the least that stays, and K = M+((P-M)%(U-4)) stays
// unless it is longer than X.
func TestSQLiteOverflowBoundary(t *testing.T) {
	for _, tt := range []struct{ usable, length, want int }{
		{512, 0, 0}, {512, 476, 476}, {512, 477, 477}, {512, 478, 39}, // K would be 478
		{512, 546, 39}, {512, 547, 39}, {512, 548, 40},
		{512, 984, 476}, {512, 985, 477}, {512, 986, 39}, {512, 1055, 39}, {512, 1056, 40},
		{480, 445, 445}, {480, 446, 35}, // the least that the format allows: M = 468*32/255-23
		{4096, 4061, 4061}, {4096, 4062, 489}, {4096, 8153, 4061}, {4096, 8154, 489},
		{65536, 65501, 65501}, {65536, 65502, 8199},
	} {
		f := &sqliteFile{usable: tt.usable}
		if got := f.local(tt.length); got != tt.want {
			t.Errorf("%d usable bytes, record of %d: %d stay on the page, want %d", tt.usable, tt.length, got, tt.want)
		}
	}
}

// Records of every length about those boundaries, as SQLite itself writes them.
func TestSQLiteWritesTheSameBoundary(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil || exec.Command(python, "-c", "import sqlite3").Run() != nil {
		t.Skip("python3 with sqlite3 is not installed, which writes the database")
	}
	for _, page := range []int{512, 1024} {
		path := filepath.Join(t.TempDir(), "rpmdb.sqlite")
		script := `
import sqlite3, sys
path, page = sys.argv[1], int(sys.argv[2])
db = sqlite3.connect(path)
db.execute(f"PRAGMA page_size = {page}")
db.execute("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
for around in (page - 35, 2 * page - 39):
    for n in range(around - 12, around + 12):
        db.execute("INSERT INTO Packages (blob) VALUES (?)", (bytes((i * 7 + n) % 251 for i in range(n)),))
db.commit()
`
		if out, err := exec.Command(python, "-c", script, path, strconv.Itoa(page)).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blobs := collectBlobs(data, sqliteBlobs)
		if len(blobs) != 48 {
			t.Errorf("pages of %d bytes: %d headers, want 48", page, len(blobs))
		}
		for i, b := range blobs {
			n := page - 35 - 12 + i%24
			if i >= 24 {
				n = 2*page - 39 - 12 + i%24
			}
			want := make([]byte, n)
			for i := range want {
				want[i] = byte((i*7 + n) % 251)
			}
			if !bytes.Equal(b, want) {
				t.Errorf("pages of %d bytes, header %d: %d bytes are not those of the %d that were written", page, i, len(b), n)
			}
		}
	}
}
