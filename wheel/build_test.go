package wheel

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"compress/flate"
)

// A zipHeader holds the fields that a local header and a directory header
// share, so that a test can make the two lie.
type zipHeader struct {
	flags, method     uint16
	crc, csize, usize uint32
	name              string
	extra             []byte
	external, offset  uint32 // directory only
}

// A part is a member of an archive under test.
type part struct {
	name    string
	content string
	unix    uint16 // st_mode; 0 leaves it out
	stored  bool
	raw     []byte           // compressed bytes, if not made from content
	local   func(*zipHeader) // changes the local header
	central func(*zipHeader) // changes the directory header
	after   []byte           // bytes between the data and the next header
}

// zipBytes builds an archive by hand, with only what the parts say checked.
func zipBytes(parts ...part) []byte {
	var out, dir []byte
	for _, p := range parts {
		h := zipHeader{name: p.name, usize: uint32(len(p.content)), crc: crc32.ChecksumIEEE([]byte(p.content)),
			external: uint32(p.unix) << 16, offset: uint32(len(out))}
		data := []byte(p.content)
		if !p.stored {
			h.method = Deflate
			data = deflated(p.content)
		}
		if p.raw != nil {
			data = p.raw
		}
		h.csize = uint32(len(data))
		local, central := h, h
		if p.local != nil {
			p.local(&local)
		}
		if p.central != nil {
			p.central(&central)
		}
		out = append(append(local.append(out, localSignature), data...), p.after...)
		dir = central.append(dir, centralSignature)
	}
	off := len(out)
	out = append(out, dir...)
	return appendEnd(out, len(parts), int64(off), int64(len(dir)), 0xffffffff)
}

// append writes a local or a directory header.
func (h *zipHeader) append(b []byte, signature uint32) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, signature)
	if signature == centralSignature {
		b = le.AppendUint16(b, creatorUnix|versionPlain)
	}
	b = le.AppendUint16(b, versionPlain)
	b = le.AppendUint16(b, h.flags)
	b = le.AppendUint16(b, h.method)
	b = le.AppendUint32(b, 0x58214a00) // 2024-01-01 09:16:00
	b = le.AppendUint32(b, h.crc)
	b = le.AppendUint32(b, h.csize)
	b = le.AppendUint32(b, h.usize)
	b = le.AppendUint16(b, uint16(len(h.name)))
	b = le.AppendUint16(b, uint16(len(h.extra)))
	if signature == centralSignature {
		b = append(b, make([]byte, 6)...)
		b = le.AppendUint32(b, h.external)
		b = le.AppendUint32(b, h.offset)
	}
	return append(append(b, h.name...), h.extra...)
}

func deflated(s string) []byte {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, 6)
	if err != nil {
		panic(err)
	}
	w.Write([]byte(s))
	w.Close()
	return b.Bytes()
}

const (
	demoInfo     = "demo-1.0.dist-info"
	demoWheel    = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp312-cp312-linux_x86_64\n"
	demoMetadata = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\nRequires-Dist: numpy>=1\n\ntext: more\n"
)

// wheelParts adds WHEEL, METADATA and a true RECORD to the parts.
func wheelParts(parts ...part) []part {
	parts = append(parts,
		part{name: demoInfo + "/WHEEL", content: demoWheel, unix: 0o100644},
		part{name: demoInfo + "/METADATA", content: demoMetadata, unix: 0o100644})
	return append(parts, recordPart(parts))
}

func recordPart(parts []part) part {
	var text []byte
	for _, p := range parts {
		if !strings.HasSuffix(p.name, "/") {
			sum := sha256.Sum256([]byte(p.content))
			text = appendRow(text, RecordRow{p.name, formatHash(sum[:]), int64(len(p.content))})
		}
	}
	text = appendRow(text, RecordRow{demoInfo + "/RECORD", "", -1})
	return part{name: demoInfo + "/RECORD", content: string(text), unix: 0o100644}
}

// demoParts is an ordinary wheel, in an order that is not the output's.
func demoParts() []part {
	return wheelParts(
		part{name: "demo/", unix: 0o40755, stored: true},
		part{name: "demo/_core.so", content: strings.Repeat("\x7fELF and more ", 9000), unix: 0o100755},
		part{name: "demo/__init__.py", content: "import demo._core\n", unix: 0o100644},
		part{name: "demo/a, \"b\".txt", content: "quoted in RECORD", unix: 0o600, stored: true},
		part{name: "demo/größe.txt", content: "", stored: true, central: utf8Flag, local: utf8Flag},
	)
}

func utf8Flag(h *zipHeader) { h.flags |= flagUTF8 }

// mustRead reads an archive that has to be right.
func mustRead(t testing.TB, b []byte) *Reader {
	t.Helper()
	r, err := NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatalf("NewReader: %v", err)
	}
	return r
}

// A memory is an io.WriterAt in memory.
type memory struct{ b []byte }

func (m *memory) WriteAt(p []byte, off int64) (int, error) {
	if need := int(off) + len(p); need > len(m.b) {
		m.b = append(m.b, make([]byte, need-len(m.b))...)
	}
	return copy(m.b[off:], p), nil
}
