package wheeltest

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// ShapeStem begins the file name of every shape; tag and extension follow.
const ShapeStem = "shape-1.0-"

const shapeInfo = "shape-1.0.dist-info/"

// A Shape is a wheel whose archive or files are not as all readers expect, by
// the name of what is odd. Those that are Sound only look so.
type Shape struct {
	Name    string
	Sound   bool
	Archive []byte
}

// A draft is a wheel before it is written.
type draft struct {
	parts           []ZipPart // without those of .dist-info
	wheel, metadata string
	more            []ZipPart // after RECORD was made of the others
	record          func(string) string
	end             ZipEnd
	bytes           func([]byte) []byte
}

func (d *draft) archive() []byte {
	parts := append(d.parts, ZipPart{Name: shapeInfo + "WHEEL", Content: d.wheel, Mode: 0o100644},
		ZipPart{Name: shapeInfo + "METADATA", Content: d.metadata, Mode: 0o100644})
	record := RecordOf(parts, shapeInfo+"RECORD")
	if d.record != nil {
		record = d.record(record)
	}
	parts = append(parts, d.more...)
	b := Zip(append(parts, ZipPart{Name: shapeInfo + "RECORD", Content: record, Mode: 0o100644}), d.end)
	if d.bytes != nil {
		b = d.bytes(b)
	}
	return b
}

// Shapes returns every shape of a wheel with that tag, "py3-none-any" for one that
// installs everywhere, and with more parts if they are given. Names do not repeat.
func Shapes(tag string, more ...ZipPart) []Shape {
	var list []Shape
	for _, group := range [][]oddity{endShapes(), headerShapes(), extraShapes(), nameShapes(), layoutShapes(), placeShapes(), fileShapes(), recordShapes(), commandShapes()} {
		for _, o := range group {
			d := &draft{
				parts: append([]ZipPart{
					{Name: "shape/__init__.py", Content: "value = 1\n", Mode: 0o100644},
					{Name: "shape/data.txt", Content: strings.Repeat("some text\n", 40), Mode: 0o100644},
				}, more...),
				wheel:    fmt.Sprintf("Wheel-Version: 1.0\nGenerator: shapes\nRoot-Is-Purelib: %v\nTag: %s\n", len(more) == 0, tag),
				metadata: "Metadata-Version: 2.1\nName: shape\nVersion: 1.0\n",
			}
			o.change(d)
			list = append(list, Shape{o.name, o.sound, d.archive()})
		}
	}
	return list
}

// An oddity is what a shape changes.
type oddity struct {
	name   string
	sound  bool
	change func(*draft)
}

// ends changes the records at the end.
func ends(name string, change func(*ZipEnd)) oddity {
	return oddity{name: name, change: func(d *draft) { change(&d.end) }}
}

func endShapes() []oddity {
	le := binary.LittleEndian
	end := func(f func(end []byte)) func(*ZipEnd) {
		return func(e *ZipEnd) { e.Change = func(end, _, _ []byte) { f(end) } }
	}
	zip64 := func(f func(end64, locator []byte)) func(*ZipEnd) {
		return func(e *ZipEnd) { e.Zip64, e.Change = true, func(_, end64, locator []byte) { f(end64, locator) } }
	}
	inner := string(Zip([]ZipPart{{Name: "evil.py", Content: "1"}}, ZipEnd{}))
	return []oddity{
		{name: "nothing odd", sound: true, change: func(*draft) {}},
		{name: "comment of text", sound: true, change: func(d *draft) { d.end.Comment = "built on monday" }},
		{name: "zip64 records that nothing needs", sound: true, change: func(d *draft) { d.end.Zip64 = true }},
		ends("archive in the comment", func(e *ZipEnd) { e.Comment = inner }),
		ends("end record in the comment", func(e *ZipEnd) { e.Comment = "PK\x05\x06" + strings.Repeat("\x00", 18) }),
		ends("end record in the comment that does not reach the end", func(e *ZipEnd) { e.Comment = "PK\x05\x06" + strings.Repeat("\x00", 30) }),
		ends("part of an end record in the comment", func(e *ZipEnd) { e.Comment = "PK\x05\x06" }),
		ends("comment of control characters", func(e *ZipEnd) { e.Comment = "\x01\x02\x03" }),
		ends("comment that is no UTF-8", func(e *ZipEnd) { e.Comment = "\xff\xfe" }),
		ends("zeros behind", func(e *ZipEnd) { e.Trailing = make([]byte, 8) }),
		ends("text behind", func(e *ZipEnd) { e.Trailing = []byte("more") }),
		ends("archive behind", func(e *ZipEnd) { e.Trailing = []byte(inner) }),
		ends("script in front", func(e *ZipEnd) { e.Prefix = []byte("#!/bin/sh\nexit\n") }),
		{name: "script in front, offsets not moved", change: func(d *draft) {
			d.bytes = func(b []byte) []byte { return append([]byte("#!/bin/sh\nexit\n"), b...) }
		}},
		{name: "archive in front", change: func(d *draft) {
			d.bytes = func(b []byte) []byte { return append([]byte(inner), b...) }
		}},
		{name: "cut", change: func(d *draft) { d.bytes = func(b []byte) []byte { return b[:len(b)-10] } }},
		ends("bytes between directory and end record", func(e *ZipEnd) { e.Before = []byte("junk") }),
		ends("digital signature after the directory", func(e *ZipEnd) { e.Before = []byte("PK\x05\x05\x02\x00ab") }),
		ends("disk number", end(func(b []byte) { le.PutUint16(b[4:], 1) })),
		ends("disk of the directory", end(func(b []byte) { le.PutUint16(b[6:], 1) })),
		ends("both disk numbers", end(func(b []byte) { le.PutUint16(b[4:], 1); le.PutUint16(b[6:], 1) })),
		ends("disk numbers of zip64 without zip64", end(func(b []byte) { le.PutUint32(b[4:], 0xffffffff) })),
		ends("members on this disk", end(func(b []byte) { le.PutUint16(b[8:], 1) })),
		ends("fewer members declared", end(func(b []byte) { le.PutUint32(b[8:], 2<<16|2) })),
		ends("more members declared", end(func(b []byte) { le.PutUint32(b[8:], 9<<16|9) })),
		ends("no member declared", end(func(b []byte) { le.PutUint32(b[8:], 0) })),
		ends("size of the directory", end(func(b []byte) { le.PutUint32(b[12:], le.Uint32(b[12:])-8) })),
		ends("offset of the directory", end(func(b []byte) { le.PutUint32(b[16:], le.Uint32(b[16:])+4) })),
		ends("zip64 locator names disk 1", zip64(func(_, l []byte) { le.PutUint32(l[4:], 1) })),
		ends("zip64 locator counts 0 disks", zip64(func(_, l []byte) { le.PutUint32(l[16:], 0) })),
		ends("zip64 locator counts 2 disks", zip64(func(_, l []byte) { le.PutUint32(l[16:], 2) })),
		ends("zip64 locator points elsewhere", zip64(func(_, l []byte) { le.PutUint64(l[8:], 7) })),
		ends("zip64 disk number", zip64(func(e, _ []byte) { le.PutUint32(e[16:], 1) })),
		ends("zip64 disk of the directory", zip64(func(e, _ []byte) { le.PutUint32(e[20:], 1) })),
		ends("zip64 members on this disk", zip64(func(e, _ []byte) { le.PutUint64(e[24:], 1) })),
		ends("zip64 members", zip64(func(e, _ []byte) { le.PutUint64(e[24:], 3); le.PutUint64(e[32:], 3) })),
		ends("zip64 size of the directory", zip64(func(e, _ []byte) { le.PutUint64(e[40:], 46) })),
		ends("zip64 offset of the directory", zip64(func(e, _ []byte) { le.PutUint64(e[48:], 0) })),
		ends("zip64 size of its record", zip64(func(e, _ []byte) { le.PutUint64(e[4:], 60) })),
		ends("zip64 version needed", zip64(func(e, _ []byte) { le.PutUint16(e[14:], 99) })),
		ends("zip64 signature missing", zip64(func(e, _ []byte) { e[3] = 0 })),
	}
}

// headers changes the headers of shape/data.txt: l the local one, c that of the
// directory, where one is nil it stays.
func headers(name string, l, c func(*ZipHeader)) oddity {
	return oddity{name: name, change: func(d *draft) { d.parts[1].Local, d.parts[1].Central = l, c }}
}

func both(name string, f func(*ZipHeader)) oddity { return headers(name, f, f) }

func headerShapes() []oddity {
	needed := func(v uint16) func(*ZipHeader) { return func(h *ZipHeader) { h.Needed = v } }
	flags := func(v uint16) func(*ZipHeader) { return func(h *ZipHeader) { h.Flags |= v } }
	sound := both("version 4.5 needed", needed(45))
	sound.sound = true
	level := both("flags of the level", flags(6))
	level.sound = true
	utf8 := both("flag 11 with an ASCII name", flags(flagUTF8))
	utf8.sound = true
	list := []oddity{
		sound, level, utf8,
		both("version 4.6 needed", needed(46)), both("version 6.3 needed", needed(63)), both("version 6.4 needed", needed(64)),
		both("version 25.5 needed", needed(255)), both("system in the version needed", needed(3<<8|20)),
		headers("local version needed", needed(99), nil), headers("central version needed", nil, needed(99)),
		headers("local flag 11", flags(flagUTF8), nil), headers("central flag 11", nil, flags(flagUTF8)),
		both("encrypted", flags(1)), headers("local encrypted", flags(1), nil), headers("central encrypted", nil, flags(1)),
		both("patch data", flags(1<<5)), both("strong encryption", flags(1<<6)), both("masked headers", flags(1<<13)),
		both("enhanced deflate", flags(1<<4)), both("flag 12", flags(1<<12)), both("flag 15", flags(1<<15)), both("flags 7 to 10", flags(0x780)),
		headers("local flag 3", flags(1<<3), nil), headers("central flag 3", nil, flags(1<<3)),
		both("flag 3 without descriptor", flags(1<<3)),
		both("flag 3 and zeros without descriptor", func(h *ZipHeader) { h.Flags |= 1 << 3 }),
		headers("local name", func(h *ZipHeader) { h.Name = "shape/other.txt" }, nil),
		headers("local name in other case", func(h *ZipHeader) { h.Name = "shape/DATA.txt" }, nil),
		headers("local name is longer", func(h *ZipHeader) { h.Name += "x" }, nil),
		headers("local CRC", func(h *ZipHeader) { h.CRC++ }, nil), headers("central CRC", nil, func(h *ZipHeader) { h.CRC++ }), both("CRC", func(h *ZipHeader) { h.CRC++ }),
		headers("local size", func(h *ZipHeader) { h.Size++ }, nil), headers("central size", nil, func(h *ZipHeader) { h.Size++ }), both("size is less", func(h *ZipHeader) { h.Size -= 10 }),
		both("size is more", func(h *ZipHeader) { h.Size += 10 }), both("size is 0", func(h *ZipHeader) { h.Size = 0 }),
		headers("local compressed size", func(h *ZipHeader) { h.Stored++ }, nil), headers("central compressed size", nil, func(h *ZipHeader) { h.Stored-- }), both("compressed size is less", func(h *ZipHeader) { h.Stored-- }),
		headers("local sizes are 0", func(h *ZipHeader) { h.Size, h.Stored, h.CRC = 0, 0, 0 }, nil),
		headers("local method", func(h *ZipHeader) { h.Method = 0 }, nil), headers("central method", nil, func(h *ZipHeader) { h.Method = 0 }),
		headers("disk of a member", nil, func(h *ZipHeader) { h.Disk = 1 }), headers("disk 0xffff of a member", nil, func(h *ZipHeader) { h.Disk = 0xffff }),
		headers("member comment", nil, func(h *ZipHeader) { h.Comment = "hello" }),
		headers("member comment with a header", nil, func(h *ZipHeader) { h.Comment = "PK\x01\x02" + strings.Repeat("\x00", 42) }),
		headers("directory attribute", nil, func(h *ZipHeader) { h.External |= 0x10 }), headers("volume attribute", nil, func(h *ZipHeader) { h.External |= 8 }),
		headers("symbolic link", nil, func(h *ZipHeader) { h.External = 0o120777 << 16 }), headers("directory by mode", nil, func(h *ZipHeader) { h.External = 0o040755 << 16 }),
		headers("FIFO", nil, func(h *ZipHeader) { h.External = 0o010644 << 16 }),
		headers("offset", nil, func(h *ZipHeader) { h.Offset++ }), headers("offset of another member", nil, func(h *ZipHeader) { h.Offset = 0 }),
	}
	for _, method := range []uint16{1, 6, 9, 12, 14, 93, 95, 99} { // shrunk, imploded, deflate64, bzip2, lzma, zstd, xz, AES
		list = append(list, both(fmt.Sprintf("method %d", method), func(h *ZipHeader) { h.Method = method }))
	}
	return append(list, descriptorShapes()...)
}

func descriptorShapes() []oddity {
	describe := func(signed bool, wide bool, lie uint32) func(*draft) {
		return func(d *draft) {
			p := &d.parts[1]
			deferred := func(h *ZipHeader) { h.Flags |= 1 << 3; h.CRC, h.Size, h.Stored = 0, 0, 0 }
			p.Local, p.Central = deferred, func(h *ZipHeader) { h.Flags |= 1 << 3 }
			le, data := binary.LittleEndian, deflated([]byte(p.Content))
			if signed {
				p.After = []byte("PK\x07\x08")
			}
			p.After = le.AppendUint32(p.After, crc32.ChecksumIEEE([]byte(p.Content))+lie)
			for _, n := range []int{len(data), len(p.Content)} {
				if wide {
					p.After = le.AppendUint64(p.After, uint64(n))
				} else {
					p.After = le.AppendUint32(p.After, uint32(n))
				}
			}
		}
	}
	return []oddity{
		{name: "descriptor", change: describe(true, false, 0)}, {name: "descriptor without signature", change: describe(false, false, 0)},
		{name: "descriptor of zip64", change: describe(true, true, 0)}, {name: "descriptor that lies", change: describe(true, false, 1)},
	}
}

func extraShapes() []oddity {
	le := binary.LittleEndian
	extra := func(b string) func(*ZipHeader) { return func(h *ZipHeader) { h.Extra = []byte(b) } }
	path := func(name, of string) string {
		b := le.AppendUint32([]byte{1}, crc32.ChecksumIEEE([]byte(of)))
		b = append(b, name...)
		return "\x75\x70" + string(le.AppendUint16(nil, uint16(len(b)))) + string(b)
	}
	sizes := func(h *ZipHeader) []byte {
		b := le.AppendUint64([]byte("\x01\x00\x10\x00"), uint64(h.Size))
		return le.AppendUint64(b, uint64(h.Stored))
	}
	widen := func(h *ZipHeader) { h.Extra = sizes(h); h.Size, h.Stored = 0xffffffff, 0xffffffff }
	time := "UT\x05\x00\x01\x00\x00\x00\x00"
	sound := both("times of Info-ZIP", extra(time))
	sound.sound = true
	wide := both("zip64 sizes", widen)
	wide.sound = true
	repeated := headers("local zip64 sizes, there in the header too", func(h *ZipHeader) { h.Extra = sizes(h) }, nil)
	repeated.sound = true
	return []oddity{
		sound, wide, repeated,
		both("unicode path that says the same", extra(path("shape/data.txt", "shape/data.txt"))),
		both("unicode path of another name", extra(path("shape/evil.txt", "shape/data.txt"))),
		both("unicode path with a wrong CRC", extra(path("shape/evil.txt", "x"))),
		headers("local unicode path", extra(path("shape/evil.txt", "shape/data.txt")), nil),
		headers("central unicode path", nil, extra(path("shape/evil.txt", "shape/data.txt"))),
		both("empty unicode path", extra("\x75\x70\x00\x00")),
		both("two unicode paths", extra(path("shape/data.txt", "shape/data.txt")+path("shape/evil.txt", "shape/data.txt"))),
		headers("local extra field is cut", extra("UT\x09\x00\x01"), nil), headers("central extra field is cut", nil, extra("UT\x09\x00\x01")),
		headers("local extra field of a byte", extra("\x00"), nil), headers("central extra field of three bytes", nil, extra("\x00\x00\x00")),
		headers("local extra field of three bytes", extra("UT\x00"), nil),
		both("times twice", extra(time+time)),
		both("two zip64 fields", func(h *ZipHeader) { widen(h); h.Extra = append(h.Extra, h.Extra...) }),
		headers("local zip64 that lies", func(h *ZipHeader) { widen(h); h.Extra[4]++ }, nil),
		headers("local zip64 that lies behind true sizes", func(h *ZipHeader) { h.Extra = sizes(h); h.Extra[12]++ }, nil),
		headers("central zip64 behind true sizes", nil, func(h *ZipHeader) { h.Extra = sizes(h) }),
		headers("central zip64 that lies behind true sizes", nil, func(h *ZipHeader) { h.Extra = sizes(h); h.Extra[4]++ }),
		headers("central zip64 of no bytes", nil, extra("\x01\x00\x00\x00")), headers("local zip64 of no bytes", extra("\x01\x00\x00\x00"), nil),
		headers("central zip64 is short", nil, func(h *ZipHeader) { h.Extra = sizes(h)[:12]; h.Extra[2] = 8; h.Size, h.Stored = 0xffffffff, 0xffffffff }),
		headers("local zip64 of one size", func(h *ZipHeader) {
			h.Extra = append([]byte("\x01\x00\x08\x00"), sizes(h)[12:]...)
			h.Stored = 0xffffffff
		}, nil),
		headers("central zip64 of one size", nil, func(h *ZipHeader) {
			h.Extra = append([]byte("\x01\x00\x08\x00"), sizes(h)[4:12]...)
			h.Size = 0xffffffff
		}),
		headers("zip64 sizes without a field", func(h *ZipHeader) { h.Size, h.Stored = 0xffffffff, 0xffffffff }, nil),
		headers("central zip64 offset", nil, func(h *ZipHeader) {
			h.Extra = le.AppendUint64([]byte("\x01\x00\x08\x00"), uint64(h.Offset))
			h.Offset = 0xffffffff
		}),
		headers("central zip64 with more than it needs", nil, func(h *ZipHeader) { widen(h); h.Extra = append(h.Extra, make([]byte, 8)...); h.Extra[2] = 24 }),
		both("keys of AES", extra("\x01\x99\x07\x00\x02\x00AE\x03\x08\x00")),
		both("unicode comment", extra("\x75\x63\x05\x00\x01\x00\x00\x00\x00")),
	}
}
