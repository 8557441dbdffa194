package wheeltest

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// with adds members, which RECORD knows.
func with(name string, parts ...ZipPart) oddity {
	return oddity{name: name, change: func(d *draft) { d.parts = append(d.parts, parts...) }}
}

func plain(name string) ZipPart { return ZipPart{Name: name, Content: "x = 1\n", Mode: 0o100644} }

// sound marks a shape that only looks odd.
func sound(o oddity) oddity {
	o.sound = true
	return o
}

func nameShapes() []oddity {
	noFlag := func(h *ZipHeader) { h.Flags &^= flagUTF8 }
	flag := func(h *ZipHeader) { h.Flags |= flagUTF8 }
	raw := plain("shape/größe.txt")
	raw.Local, raw.Central = noFlag, noFlag
	local, central := plain("shape/größe.txt"), plain("shape/größe.txt")
	local.Local, central.Central = noFlag, noFlag
	latin := plain("shape/gr\xf6\xdfe.txt")
	latin.Local, latin.Central = noFlag, noFlag
	marked := latin
	marked.Local, marked.Central = flag, flag
	long := strings.Repeat("x", 251)
	return []oddity{
		sound(with("name in UTF-8", plain("shape/größe.txt"))), sound(with("name with a comma", plain("shape/a, \"b\".txt"))),
		sound(with("name with blanks", plain("shape/ a b .txt"))), sound(with("name with a part of 255 bytes", plain("shape/"+long+".txt"))),
		with("name in UTF-8 without flag 11", raw), with("name in UTF-8, flag 11 missing in the local header", local),
		with("name in UTF-8, flag 11 missing in the directory", central), with("name in Latin-1", latin), with("name in Latin-1 with flag 11", marked),
		with("name with a part of 256 bytes", plain("shape/"+long+".text")), with("name of 5000 bytes", plain("shape/"+strings.Repeat("d/", 2400)+"x.txt")),
		with("name with U+2028", plain("shape/a\u2028b.txt")), with("name with U+2029", plain("shape/a\u2029b.txt")), with("name with U+0085", plain("shape/a\u0085b.txt")),
		with("name with a form feed", plain("shape/a\fb.txt")), with("name with U+001E", plain("shape/a\x1eb.txt")),
		with("name with U+200B", plain("shape/a\u200bb.txt")), with("name with U+202E", plain("shape/a\u202eb.txt")), with("name with U+FEFF", plain("shape/\ufeffa.txt")),
		with("name with a private character", plain("shape/a\ue000.txt")), with("name with an unassigned character", plain("shape/a\u0378.txt")),
		with("name with a line feed", plain("shape/a\nb.txt")), with("name with a tab", plain("shape/a\tb.txt")), with("name with DEL", plain("shape/a\x7fb.txt")),
		with("name with NUL", plain("shape/a\x00b.txt")), with("name that ends in NUL", plain("shape/a.txt\x00")),
		with("name with a backslash", plain(`shape\b.txt`)), with("name with dots", plain("shape/../shape/x.txt")), with("name that leads out", plain("../x.txt")),
		with("name with a dot", plain("shape/./x.txt")), with("name with two slashes", plain("shape//x.txt")), with("absolute name", plain("/tmp/x.txt")),
		with("drive letter", plain("C:/x.txt")), with("empty name", plain("")), with("one slash", plain("/")),
		with("one name twice", plain("shape/data.txt")),
		with("one name twice, other bytes", ZipPart{Name: "shape/data.txt", Content: "other", Mode: 0o100644}),
		with("names that differ in case", plain("shape/DATA.txt")),
		with("file that is a directory too", plain("shape/x"), plain("shape/x/y")),
		with("file and directory of one name", plain("shape/x"), ZipPart{Name: "shape/x/", Plain: true}),
	}
}

func layoutShapes() []oddity {
	u32 := binary.LittleEndian.PutUint32
	return []oddity{
		sound(with("a directory", ZipPart{Name: "shape/empty/", Plain: true, Mode: 0o040755})),
		with("a directory with content", ZipPart{Name: "shape/empty/", Content: "hello", Plain: true}),
		with("a directory with compressed bytes", ZipPart{Name: "shape/empty/"}),
		with("a directory by mode of a file", ZipPart{Name: "shape/empty/", Plain: true, Mode: 0o100644}),
		with("a deflated file of no bytes at all", ZipPart{Name: "shape/none", Data: []byte{}, Mode: 0o100644}),
		with("bytes behind the deflate stream", ZipPart{Name: "shape/x", Content: "text", Data: append(deflated([]byte("text")), "junk"...), Mode: 0o100644}),
		with("deflate stream that does not end", ZipPart{Name: "shape/x", Content: "text", Data: append([]byte{0, 4, 0, 0xfb, 0xff}, "text"...), Mode: 0o100644}),
		with("stored sizes differ", ZipPart{Name: "shape/x", Content: "text", Plain: true, Mode: 0o100644,
			Local: func(h *ZipHeader) { h.Size = 3 }, Central: func(h *ZipHeader) { h.Size = 3 }}),
		{name: "hidden member", change: func(d *draft) {
			d.more = []ZipPart{{Name: "shape/hidden.py", Content: "1", Mode: 0o100644, Unlisted: true}}
		}},
		{name: "hidden member in front", change: func(d *draft) {
			d.parts = append([]ZipPart{{Name: "shape/hidden.py", Content: "1", Unlisted: true}}, d.parts...)
		}},
		{name: "hidden copy of a member", change: func(d *draft) {
			d.more = []ZipPart{{Name: "shape/data.txt", Content: "1", Mode: 0o100644, Unlisted: true}}
		}},
		{name: "bytes between members", change: func(d *draft) { d.parts[0].After = []byte("between") }},
		{name: "directory lists a member twice", change: func(d *draft) {
			d.bytes = func(b []byte) []byte { return repeatFirst(b) }
		}},
		{name: "two members over the same bytes", change: func(d *draft) {
			twin := d.parts[1]
			twin.Name = "shape/twin.txt"
			twin.Central = func(h *ZipHeader) { h.Offset = 1 }
			d.parts = append(d.parts, twin)
		}},
		{name: "archive that begins like a tar", change: func(d *draft) {
			d.bytes = func(b []byte) []byte {
				b = append(make([]byte, 512), b...)
				copy(b, "x")
				copy(b[257:], "ustar\x0000")
				u32(b[508:], 0)
				return b
			}
		}},
	}
}

// repeatFirst lists the first member of the directory once more.
func repeatFirst(b []byte) []byte {
	le := binary.LittleEndian
	end := len(b) - 22
	off := int(le.Uint32(b[end+16:]))
	n := 46 + int(le.Uint16(b[off+28:])) + int(le.Uint16(b[off+30:])) + int(le.Uint16(b[off+32:]))
	first := bytes.Clone(b[off : off+n])
	tail := bytes.Clone(b[end:])
	count := le.Uint16(tail[8:]) + 1
	le.PutUint16(tail[8:], count)
	le.PutUint16(tail[10:], count)
	le.PutUint32(tail[12:], le.Uint32(tail[12:])+uint32(n))
	return append(append(b[:end:end], first...), tail...)
}

func placeShapes() []oddity {
	const data = "shape-1.0.data/"
	script := func(name string) ZipPart {
		return ZipPart{Name: name, Content: "#!/bin/sh\n", Mode: 0o100755}
	}
	return []oddity{
		sound(with("each scheme", plain(data+"purelib/a.py"), plain(data+"platlib/b.py"), plain(data+"headers/c.h"), script(data+"scripts/d"), plain(data+"data/share/e"))),
		with("unknown scheme", plain(data+"stdlib/a.py")), with("scheme in other case", plain(data+"Purelib/a.py")),
		with("file below .data", plain(data+"purelib")), with("other file below .data", plain(data+"README")),
		with("empty folder of an unknown scheme", ZipPart{Name: data + "stdlib/", Plain: true, Mode: 0o040755}),
		with(".data of another version", plain("shape-2.0.data/purelib/a.py")), with(".data of another name", plain("other-1.0.data/purelib/a.py")),
		with(".data in other case", plain("Shape-1.0.data/purelib/a.py")), with(".DATA", plain("shape-1.0.DATA/purelib/a.py")),
		with("top-level file that ends in .data", plain("numbers.data")), sound(with("file below that ends in .data", plain("shape/numbers.data"))),
		with("purelib over the root", ZipPart{Name: data + "purelib/shape/data.txt", Content: "other", Mode: 0o100644}),
		with("platlib over the root", ZipPart{Name: data + "platlib/shape/data.txt", Content: "other", Mode: 0o100644}),
		with("purelib over platlib", plain(data+"purelib/a.py"), ZipPart{Name: data + "platlib/a.py", Content: "other", Mode: 0o100644}),
		with("data over the root", ZipPart{Name: data + "data/lib/python3.11/site-packages/shape/data.txt", Content: "other", Mode: 0o100644}),
		with("data over scripts", script(data+"scripts/d"), ZipPart{Name: data + "data/bin/d", Content: "other", Mode: 0o100755}),
		with("purelib makes a file a folder", plain(data+"purelib/shape/data.txt/x.py")),
		with("folder in scripts", script(data+"scripts/sub/d")), with("empty folder in scripts", script(data+"scripts/d"), ZipPart{Name: data + "scripts/sub/", Plain: true, Mode: 0o040755}),
		with("script python", script(data+"scripts/python")), with("script python3.11", script(data+"scripts/python3.11")), with("script Python.exe", script(data+"scripts/Python.exe")),
		with("data bin/python3", script(data+"data/bin/python3")), sound(with("script pythonize", script(data+"scripts/pythonize"))),
		with(".dist-info that is a file", plain("other.dist-info")), with("second .dist-info", plain("other-1.0.dist-info/METADATA")),
		with(".DIST-INFO", plain("shape-1.0.DIST-INFO/METADATA")), with("empty second .dist-info", ZipPart{Name: "other-1.0.dist-info/", Plain: true, Mode: 0o040755}),
		sound(with(".dist-info further down", plain("shape/_vendor/other-1.0.dist-info/METADATA"))),
		with("INSTALLER", plain(shapeInfo+"INSTALLER")), with("direct_url.json", plain(shapeInfo+"direct_url.json")), with("REQUESTED", plain(shapeInfo+"REQUESTED")),
		with("__pycache__", plain("shape/__pycache__/other.cpython-311.pyc")), sound(with("file called __pycache__", plain("shape/sub/__pycache__"))),
	}
}

// text changes WHEEL or METADATA.
func text(name string, wheel, metadata func(string) string) oddity {
	return oddity{name: name, change: func(d *draft) {
		if wheel != nil {
			d.wheel = wheel(d.wheel)
		}
		if metadata != nil {
			d.metadata = metadata(d.metadata)
		}
	}}
}

func replace(old, new string) func(string) string {
	return func(s string) string { return strings.Replace(s, old, new, 1) }
}

func prefix(p string) func(string) string { return func(s string) string { return p + s } }

func suffix(p string) func(string) string { return func(s string) string { return s + p } }

func fileShapes() []oddity {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	cr := func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }
	w := func(name string, f func(string) string) oddity { return text("WHEEL: "+name, f, nil) }
	m := func(name string, f func(string) string) oddity { return text("METADATA: "+name, nil, f) }
	list := []oddity{
		sound(w("CR LF", crlf)), sound(m("CR LF", crlf)), sound(w("more fields", suffix("X-More: 1\n"))), sound(m("description", suffix("\nWords\n"))),
		sound(m("folded field", suffix("License: one\n        two\n"))),
		w("lone CR", replace("Root", "X: 1\rRoot")), w("CR alone", cr), w("field behind a lone CR", replace("Generator: shapes", "Generator: shapes\rRoot-Is-Purelib: false")),
		w("not UTF-8", replace("shapes", "sh\xe4pes")), w("byte order mark", prefix("\ufeff")), w("NUL", replace("shapes", "sha\x00pes")),
		w("blank line first", prefix("\n")), w("blank line after the version", replace("Generator", "\nGenerator")),
		w("no line is a field", func(string) string { return "nothing" }), w("empty", func(string) string { return "" }),
		w("From line", prefix("From me\n")), w("blank before the colon", replace("Wheel-Version:", "Wheel-Version :")),
		w("continuation of Root-Is-Purelib", replace("true\n", "true\n x\n")), w("continuation of Generator", replace("shapes\n", "shapes\n x\n")),
		w("first line is a continuation", prefix(" x\n")), w("tab before the value", replace("Root-Is-Purelib: ", "Root-Is-Purelib:\t")),
		w("blank after true", replace("true", "true ")), w("no break space after true", replace("true", "true\u00a0")),
		w("TRUE", replace("true", "TRUE")), w("True", replace("true", "True")), w("yes", replace("true", "yes")), w("encoded word", replace("true", "=?utf-8?q?true?=")),
		w("Root-Is-Purelib twice", suffix("Root-Is-Purelib: false\n")), w("no Root-Is-Purelib", replace("Root-Is-Purelib: true\n", "")),
		w("name in lower case", replace("Root-Is-Purelib", "root-is-purelib")), w("version in lower case", replace("Wheel-Version", "wheel-version")), w("tag in lower case", replace("Tag", "tag")),
		w("two versions", suffix("Wheel-Version: 2.0\n")), w("field name that is not ASCII", replace("Generator", "Gener\u00e4tor")),
	}
	for _, v := range []string{"", "0.1", "0.9", "1", "1.", "1.x", "1.1", "1.9", "1.0.0", "1.0 ", "01.0", "1.00", "2.0", "10.0", "one", "-1.0", "1.0 beta"} {
		list = append(list, w("version "+strings.ReplaceAll(v, " ", "_"), replace("1.0", v)))
	}
	return append(list,
		m("lone CR", replace("Version: 1.0", "X: 1\rVersion: 1.0")), m("field behind a lone CR", replace("Name: shape", "Name: shape\rSummary: x")),
		m("not UTF-8", suffix("Summary: \xe4\n")), m("description that is not UTF-8", suffix("\nW\xf6rds\n")), m("byte order mark", prefix("\ufeff")), m("no Metadata-Version", replace("Metadata-Version: 2.1\n", "")),
		m("name in lower case", replace("Name:", "name:")), m("name twice", suffix("Name: other\n")), m("version twice", suffix("Version: 2.0\n")),
		m("other name", replace("Name: shape", "Name: other")), m("other version", replace("\nVersion: 1.0", "\nVersion: 2.0")),
		m("version that is none", replace("\nVersion: 1.0", "\nVersion: one")), m("name that is none", replace("Name: shape", "Name: sh ape")),
		m("folded name", replace("Name: shape", "Name:\n shape")), m("line that is no field", suffix("nothing\nSummary: x\n")),
		m("blank line first", prefix("\n")), m("empty", func(string) string { return "" }),
	)
}

// records changes RECORD.
func records(name string, f func(string) string) oddity {
	return oddity{name: "RECORD: " + name, change: func(d *draft) { d.record = f }}
}

func recordShapes() []oddity {
	const own = shapeInfo + "RECORD,,\n"
	row := func(f func(columns []string)) func(string) string {
		return func(s string) string {
			head, rest, _ := strings.Cut(s, "\n")
			columns := strings.Split(head, ",")
			f(columns)
			return strings.Join(columns, ",") + "\n" + rest
		}
	}
	signed := oddity{name: "RECORD: signature without a row", sound: true, change: func(d *draft) {
		d.more = []ZipPart{{Name: shapeInfo + "RECORD.jws", Content: "{}", Mode: 0o100644}}
	}}
	return []oddity{
		sound(records("CR LF", func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") })),
		sound(records("no line end at the end", func(s string) string { return strings.TrimSuffix(s, "\n") })),
		sound(records("quoted name", row(func(c []string) { c[0] = `"` + c[0] + `"` }))), signed,
		records("no row for itself", replace(own, "")), records("hash of itself", replace(own, shapeInfo+"RECORD,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n")),
		records("size of itself", replace(own, shapeInfo+"RECORD,,5\n")), records("two rows for itself", suffix(own)),
		records("row of a signature", suffix(shapeInfo+"RECORD.jws,,\n")),
		{name: "RECORD: signature with a row", change: func(d *draft) {
			d.parts = append(d.parts, ZipPart{Name: shapeInfo + "RECORD.p7s", Content: "x", Mode: 0o100644})
		}},
		records("no size", row(func(c []string) { c[2] = "" })), records("no hash", row(func(c []string) { c[1] = "" })), records("neither", row(func(c []string) { c[1], c[2] = "", "" })),
		records("padded hash", row(func(c []string) { c[1] += "=" })), records("base64 that is not urlsafe", row(func(c []string) { c[1] = strings.NewReplacer("-", "+", "_", "/").Replace(c[1]) + " " })),
		records("other last bits", row(func(c []string) { c[1] = c[1][:len(c[1])-1] + string(c[1][len(c[1])-1]+1) })),
		records("SHA256", row(func(c []string) { c[1] = strings.Replace(c[1], "sha256", "SHA256", 1) })), records("md5", row(func(c []string) { c[1] = "md5=xyz" })),
		records("wrong hash", row(func(c []string) { c[1] = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU" })), records("wrong size", row(func(c []string) { c[2] = "99" })),
		records("size with a sign", row(func(c []string) { c[2] = "+" + c[2] })), records("size with a blank", row(func(c []string) { c[2] = " " + c[2] })),
		records("size in Arabic digits", row(func(c []string) { c[2] = "\u0661\u0660" })), records("size with an underscore", row(func(c []string) { c[2] = "1_0" })),
		records("two columns", row(func(c []string) { c[2] = "1\nx,y" })), records("four columns", row(func(c []string) { c[2] += ",x" })),
		records("row missing", func(s string) string { _, rest, _ := strings.Cut(s, "\n"); return rest }), records("row twice", func(s string) string { return s + s }),
		records("row of no member", prefix("shape/ghost.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n")),
		records("blank line", prefix("\n")), records("byte order mark", prefix("\ufeff")), records("not UTF-8", suffix("\xff,,\n")),
		records("name with ./", row(func(c []string) { c[0] = "./" + c[0] })), records("absolute name", row(func(c []string) { c[0] = "/" + c[0] })),
		records("backslash", row(func(c []string) { c[0] = strings.ReplaceAll(c[0], "/", `\`) })), records("header", prefix("path,hash,size\n")),
		records("quote that is not closed", suffix("\"x,,\n")), records("empty", func(string) string { return "" }), records("comment", prefix("# comment\n")),
		records("lone CR", func(s string) string { return strings.ReplaceAll(s, "\n", "\r") }),
	}
}

func commandShapes() []oddity {
	points := func(name, content string) oddity {
		return with("entry points: "+name, ZipPart{Name: shapeInfo + "entry_points.txt", Content: content, Mode: 0o100644})
	}
	console := func(name, line string) oddity { return points(name, "[console_scripts]\n"+line+"\n") }
	script := ZipPart{Name: "shape-1.0.data/scripts/run", Content: "#!/bin/sh\n", Mode: 0o100755}
	beside := console("script of the same name", "run = shape:main")
	add := beside.change
	beside.change = func(d *draft) { d.parts = append(d.parts, script); add(d) }
	return []oddity{
		sound(console("one command", "run = shape:main")), sound(points("comment and other group", "# note\n[shape.plugins]\na b = shape\n\n[gui_scripts]\nrun=shape:main.sub\n")),
		beside,
		console("no object", "run = shape"), console("no value", "run ="), console("no equals sign", "run"), console("colon for equals", "run: shape:main"),
		console("object with blanks", "run = shape:main now"), console("extras", "run = shape:main [extra]"), console("comment behind", "run = shape:main ; note"),
		console("twice", "run = shape:main\nrun = shape:other"), points("section twice", "[console_scripts]\na = shape:main\n[console_scripts]\nb = shape:main\n"),
		points("before a section", "run = shape:main\n"), points("section is open", "[console_scripts\nrun = shape:main\n"),
		points("section in other case", "[Console_Scripts]\nrun = shape:main\n"), points("indented", "[console_scripts]\n  run = shape:main\n"),
		points("indented below another", "[console_scripts]\na = shape:main\n  run = shape:main\n"),
		console("python", "python = shape:main"), console("python3.12", "python3.12 = shape:main"), console("leads out", "../run = shape:main"), console("slash", "a/run = shape:main"),
		points("not UTF-8", "[console_scripts]\nrun = sh\xe4pe:main\n"), points("byte order mark", "\ufeff[console_scripts]\nrun = shape:main\n"), points("lone CR", "[console_scripts]\rrun = shape:main\r"),
		points("console and gui", "[console_scripts]\nrun = shape:main\n[gui_scripts]\nrun = shape:other\n"), points("DEFAULT", "[DEFAULT]\nrun = shape:main\n[console_scripts]\n"),
		points("empty", ""), points("blank in the section", "[ console_scripts ]\nrun = shape:main\n"),
	}
}
