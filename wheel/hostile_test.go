package wheel

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"testing"
)

// with returns an ordinary wheel that also has this part, rows included.
func with(p part) []byte { return zipBytes(wheelParts(p)...) }

// patched returns the demo wheel with bytes changed; at counts from the end if
// it is negative.
func patched(at int, change func([]byte)) []byte {
	b := zipBytes(demoParts()...)
	if at < 0 {
		at += len(b)
	}
	change(b[at:])
	return b
}

func putU16(v uint16) func([]byte) {
	return func(b []byte) { binary.LittleEndian.PutUint16(b, v) }
}

func putU32(v uint32) func([]byte) {
	return func(b []byte) { binary.LittleEndian.PutUint32(b, v) }
}

// withoutPart drops a file of .dist-info.
func withoutPart(base string) []byte {
	var kept []part
	for _, p := range demoParts() {
		if p.name != demoInfo+"/"+base {
			kept = append(kept, p)
		}
	}
	return zipBytes(kept...)
}

// both changes the local and the directory header alike.
func both(p part, change func(*zipHeader)) part {
	p.local, p.central = change, change
	return p
}

func TestNewReaderRefuses(t *testing.T) {
	demo := zipBytes(demoParts()...)
	x := part{name: "demo/x", content: "content", unix: 0o100644}
	cases := []struct {
		name string
		in   []byte
		want string
	}{
		{"empty file", nil, "not a zip archive"},
		{"text", []byte("hello, this is no archive at all"), "not a zip archive"},
		{"cut in the directory", demo[:len(demo)-30], "no end of central directory record (APPNOTE.TXT 4.3.16); the file is cut short"},
		{"cut in the first header", demo[:20], "offset 0x14: no end of central directory record"},
		{"bytes after the end", append(bytes.Clone(demo), "junk"...), "archive comment does not end where the file ends"},
		{"bytes before the start", append([]byte("#!/bin/sh\n"), demo...), "bytes were cut off or put in front"},
		{"bytes taken out", append(bytes.Clone(demo[:50]), demo[60:]...), "bytes were cut off or put in front"},
		{"end record in the comment", func() []byte {
			b := bytes.Clone(demo)
			binary.LittleEndian.PutUint16(b[len(b)-2:], endSize)
			return append(b, demo[len(demo)-endSize:]...)
		}(), "two end of central directory records"},
		{"more members declared than there is room for", patched(-14, func(b []byte) { putU16(9999)(b); putU16(9999)(b[2:]) }), "9999 members are declared, the central directory of"},
		{"fewer members declared", patched(-14, func(b []byte) { putU16(2)(b); putU16(2)(b[2:]) }), "2 members are declared, the central directory has 8"},
		{"several disks", patched(-18, putU16(1)), "split over several disks"},
		{"directory offset lies", patched(-6, putU32(7)), "does not end at"},
		{"directory size lies", patched(-10, putU32(1<<30)), "does not end at"},

		{"parent directory", with(part{name: "demo/../../etc/passwd"}), `demo/../../etc/passwd: offset 0x256: name has the part ".."`},
		{"absolute", with(part{name: "/etc/passwd"}), "name is absolute"},
		{"drive letter", with(part{name: "C:/x"}), "name begins with a drive letter"},
		{"backslash", with(part{name: `demo\x`}), "name has a backslash"},
		{"NUL", with(part{name: "demo/x\x00.py"}), "name has a control character"},
		{"escape sequence does not reach the terminal", with(part{name: "demo/\x1b[31m"}), `"demo/\x1b[31m": offset`},
		{"C1 control", with(part{name: "demo/\u009b31m"}), "name has a control character"},
		{"empty", with(part{name: ""}), "empty name"},
		{"empty part", with(part{name: "demo//x"}), `name has an empty part ("//")`},
		{"dot", with(part{name: "./demo/x"}), `name has the part "."`},
		{"not UTF-8", with(part{name: "demo/\xff"}), "name is not UTF-8"},
		{"other name in an extra field", with(both(x, func(h *zipHeader) { h.extra = []byte("\x75\x70\x0a\x00\x01CRC4other") })), "extra field 0x7075 gives another name"},

		{"same name twice", zipBytes(append(demoParts(), part{name: "demo/__init__.py"})...), "demo/__init__.py: two members have this name"},
		{"file is also a directory", zipBytes(append(demoParts(), part{name: "demo/__init__.py/x"})...), `"demo/__init__.py" is both a file and a directory`},
		{"file is also a directory entry", zipBytes(append(demoParts(), part{name: "demo/__init__.py/", stored: true})...), `"demo/__init__.py" is both a file and a directory`},
		{"file is also a directory, with a name between", zipBytes(append(demoParts(), part{name: "demo/__init__.py-x"}, part{name: "demo/__init__.py/x"})...), `"demo/__init__.py" is both a file and a directory`},

		{"symbolic link", with(part{name: "demo/x", unix: 0o120777}), "Unix mode 0120777 is a link or special file"},
		{"device", with(part{name: "demo/x", unix: 0o060666}), "Unix mode 060666 is a link or special file"},
		{"directory by mode, file by name", with(part{name: "demo/x", unix: 0o040755}), "disagree on whether this is a directory"},
		{"directory with content", with(part{name: "demo/x/", content: "surprise", stored: true}), "directory has 8 bytes of content"},
		{"encrypted", with(both(x, func(h *zipHeader) { h.flags |= flagEncrypted })), "member is encrypted"},
		{"masked headers", with(both(x, func(h *zipHeader) { h.flags |= flagMasked })), "member is encrypted"},
		{"bzip2", with(both(x, func(h *zipHeader) { h.method = 12 })), "compression method 12 is neither 0 (stored) nor 8 (deflated)"},

		{"local name differs", with(part{name: "demo/x", local: func(h *zipHeader) { h.name = "demo/y" }}), "local header gives another name"},
		{"local method differs", with(part{name: "demo/x", content: "1", local: func(h *zipHeader) { h.method = Store }}), "local header has method 0 and flags 0x0, the directory 8 and 0x0"},
		{"local flags differ", with(part{name: "demo/x", content: "1", local: func(h *zipHeader) { h.flags |= flagDescriptor }}), "local header has method 8 and flags 0x8, the directory 8 and 0x0"},
		{"local flags lack one", with(part{name: "demo/x", content: "1", after: make([]byte, 12), central: func(h *zipHeader) { h.flags |= flagDescriptor }}), "local header has method 8 and flags 0x0, the directory 8 and 0x8"},
		{"encrypted by the local header alone", with(part{name: "demo/x", content: "1", local: func(h *zipHeader) { h.flags |= flagEncrypted }}), "local header has method 8 and flags 0x1, the directory 8 and 0x0"},
		{"local size differs", with(part{name: "demo/x", content: "12", local: func(h *zipHeader) { h.usize = 1 }}), "local header and directory disagree on sizes"},
		{"local CRC differs", with(part{name: "demo/x", content: "12", local: func(h *zipHeader) { h.crc++ }}), "local header and directory disagree on sizes"},
		{"local zip64 size differs", with(part{name: "demo/x", content: "12", local: func(h *zipHeader) {
			h.usize, h.extra = 0xffffffff, []byte("\x01\x00\x08\x00\x03\x00\x00\x00\x00\x00\x00\x00")
		}}), "local header and directory disagree on sizes"},
		{"local header is not there", with(part{name: "demo/x", central: func(h *zipHeader) { h.offset += 3 }}), "first member begins at 0x3"},
		{"overlap", zipBytes(append(demoParts(), part{name: "demo/x", central: func(h *zipHeader) { h.offset = 0 }})...), "reaches into what begins at 0x0"},
		{"data reach into the next member", with(both(x, func(h *zipHeader) { h.csize += 40 })), "reaches into what begins at"},
		{"hidden bytes between members", with(part{name: "demo/x", content: "12", after: []byte("PK\x03\x04 hidden member")}), "18 bytes after its data belong to no member"},
		{"descriptor disagrees", with(both(part{name: "demo/x", content: "12", after: make([]byte, 12)}, func(h *zipHeader) { h.flags |= flagDescriptor })), "data descriptor and directory disagree"},
		{"descriptor of odd length", with(both(part{name: "demo/x", content: "12", after: make([]byte, 13)}, func(h *zipHeader) { h.flags |= flagDescriptor })), "13 bytes after its data are no data descriptor"},

		{"more than deflate can give", with(both(x, func(h *zipHeader) { h.usize = 1 << 30 })), "1073741824 bytes are declared, but deflate cannot make that of"},
		{"stored sizes differ", with(both(part{name: "demo/x", content: "12", stored: true}, func(h *zipHeader) { h.usize = 3 })), "stored member has 2 bytes in the archive, but declares 3"},
		{"bomb", with(both(part{name: "demo/x", raw: make([]byte, 2<<20)}, func(h *zipHeader) { h.usize = 2 << 30 })), "a decompression bomb"},
		{"zip64 field is missing", with(both(x, func(h *zipHeader) { h.usize, h.csize = 0xffffffff, 0xffffffff })), "reaches into what begins at"},
		{"zip64 field is short", with(both(x, func(h *zipHeader) { h.usize, h.extra = 0xffffffff, []byte("\x01\x00\x04\x00abcd") })), "zip64 extra field is too short"},
		{"zip64 size is negative", with(both(x, func(h *zipHeader) {
			h.usize, h.extra = 0xffffffff, []byte("\x01\x00\x08\x00\xff\xff\xff\xff\xff\xff\xff\xff")
		})), "out of range"},
		{"extra field is cut", with(both(x, func(h *zipHeader) { h.extra = []byte("\x01\x00\xff\xff") })), "extra field is longer than its header says"},

		{"no .dist-info", zipBytes(part{name: "demo/x"}), "no .dist-info directory at top level"},
		{".dist-info below the top", zipBytes(part{name: "demo/demo-1.0.dist-info/WHEEL"}), "no .dist-info directory at top level"},
		{"two .dist-info", with(part{name: "other-1.0.dist-info/WHEEL"}), "two .dist-info directories, other-1.0.dist-info and demo-1.0.dist-info"},
		{"no WHEEL", withoutPart("WHEEL"), "demo-1.0.dist-info has no WHEEL"},
		{"no METADATA", withoutPart("METADATA"), "demo-1.0.dist-info has no METADATA"},
		{"no RECORD", withoutPart("RECORD"), "demo-1.0.dist-info has no RECORD"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := NewReader(bytes.NewReader(c.in), int64(len(c.in)))
			checkRefusal(t, err, c.want)
		})
	}
}

// checkRefusal wants one line that has the text and is a FormatError.
func checkRefusal(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("error:\n got %v\nwant ...%s...", err, want)
	}
	if strings.ContainsFunc(err.Error(), func(r rune) bool { return r < ' ' }) {
		t.Errorf("error has control characters: %q", err)
	}
	var fe *FormatError
	if !errors.Is(err, ErrNotZip) && !errors.As(err, &fe) {
		t.Errorf("error is a %T, want ErrNotZip or a *FormatError", err)
	}
}

func TestEmptyEndRecordIsNoWheel(t *testing.T) {
	b := zipBytes()
	_, err := NewReader(bytes.NewReader(b), int64(len(b)))
	checkRefusal(t, err, "no .dist-info directory")
}

// recordText returns the demo wheel with RECORD changed.
func recordText(change func(string) string) []byte {
	parts := demoParts()
	last := &parts[len(parts)-1]
	last.content = change(last.content)
	return zipBytes(parts...)
}

func replace(old, new string) []byte {
	return recordText(func(s string) string { return strings.Replace(s, old, new, 1) })
}

func TestScanRefuses(t *testing.T) {
	bad := deflated("content of x")
	bad[3] ^= 0x55
	cases := []struct {
		name string
		in   []byte
		want string
	}{
		{"row is missing", recordText(func(s string) string { return s[strings.Index(s, "\n")+1:] }), "demo/_core.so: member has no row in RECORD"},
		{"row without member", recordText(func(s string) string { return "demo/ghost.py,sha256=x,1\n" + s }), "demo/ghost.py: RECORD has a row for this member, the archive does not have it"},
		{"row twice", recordText(func(s string) string { return s + s }), `demo-1.0.dist-info/RECORD: offset 0x1dc: RECORD has a second row for "demo/_core.so"`},
		{"two columns", recordText(func(s string) string { return "demo/x,\n" + s }), "RECORD: offset 0x0: RECORD row has 2 columns"},
		{"quote not closed", recordText(func(s string) string { return s + "\"demo/x,,\n" }), "quote that is not closed"},
		{"text after a quote", recordText(func(s string) string { return s + "\"demo/x\"y,,\n" }), "text after one"},
		{"size is no number", replace(",18\n", ",-18\n"), `RECORD row for "demo/__init__.py" has size "-18"`},
		{"size differs", replace(",18\n", ",19\n"), "demo/__init__.py: RECORD gives 19 bytes, the member has 18"},
		{"hash differs", replace("py,sha256=", "py,sha256=AAAA"), "is no sha256 digest in urlsafe base64"},
		{"no hash", replace(recordRow("demo/__init__.py"), "demo/__init__.py,,\n"), "demo/__init__.py: RECORD row has no hash"},
		{"md5", replace("py,sha256=", "py,md5="), "is not one of sha256, sha384, sha512"},
		{"sha1", replace("py,sha256=", "py,sha1="), "is not one of sha256, sha384, sha512"},
		{"hash of something else", replace(recordRow("demo/__init__.py"), "demo/__init__.py,"+formatHash(make([]byte, 32))+",18\n"), "demo/__init__.py: content does not have the hash"},

		{"CRC lies", with(both(part{name: "demo/x", content: "content"}, func(h *zipHeader) { h.crc = 1 })), "demo/x: offset 0x24: content has CRC-32"},
		{"content is longer", with(both(part{name: "demo/x", content: "content"}, func(h *zipHeader) { h.usize-- })), "content is longer than the 6 bytes that the archive declares"},
		{"content is shorter", with(both(part{name: "demo/x", content: "content"}, func(h *zipHeader) { h.usize++ })), "content ends after 7 bytes, the archive declares 8"},
		{"deflate stream is damaged", with(part{name: "demo/x", content: "content of x", raw: bad}), "demo/x: offset"},
		{"deflate stream is cut", with(part{name: "demo/x", content: "content of x", raw: deflated("content of x")[:5]}), "content ends after"},
		{"bytes after the deflate stream", with(part{name: "demo/x", content: "content", raw: append(deflated("content"), "hidden"...)}), "19 compressed bytes are declared, the deflate stream ends before"},
		{"many zeros behind a small size", with(both(part{name: "demo/x", content: strings.Repeat("\x00", 50<<20)}, func(h *zipHeader) { h.usize = 10 })), "content is longer than the 10 bytes"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			checkRefusal(t, mustRead(t, c.in).Scan(context.Background(), 2, nil), c.want)
		})
	}
}

// recordRow is the true row of a demo member.
func recordRow(name string) string {
	parts := demoParts()
	for row := range strings.Lines(parts[len(parts)-1].content) {
		if strings.HasPrefix(row, name+",") {
			return row
		}
	}
	return ""
}
