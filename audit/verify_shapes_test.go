package audit_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

// shapeFaults returns what Verify, or reading, has against a shape, on one line each.
func shapeFaults(t *testing.T, archive []byte) []string {
	t.Helper()
	r, err := wheel.NewReader(bytes.NewReader(archive), int64(len(archive)))
	var format *wheel.FormatError
	if errors.As(err, &format) || errors.Is(err, wheel.ErrNotZip) {
		return []string{"unreadable: " + err.Error()}
	}
	if err != nil {
		t.Fatal(err)
	}
	p, err := audit.Verify(context.Background(), wheeltest.ShapeStem+"py3-none-any.whl", r, audit.VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	var faults []string
	for _, c := range p.Failed() {
		for i := range c.Faults {
			faults = append(faults, string(c.Topic)+": "+c.Faults[i].String())
		}
	}
	return faults
}

// Every shape that only looks odd holds, and every other one fails.
// TestVerifyMeansWhatInstallersDo asks the installers about the same.
func TestVerifyShapes(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range wheeltest.Shapes("py3-none-any") {
		if seen[s.Name] {
			t.Errorf("two shapes have the name %q", s.Name)
		}
		seen[s.Name] = true
		faults := shapeFaults(t, s.Archive)
		switch {
		case s.Sound && len(faults) > 0:
			t.Errorf("%s: a sound wheel fails: %q", s.Name, faults)
		case !s.Sound && len(faults) == 0 && !harmless[s.Name]:
			t.Errorf("%s: all hold", s.Name)
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d shapes, want at least 300", len(seen))
	}
}

// harmless are shapes that everybody reads alike, and that need no word.
var harmless = map[string]bool{
	"central zip64 offset": true, "central zip64 of no bytes": true, "local zip64 of no bytes": true, "central zip64 of one size": true, "METADATA: line that is no field": true,
	"METADATA: description is not UTF-8": true, "entry points: section in other case": true, "entry points: empty": true,
	"entry points: extras": true, "WHEEL: tab before the value": true, "RECORD: lone CR": true,
	"WHEEL: yes": true, "WHEEL: no Root-Is-Purelib": true, // both are false to all
	"end record in the comment that does not reach the end": true,
}

func TestVerifyNamesTheRule(t *testing.T) {
	want := map[string]string{
		"archive in the comment":                    "unreadable: offset 0x3f4: archive has two end of central directory records",
		"part of an end record in the comment":      "archive: offset 0x3f4: archive comment of 4 bytes is not plain text",
		"disk number":                               "unreadable: offset 0x3f4: archive is split over several disks",
		"zip64 disk number":                         "archive: offset 0x3f4: zip64 end of central directory names the disks 1 and 0",
		"zip64 locator counts 2 disks":              "archive: offset 0x3f4: zip64 locator names disk 0 of 2",
		"version 6.4 needed":                        "archive: shape/data.txt: offset 0x2df: version 0x40 is needed to extract it",
		"local version needed":                      "archive: shape/data.txt: offset 0x3f: local header: version 0x63 is needed",
		"descriptor":                                "archive: shape/data.txt: offset 0x2ef: size and CRC-32 follow the data in a data descriptor",
		"flag 12":                                   "archive: shape/data.txt: offset 0x2df: flags 0x1000 are set",
		"member comment":                            "archive: shape/data.txt: offset 0x2df: member has a comment of 5 bytes",
		"name in UTF-8 without flag 11":             "archive: shape/größe.txt: offset 0x389: name is not ASCII and flag 11 (UTF-8) is not set",
		"central flag 11":                           "archive: shape/data.txt: offset 0x3f: local header and directory disagree on flag 11",
		"local extra field is cut":                  "archive: shape/data.txt: offset 0x3f: local header: extra field is longer",
		"local extra field of three bytes":          "archive: shape/data.txt: offset 0x3f: local header: 3 bytes after the extra fields",
		"times twice":                               "two extra fields 0x5455",
		"unicode path that says the same":           "extra field 0x7075 gives another name",
		"local zip64 of one size":                   "one of the two sizes is in the zip64 extra field",
		"directory attribute":                       "MS-DOS attributes 0x10 are not those of a file",
		"a directory with compressed bytes":         "directory has 5 compressed bytes",
		"name with U+2028":                          "name has a character that cannot be seen",
		"name with a part of 256 bytes":             "name has a part of 256 bytes, file systems take 255",
		"names that differ in case":                 "install: shape/DATA.txt: is installed to the same path as shape/data.txt",
		".dist-info that is a file":                 "unreadable: other.dist-info: a file at top level must not end in .dist-info",
		"unknown scheme":                            `install: shape-1.0.data/stdlib/a.py: "stdlib" is no scheme of a .data folder`,
		"top-level file that ends in .data":         "install: numbers.data: a file at top level must not end in .data",
		".data of another version":                  "folder shape-2.0.data has not the name and version",
		"purelib over the root":                     "is installed to the same path as shape/data.txt",
		"data over scripts":                         "is installed to the same path as shape-1.0.data/scripts/d",
		"purelib makes a file a folder":             "is installed below shape/data.txt, which is a file",
		"script python3.11":                         "the name belongs to Python itself",
		"folder in scripts":                         "scripts has a folder",
		"__pycache__":                               "lies in __pycache__",
		"INSTALLER":                                 "installers write this file themselves",
		"WHEEL: lone CR":                            "install: shape-1.0.dist-info/WHEEL: CR without LF",
		"WHEEL: not UTF-8":                          "install: shape-1.0.dist-info/WHEEL: it is not UTF-8",
		"WHEEL: version 1.x":                        `install: shape-1.0.dist-info/WHEEL: Wheel-Version is "1.x"`,
		"WHEEL: version 2.0":                        `names: shape-1.0.dist-info/WHEEL: Wheel-Version is "2.0"`,
		"WHEEL: continuation of Root-Is-Purelib":    "Root-Is-Purelib has a continuation line",
		"WHEEL: version in lower case":              `Wheel-Version is spelled "wheel-version"`,
		"METADATA: name twice":                      "install: shape-1.0.dist-info/METADATA: Name is there twice",
		"RECORD: no row for itself":                 "record: shape-1.0.dist-info/RECORD: RECORD has no row for itself",
		"RECORD: signature with a row":              "record: shape-1.0.dist-info/RECORD.p7s: a signature has a row in RECORD",
		"RECORD: no size":                           "record: shape/__init__.py: RECORD row has no size",
		"RECORD: padded hash":                       "is not in the form that installer compares",
		"RECORD: blank line":                        "record: shape-1.0.dist-info/RECORD: offset 0x0: RECORD has an empty line",
		"entry points: twice":                       "install: shape-1.0.dist-info/entry_points.txt: offset 0x23: the entry point is there twice",
		"entry points: script of the same name":     "is installed to the same path as shape-1.0.dist-info/entry_points.txt",
		"entry points: no object":                   `command is not of the form "name = module:object"`,
		"a deflated file of no bytes at all":        "record: shape/none: offset",
		"zip64 sizes without a field":               "unreadable",
		"local zip64 that lies behind true sizes":   "archive: shape/data.txt: offset 0x3f: local header: zip64 extra field has 16 bytes",
		"hidden member":                             "unreadable",
		"bytes behind the deflate stream":           "the deflate stream ends before",
		"central zip64 that lies behind true sizes": "zip64 extra field has 16 bytes, the header asks for 0",
		"comment of control characters":             "archive comment of 3 bytes is not plain text",
		"disk numbers of zip64 without zip64":       "names the disks 65535 and 65535",
		"zip64 version needed":                      "zip64 end of central directory: version 0x63",
		"entry points: python3.12":                  `command "python3.12": the name belongs to Python itself`,
		"WHEEL: field name that is not ASCII":       "is not printable ASCII",
		"WHEEL: encoded word":                       "Root-Is-Purelib is not plain ASCII",
		"RECORD: row of a signature":                "a signature has a row in RECORD",
		"data over the root":                        "is installed to the same path as shape/data.txt",
		"file below .data":                          "a file in the place of the folder purelib",
		"keys of AES":                               "extra field 0x9901",
		"name in Latin-1":                           "unreadable",
		".DIST-INFO":                                ".dist-info is not in lower case",
		"directory lists a member twice":            "unreadable",
		"empty folder of an unknown scheme":         `"stdlib" is no scheme`,
		"entry points: section twice":               "the section is there twice",
		"entry points: leads out":                   "leads out of the folder for scripts",
		"disk 0xffff of a member":                   "disk number is 65535",
		"enhanced deflate":                          "flags 0x10 are set",
		"METADATA: byte order mark":                 "METADATA",
		"local unicode path":                        "local header: extra field 0x7075",
		"central zip64 with more than it needs":     "zip64 extra field has 24 bytes, the header asks for 16",
		"digital signature after the directory":     "unreadable",
		"name with NUL":                             "unreadable",
		"one name twice":                            "two members have this name",
		"WHEEL: NUL":                                "it has a control character",
		"RECORD: size of itself":                    "RECORD gives itself a hash or a size",
		"archive that begins like a tar":            "unreadable",
		"entry points: comment behind":              "command is not of the form",
		"METADATA: no Metadata-Version":             "Metadata-Version is missing",
		"zip64 size of its record":                  "unreadable",
		"volume attribute":                          "MS-DOS attributes 0x8",
		"entry points: not UTF-8":                   "it is not UTF-8",
	}
	for _, s := range wheeltest.Shapes("py3-none-any") {
		text, ok := want[s.Name]
		delete(want, s.Name)
		if faults := strings.Join(shapeFaults(t, s.Archive), "\n"); ok && !strings.Contains(faults, text) {
			t.Errorf("%s: got\n%s\nwant ...%s...", s.Name, faults, text)
		}
	}
	for name := range want {
		t.Errorf("%s: no such shape", name)
	}
}
