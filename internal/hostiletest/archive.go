package hostiletest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/machotest"
)

// archiveShapes are wheels whose archive, or texts, are odd.
func archiveShapes() []Shape {
	return slices.Concat(textShapes(), memberShapes(), bombShapes())
}

// lines returns n lines, each made from a pattern with a number.
func lines(n int, pattern string) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, pattern+"\n", i)
	}
	return b.Bytes()
}

// text returns a wheel's members with one that has a text.
func text(name string, content []byte) []Member {
	return []Member{so("pkg/a.so", elftest.Spec{}), {Name: name, Data: content}}
}

// same returns n lines that are all the same.
func same(n int, line string) []byte { return bytes.Repeat([]byte(line+"\n"), n) }

// textShapes have long texts.
func textShapes() []Shape {
	return slices.Concat(headerShapes(), []Shape{
		{Name: "rows of RECORD", Sizes: sizes(45_000), Over: 1_000_000, Make: func(n int) []Member { return text(record, lines(n, "x%d,,")) }},
		{Name: "the same row of RECORD", Sizes: sizes(45_000), Over: 1_000_000, Make: func(n int) []Member { return text(record, same(n, "x,,")) }},
		{Name: "quotes in RECORD", Sizes: sizes(20_000), Over: 8 << 20, Make: func(n int) []Member {
			return text(record, []byte("\""+strings.Repeat("\"\"\n", n)+"\",,\n"))
		}},
		{Name: "commas in RECORD", Sizes: sizes(60_000), Over: 8 << 20, Make: func(n int) []Member { return text(record, bytes.Repeat([]byte(","), n)) }},
		{Name: "lines of entry_points.txt", Sizes: sizes(12_000), Over: 200_000, Make: func(n int) []Member {
			return text(info+"entry_points.txt", append([]byte("[console_scripts]\n"), lines(n, "x%d = a:b")...))
		}},
		{Name: "groups of entry_points.txt", Sizes: sizes(25_000), Over: 500_000, Make: func(n int) []Member {
			return text(info+"entry_points.txt", lines(n, "[x%d]"))
		}},
		{Name: "components of an SBOM", Sizes: sizes(50_000), Make: func(n int) []Member {
			components := strings.TrimSuffix(string(lines(n, `{"type":"library","name":"x%d","version":"1"},`)), ",\n")
			return text(info+"sboms/x.cdx.json", []byte(`{"bomFormat":"CycloneDX","specVersion":"1.4","components":[`+components+`]}`))
		}},
		{Name: "a deep SBOM", Sizes: sizes(1 << 20), Make: func(n int) []Member {
			return text(info+"sboms/x.cdx.json", []byte(strings.Repeat("[", n)+strings.Repeat("]", n)))
		}},
		{Name: "lines of a script", Sizes: sizes(1 << 20), Make: func(n int) []Member {
			return text("hostile-1.0.data/scripts/x", append([]byte("#!python"), bytes.Repeat([]byte(" -x"), n)...))
		}},
	})
}

// headerShapes have long METADATA, or a long WHEEL.
func headerShapes() []Shape {
	return []Shape{
		{Name: "continuation lines of METADATA", Sizes: sizes(1_000_000), Over: 10_000_000, Make: func(n int) []Member {
			return text(metadata, append([]byte("Summary: x\n"), same(n, " x")...))
		}},
		{Name: "continuation lines of METADATA that are empty", Sizes: sizes(1_000_000), Make: func(n int) []Member {
			return text(metadata, append([]byte("License: x\n"), same(n, "\t")...))
		}},
		{Name: "headers of METADATA", Sizes: sizes(22_000), Over: 1_000_000, Make: func(n int) []Member {
			return text(metadata, lines(n, "Requires-Dist: x%d"))
		}},
		{Name: "the same header of METADATA", Sizes: sizes(22_000), Over: 1_000_000, Make: func(n int) []Member {
			return text(metadata, same(n, "Name: hostile"))
		}},
		{Name: "a long header of METADATA", Sizes: sizes(3 << 20), Over: 32 << 20, Make: func(n int) []Member {
			return text(metadata, []byte("Summary: "+strings.Repeat("x", n)+"\n"))
		}},
		{Name: "a description that has only line ends", Sizes: sizes(3 << 20), Make: func(n int) []Member {
			return text(metadata, bytes.Repeat([]byte("\r"), n))
		}},
		{Name: "Tag lines", Sizes: sizes(4000), Over: 20_000, Make: func(n int) []Member {
			return text(wheelTxt, lines(n, "Tag: cp312-cp312-linux_%d"))
		}},
		{Name: "the same Tag line", Sizes: sizes(4000), Over: 20_000, Make: func(n int) []Member {
			return text(wheelTxt, same(n, "Tag: cp312-cp312-linux_x86_64"))
		}},
		{Name: "a Tag line that stands for many", Sizes: sizes(250), Over: 4000, Make: func(n int) []Member {
			return text(wheelTxt, []byte("Tag: "+strings.Join(list(4, "py%d"), ".")+"-"+strings.Join(list(n, "abi%d"), ".")+"-any\n"))
		}},
		{Name: "continuation lines of WHEEL", Sizes: sizes(80_000), Over: 1_000_000, Make: func(n int) []Member {
			return text(wheelTxt, append([]byte("Build: 1\n"), same(n, " x")...))
		}},
	}
}

// memberShapes have many members, or odd names.
func memberShapes() []Shape {
	// empty returns a library and n empty members.
	empty := func(n int, pattern string) []Member {
		members := []Member{so("pkg/a.so", elftest.Spec{})}
		for _, name := range list(n, pattern) {
			members = append(members, Member{Name: name})
		}
		return members
	}
	return []Shape{
		{Name: "members", Sizes: sizes(12_500), Over: 120_000, Make: func(n int) []Member { return empty(n, "pkg/m%d.py") }},
		{Name: "members in directories of their own", Sizes: sizes(12_500), Make: func(n int) []Member { return empty(n, "pkg/d%d/m.py") }},
		{Name: "members whose names are long", Sizes: sizes(2000), Make: func(n int) []Member {
			return empty(n, "pkg/"+strings.Repeat("long/", 380)+"m%d.py")
		}},
		{Name: "members that are libraries by name alone", Sizes: sizes(6000), Make: func(n int) []Member { return empty(n, "pkg/lib%d.so") }},
		{Name: "members that are libraries", Sizes: sizes(500), Make: func(n int) []Member {
			return libraries(n, func(int) elftest.Spec { return elftest.Spec{} })
		}},
		{Name: "members that only case tells apart", Sizes: sizes(2000), Make: func(n int) []Member {
			members := empty(0, "")
			for i := range n {
				name := []byte("aaaaaaaaaaaaaaaa")
				for bit := range name {
					name[bit] -= byte(i>>bit&1) << 5
				}
				members = append(members, Member{Name: "pkg/" + string(name)})
			}
			return members
		}},
		{Name: "members of one name", Sizes: sizes(5000), Make: func(n int) []Member {
			return append(empty(0, ""), slices.Repeat([]Member{{Name: "pkg/m.py"}}, n)...)
		}},
		{Name: "members below a file", Sizes: sizes(5000), Make: func(n int) []Member {
			return append(empty(n, "pkg/m/%d"), Member{Name: "pkg/m"})
		}},
		{Name: "dist-info directories", Sizes: sizes(5000), Make: func(n int) []Member { return empty(n, "x%d-1.0.dist-info/METADATA") }},
	}
}

// noise returns bytes that no encoder makes smaller.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n+8)
	for i := 0; i < n; i += 8 {
		binary.LittleEndian.PutUint64(b[i:], r.Uint64())
	}
	return b[:n]
}

// bombShapes have members that deflate made a thousand times smaller: the sizes are
// in MiB, and the last one is just below what a small wheel may declare.
func bombShapes() []Shape {
	bomb := func(name string, data []byte) func(int) []Member {
		return func(n int) []Member {
			return []Member{so("pkg/x.so", elftest.Spec{}), {Name: name, Data: data, Zeros: int64(n) << 20}}
		}
	}
	mac := func(data []byte) func(int) []Member {
		return func(n int) []Member {
			return []Member{dylib("pkg/x.so", machotest.Slice{}), {Name: "pkg/a.dylib", Data: data, Zeros: int64(n) << 20}}
		}
	}
	shape := func(name string, of func(int) []Member) Shape {
		return Shape{Name: "zeros in " + name, Sizes: sizes(15), Over: 1024, Make: of}
	}
	image := machotest.Build(machotest.Spec{Slices: []machotest.Slice{{Arch: "arm64", MinOS: "11.0", Signed: "adhoc"}}})
	shapes := []Shape{
		shape("a .so", bomb("pkg/a.so", nil)),
		shape("an ELF file", bomb("pkg/a.so", elftest.Build(elftest.Spec{}))),
		shape("data", bomb("pkg/data.bin", nil)),
		shape("a script", bomb("hostile-1.0.data/scripts/x", []byte("#!python\n"))),
		shape("an SBOM", bomb(info+"sboms/x.cdx.json", []byte("{}"))),
		shape("a licence", bomb(info+"licenses/LICENSE", nil)),
		{Name: "zeros in RECORD", Sizes: sizes(50), Over: 60 << 10, Make: func(n int) []Member {
			return []Member{so("pkg/a.so", elftest.Spec{}), {Name: record, Zeros: int64(n) << 10}}
		}},
		{Name: "zeros in METADATA", Sizes: sizes(3), Over: 60, Make: bomb(metadata, nil)},
		{Name: "zeros in WHEEL, which may have 1 MiB", Sizes: sizes(10), Over: 60, Make: bomb(wheelTxt, nil)},
		{Name: "zeros in entry_points.txt, which may have 1 MiB", Sizes: sizes(10), Over: 60, Make: bomb(info+"entry_points.txt", nil)},
		shape("a Mach-O file", mac(image)),
		shape("a .dylib", mac(nil)),
		{Name: "zeros beside noise, 49 times as many", Sizes: sizes(2), Make: func(n int) []Member {
			return []Member{so("pkg/a.so", elftest.Spec{}), {Name: "pkg/noise", Data: noise(n << 20)}, {Name: "pkg/b.so", Data: elftest.Build(elftest.Spec{}), Zeros: int64(48*n) << 20}}
		}},
	}
	for i := range shapes {
		if strings.Contains(shapes[i].Name, "Mach-O") || strings.Contains(shapes[i].Name, "dylib") {
			shapes[i].Tag = "macosx_11_0_arm64"
		}
	}
	return shapes
}
