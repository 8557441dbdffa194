package hostiletest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/machotest"
)

// dylib returns a Mach-O library as a member, for arm64.
func dylib(name string, s machotest.Slice) Member {
	s.Arch, s.MinOS = "arm64", "11.0"
	s.Signed = "adhoc"
	if s.ID == "" {
		s.ID = "@rpath/" + name[strings.LastIndexByte(name, '/')+1:]
	}
	return Member{Name: name, Data: machotest.Build(machotest.Spec{Slices: []machotest.Slice{s}})}
}

// loads returns loads of the usual kind.
func loads(kind string, names []string) []machotest.Load {
	var all []machotest.Load
	for _, name := range names {
		all = append(all, machotest.Load{Name: name, Kind: kind})
	}
	return all
}

// dylibs returns n libraries lib0.dylib, lib1.dylib and so on.
func dylibs(n int, spec func(i int) machotest.Slice) []Member {
	var members []Member
	for i := range n {
		members = append(members, dylib(fmt.Sprintf("pkg/lib%d.dylib", i), spec(i)))
	}
	return members
}

func nextDylib(i, n int) []machotest.Load {
	if i+1 >= n {
		return nil
	}
	return loads("", []string{fmt.Sprintf("@rpath/lib%d.dylib", i+1)})
}

// A linkEdit is a load command and the bytes that it points to.
type linkEdit struct {
	cmd    uint32
	data   []byte
	fields func(off, size uint32) []uint32
}

// linkedData is linkedit_data_command.
func linkedData(cmd uint32, data []byte) linkEdit {
	return linkEdit{cmd, data, func(off, size uint32) []uint32 { return []uint32{off, size} }}
}

// Load commands of <mach-o/loader.h>.
const (
	cmdSymtab   = 0x2
	cmdDyldInfo = 0x80000022
	cmdTrie     = 0x80000033
	cmdFixups   = 0x80000034
	cmdFunction = 0x26
	cmdInCode   = 0x29
)

// symtab has undefined symbols of the first library, all with the name that begins
// at the same place.
func symtab(symbols int, name string) linkEdit {
	nlist := make([]byte, 16*symbols)
	for i := range symbols {
		binary.LittleEndian.PutUint32(nlist[16*i:], 1)
		nlist[16*i+4], nlist[16*i+7] = 1, 1 // N_EXT, undefined; the library
	}
	data := append(nlist, "\x00"+name+"\x00"...)
	return linkEdit{cmdSymtab, data, func(off, size uint32) []uint32 {
		return []uint32{off, uint32(symbols), off + uint32(len(nlist)), size - uint32(len(nlist))}
	}}
}

// raw returns an arm64 library that loads others and has link-edit data.
func raw(id string, names []string, edits ...linkEdit) []byte {
	const page, textSegment, linkSegment = 0x4000, 72 + 80, 72
	le := binary.LittleEndian
	u32 := func(b []byte, values ...uint32) []byte {
		for _, v := range values {
			b = le.AppendUint32(b, v)
		}
		return b
	}
	var tail []byte
	text := func(cmd uint32, s string) {
		size := (24 + len(s) + 8) / 8 * 8
		start := len(tail)
		tail = append(u32(tail, cmd, uint32(size), 24, 2, 0x10000, 0x10000), s...)
		tail = append(tail, make([]byte, size-(len(tail)-start))...)
	}
	text(0xd, id)
	for _, name := range names {
		text(0xc, name)
	}
	tail = u32(tail, 0x32, 24, 1, 11<<16, 11<<16, 0)
	room := len(tail)
	for _, e := range edits {
		room += 8 + 4*len(e.fields(0, 0))
	}
	size := textSegment + linkSegment + room
	start := (32 + size + page) / page * page
	link := start + page
	var data []byte
	for _, e := range edits {
		data = append(data, make([]byte, (8-len(data)%8)%8)...)
		fields := e.fields(uint32(link+len(data)), uint32(len(e.data)))
		tail = u32(u32(tail, e.cmd, uint32(8+4*len(fields))), fields...)
		data = append(data, e.data...)
	}
	words := func(b []byte, values ...uint64) []byte {
		for _, v := range values {
			b = le.AppendUint64(b, v)
		}
		return b
	}
	named := func(b []byte, s string) []byte { return append(append(b, s...), make([]byte, 16-len(s))...) }
	b := u32(nil, 0xfeedfacf, 0x0100000c, 0, 6, uint32(2+2+len(names)+len(edits)), uint32(size), 0x85, 0)
	b = u32(words(named(u32(b, 0x19, textSegment), "__TEXT"), 0, uint64(link), 0, uint64(link)), 5, 5, 1, 0)
	b = u32(words(named(named(b, "__text"), "__TEXT"), uint64(start), 64), uint32(start), 4, 0, 0, 0x80000400, 0, 0, 0)
	mem := (uint64(len(data)) + page) / page * page
	b = u32(words(named(u32(b, 0x19, linkSegment), "__LINKEDIT"), uint64(link), mem, uint64(link), uint64(len(data))), 1, 1, 0, 0)
	b = append(b, tail...)
	return append(append(b, make([]byte, link-len(b))...), data...)
}

// rawMember returns such a library as a member that loads one that is beside it.
func rawMember(edits ...linkEdit) []Member {
	return []Member{
		{Name: "pkg/a.so", Data: raw("a", []string{"@loader_path/lib.dylib"}, edits...)},
		{Name: "pkg/lib.dylib", Data: raw("lib.dylib", []string{"/usr/lib/libSystem.B.dylib"}, linkedData(cmdTrie, []byte{0, 0}))},
	}
}

// fixups returns chained fixups with n imports of one name.
func fixups(n int, name string) []byte {
	le := binary.LittleEndian
	const head = 32
	var b []byte
	for _, v := range []uint32{0, 28, head, uint32(head + 4*n), uint32(n), 1, 0, 0} {
		b = le.AppendUint32(b, v)
	}
	for range n {
		b = le.AppendUint32(b, 1) // library 1, the name at 0
	}
	return append(b, name+"\x00"...)
}

// binds returns dyld info whose opcodes bind n names.
func binds(ops []byte) linkEdit {
	return linkEdit{cmdDyldInfo, ops, func(off, size uint32) []uint32 {
		return []uint32{0, 0, off, size, 0, 0, 0, 0, 0, 0}
	}}
}

// chain returns an export trie of nodes in a row, each with an edge of a letter.
func chain(n int, letter string) []byte {
	var b []byte
	for range n {
		at := len(b) + 2 + len(letter) + 1 + 4
		b = append(append(b, 0, 1), letter+"\x00"...)
		b = append(b, byte(at)|0x80, byte(at>>7)|0x80, byte(at>>14)|0x80, byte(at>>21))
	}
	return append(b, 2, 0, 0, 0)
}

// machO returns a shape of a wheel for Apple silicon.
func machO(name string, at int, members func(n int) []Member) Shape {
	return Shape{Name: "macOS: " + name, Tag: "macosx_11_0_arm64", Sizes: sizes(at), Make: members}
}

// machOOver does the same for one that a limit refuses at a size.
func machOOver(name string, at, over int, members func(n int) []Member) Shape {
	s := machO(name, at, members)
	s.Over = over
	return s
}

// macShapes are wheels with Mach-O files.
func macShapes() []Shape {
	return slices.Concat(macLoadShapes(), macProcessShapes(), macFileShapes(), macLinkEditShapes())
}

// macLoadShapes are one file that asks for libraries.
func macLoadShapes() []Shape {
	one := func(s machotest.Slice) []Member { return []Member{dylib("pkg/a.so", s)} }
	return []Shape{
		machO("one file with as many loads as rpaths", 350, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", list(n, "@rpath/libn%d.dylib")), RPaths: list(n, "@loader_path/%d")})
		}),
		machO("one file with as many loads as absolute rpaths", 350, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", list(n, "@rpath/libn%d.dylib")), RPaths: list(n, "/opt/%d")})
		}),
		machOOver("loads", 1000, 10_000, func(n int) []Member { return one(machotest.Slice{Loads: loads("", list(n, "@rpath/libn%d.dylib"))}) }),
		machOOver("absolute loads", 1000, 10_000, func(n int) []Member { return one(machotest.Slice{Loads: loads("", list(n, "/opt/libn%d.dylib"))}) }),
		machOOver("the same load", 1000, 10_000, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", repeat(n, "@rpath/libn.dylib")), RPaths: []string{"@loader_path"}})
		}),
		machOOver("loads of macOS", 1000, 10_000, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", list(n, "/usr/lib/libn%d.dylib"))})
		}),
		machOOver("weak loads", 1000, 10_000, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("weak", list(n, "@rpath/libn%d.dylib"))})
		}),
		machOOver("rpaths", 1000, 40_000, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", []string{"@rpath/libn.dylib"}), RPaths: list(n, "@loader_path/%d")})
		}),
		machOOver("the same rpath", 1000, 80_000, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", list(20, "@rpath/libn%d.dylib")), RPaths: repeat(n, "@loader_path")})
		}),
		machOOver("a long rpath", 8000, 1_000_000, func(n int) []Member {
			return one(machotest.Slice{Loads: loads("", list(20, "@rpath/libn%d.dylib")), RPaths: []string{"@loader_path" + strings.Repeat("/x", n)}})
		}),
	}
}

// macProcessShapes have files that load each other.
func macProcessShapes() []Shape {
	return []Shape{
		machOOver("dylibs with as many rpaths", 15_000, 4_000_000, func(n int) []Member {
			n = root(n)
			return dylibs(n, func(int) machotest.Slice {
				return machotest.Slice{Loads: loads("", []string{"@rpath/libx.dylib"}), RPaths: list(n, "@loader_path/%d")}
			})
		}),
		machO("a chain with an rpath in each", 150, func(n int) []Member {
			return dylibs(n, func(i int) machotest.Slice {
				return machotest.Slice{Loads: append(nextDylib(i, n), loads("", []string{"@rpath/libx.dylib"})...), RPaths: []string{"@loader_path", fmt.Sprintf("@loader_path/%d", i)}}
			})
		}),
		machOOver("libraries that all load each other", 15_000, 4_000_000, func(n int) []Member {
			n = root(n)
			return dylibs(n, func(int) machotest.Slice {
				return machotest.Slice{Loads: loads("", list(n, "@loader_path/lib%d.dylib"))}
			})
		}),
		machOOver("libraries that all load each other by rpath", 15_000, 4_000_000, func(n int) []Member {
			n = root(n)
			return dylibs(n, func(int) machotest.Slice {
				return machotest.Slice{Loads: loads("", list(n, "@rpath/lib%d.dylib")), RPaths: []string{"@loader_path/x", "@loader_path"}}
			})
		}),
		machOOver("libraries that all load each other and are found by name alone", 15_000, 4_000_000, func(n int) []Member {
			n = root(n)
			return dylibs(n, func(int) machotest.Slice { return machotest.Slice{Loads: loads("", list(n, "/opt/lib%d.dylib"))} })
		}),
		machO("libraries of one install name", 400, func(n int) []Member {
			members := dylibs(n, func(int) machotest.Slice { return machotest.Slice{ID: "@rpath/libx.dylib"} })
			return append(members, dylibsNamed(n, "pkg/m%d.so", machotest.Slice{Loads: loads("", []string{"@rpath/libx.dylib"})})...)
		}),
		machO("libraries of one file name", 300, func(n int) []Member {
			members := dylibsNamed(n, "pkg/d%d/libx.dylib", machotest.Slice{ID: "x"})
			return append(members, dylibsNamed(n, "pkg/m%d.so", machotest.Slice{Loads: loads("", []string{"/opt/libx.dylib"})})...)
		}),
		machO("roots that share a chain", 400, func(n int) []Member {
			members := dylibs(n, func(i int) machotest.Slice {
				return machotest.Slice{Loads: nextDylib(i, n), RPaths: []string{"@loader_path"}}
			})
			return append(members, dylibsNamed(n, "pkg/r%d.so", machotest.Slice{Loads: loads("", []string{"@loader_path/lib0.dylib"})})...)
		}),
		machOOver("libraries that re-export each other", 15_000, 4_000_000, func(n int) []Member {
			n = root(n)
			return dylibs(n, func(int) machotest.Slice {
				return machotest.Slice{Loads: loads("reexport", list(n, "@loader_path/lib%d.dylib"))}
			})
		}),
		machOOver("programs that share libraries", 15_000, 4_000_000, func(n int) []Member {
			n = root(n)
			members := dylibs(n, func(i int) machotest.Slice {
				return machotest.Slice{Loads: loads("", []string{"@executable_path/lib0.dylib"})}
			})
			return append(members, dylibsNamed(n, "pkg/p%d", machotest.Slice{Type: "execute", Loads: loads("", list(n, "@loader_path/lib%d.dylib"))})...)
		}),
	}
}

// macFileShapes are odd files.
func macFileShapes() []Shape {
	return []Shape{
		machO("slices", 1000, func(n int) []Member {
			var all []machotest.Slice
			for _, arch := range machotest.Arches() {
				all = append(all, machotest.Slice{Arch: arch, ID: "@rpath/a.so", MinOS: "11.0", Loads: loads("", list(n, "@rpath/libn%d.dylib"))})
			}
			return []Member{{Name: "pkg/a.so", Data: machotest.Build(machotest.Spec{Slices: all})}}
		}),
		machOOver("slices of one architecture", 8, 40, func(n int) []Member {
			return []Member{{Name: "pkg/a.so", Data: fat(n, raw("a", list(100, "@rpath/libn%d.dylib"), symtab(1, "s")))}}
		}),
	}
}

// fat returns an image again and again, each time with another subtype in its header
// and in the one of the file, which has no limit but the one on their number.
func fat(n int, image []byte) []byte {
	const page = 0x4000
	be, le := binary.BigEndian, binary.LittleEndian
	step := (len(image) + page - 1) / page * page
	head := be.AppendUint32(be.AppendUint32(nil, 0xcafebabe), uint32(n))
	start := (8 + 20*n + page - 1) / page * page
	var body []byte
	for i := range n {
		for _, v := range []uint32{0x0100000c, uint32(i), uint32(start + i*step), uint32(len(image)), 14} {
			head = be.AppendUint32(head, v)
		}
		slice := append(slices.Clone(image), make([]byte, step-len(image))...)
		le.PutUint32(slice[8:], uint32(i))
		body = append(body, slice...)
	}
	return append(append(head, make([]byte, start-len(head))...), body...)
}

// dylibsNamed returns n libraries whose names are made from a pattern.
func dylibsNamed(n int, pattern string, s machotest.Slice) []Member {
	var members []Member
	for _, name := range list(n, pattern) {
		members = append(members, dylib(name, s))
	}
	return members
}

// macLinkEditShapes have symbols and what binds them.
func macLinkEditShapes() []Shape {
	return []Shape{
		machO("symbols that share a long name", 1000, func(n int) []Member {
			return rawMember(symtab(n, strings.Repeat("s", 1<<20)))
		}),
		machOOver("symbols of one name", 120_000, 3_500_000, func(n int) []Member { return rawMember(symtab(n, "s")) }),
		machO("fixups that share a long name", 1000, func(n int) []Member {
			return rawMember(symtab(1, "s"), linkedData(cmdFixups, fixups(n, strings.Repeat("s", 1<<20))))
		}),
		machOOver("fixups of one name", 120_000, 10_000_000, func(n int) []Member {
			return rawMember(symtab(1, "s"), linkedData(cmdFixups, fixups(n, "s")))
		}),
		machOOver("bind opcodes", 120_000, 10_000_000, func(n int) []Member {
			return rawMember(symtab(1, "s"), binds([]byte(strings.Repeat("\x11\x40s\x00\x90", n))))
		}),
		machO("bind opcodes with different names", 120_000, func(n int) []Member {
			return rawMember(symtab(1, "s"), binds([]byte("\x11"+strings.Join(list(n, "\x40s%d\x00\x90"), ""))))
		}),
		machO("one name that is bound again and again", 120_000, func(n int) []Member {
			m := rawMember()
			ops := "\x11\x40" + strings.Repeat("s", 4096) + "\x00" + strings.Repeat("\x11\x90\x12\x90", n)
			m[0].Data = raw("a", []string{"@loader_path/lib.dylib", "/usr/lib/libSystem.B.dylib"}, symtab(1, "s"), binds([]byte(ops)))
			return m
		}),
		machO("a deep export trie", 100_000, func(n int) []Member {
			return rawMember(symtab(1, "s"), linkedData(cmdTrie, chain(n, "s")))
		}),
		machO("a deep export trie that is looked into", 1000, func(n int) []Member {
			return []Member{
				{Name: "pkg/a.so", Data: raw("a", []string{"@loader_path/lib.dylib"}, symtab(1, "s"), linkedData(cmdFixups, fixups(n, strings.Repeat("s", 2*n))))},
				{Name: "pkg/lib.dylib", Data: raw("lib.dylib", []string{"/usr/lib/libSystem.B.dylib"}, symtab(1, "s"), linkedData(cmdTrie, chain(3*n, "s")))},
			}
		}),
		machO("an export trie of long edges in a circle", 1000, func(n int) []Member {
			label := strings.Repeat("s", 4*n)
			trie := append([]byte{0, 1}, label+"\x00\x00"...)
			return []Member{
				{Name: "pkg/a.so", Data: raw("a", []string{"@loader_path/lib.dylib"}, symtab(1, "s"), linkedData(cmdFixups, fixups(n, strings.Repeat(label, 20))))},
				{Name: "pkg/lib.dylib", Data: raw("lib.dylib", []string{"/usr/lib/libSystem.B.dylib"}, symtab(1, "s"), linkedData(cmdTrie, trie))},
			}
		}),
		machO("function starts and data in code", 500_000, func(n int) []Member {
			return rawMember(symtab(1, "s"), linkedData(cmdFunction, []byte(strings.Repeat("\x04", n))), linkedData(cmdInCode, make([]byte, 8*(n/8))))
		}),
		machO("link-edit commands that share bytes", 250, func(n int) []Member {
			edits := []linkEdit{symtab(1, "s"), linkedData(cmdFixups, fixups(50_000, "s"))}
			for range n {
				edits = append(edits, linkEdit{cmdFunction, nil, func(off, _ uint32) []uint32 { return []uint32{off - 200_000, 200_000} }})
			}
			return rawMember(edits...)
		}),
	}
}
