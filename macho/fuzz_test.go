package macho

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/internal/binread"
)

// slow is far above what any image of the size that fuzzing makes should take, on a
// machine that is busy with other things.
const slow = 30 * time.Second

// madeSeeds are small images of every kind of command.
var madeSeeds = []string{
	"arch=x86_64 id=@rpath/a.dylib loads=" + libdep + "," + system + " rpaths=/opt/a,@loader_path minos=10.9",
	"arch=x86_64 type=bundle loads=" + libdep + ",weak:" + system + " pad=0 signed=adhoc",
	"arch=i386 loads=" + libdep + " rpaths=/opt minos=10.6",
	"arch=arm64 type=execute loads=reexport:" + libdep + ",upward:/b.dylib,lazy:/c.dylib signed=certificate",
	"arch=x86_64 loads=" + libdep + " arch=i386 loads=/old.dylib",
	"fat64 arch=x86_64 id=/x.dylib",
	"arch=arm64 dwarf=100 id=/x.dylib loads=" + libdep + ",reexport:" + libdep + " rpaths=/opt,/opt minos=26.0 signed=adhoc",
}

// seeds gives a fuzz target the fixtures, thin and fat, and small made images.
func seeds(f *testing.F) {
	for _, name := range fixtures {
		f.Add(fixture(f, name))
	}
	f.Add(fatOf(f, true, fixture(f, "zig-x86_64-mod.so")))
	for _, text := range madeSeeds {
		f.Add(made(f, text))
	}
}

// askAll asks a file everything that can be asked.
func askAll(t testing.TB, file *File) {
	t.Helper()
	for _, s := range file.Slices {
		_, err := s.Signature()
		checkError(t, err)
		checkError(t, s.VerifySignature(context.Background(), 1))
		_, err = s.imports()
		checkError(t, err)
		imports, err := s.Imports()
		checkError(t, err)
		exports, err := s.Exports()
		checkError(t, err)
		for _, x := range imports {
			if exports != nil {
				_, err := exports.Lookup(x.Symbol)
				checkError(t, err)
			}
		}
	}
}

// FuzzNewFile: what is read lies in the file, and what is wrong is said in a line.
func FuzzNewFile(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			checkUnread(t, err)
			return
		}
		checkInside(t, file, int64(len(b)))
		askAll(t, file)
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(b))
		}
	})
}

// checkUnread holds the reason why a file is not read to what callers rely on.
func checkUnread(t testing.TB, err error) {
	t.Helper()
	if format := (*FormatError)(nil); !errors.Is(err, ErrNotMachO) && !errors.As(err, &format) {
		t.Fatalf("neither ErrNotMachO nor a FormatError: %v", err)
	}
	checkError(t, err)
}

// checkInside makes sure that slices, segments and sections lie in the file, and that
// slices lie apart.
func checkInside(t testing.TB, file *File, size int64) {
	t.Helper()
	type span struct{ from, to int64 }
	var spans []span
	for _, s := range file.Slices {
		if s.Off < 0 || s.Size < 0 || s.Off+s.Size > size {
			t.Fatalf("slice at %#x with %#x bytes in a file of %#x", s.Off, s.Size, size)
		}
		spans = append(spans, span{s.Off, s.Off + s.Size})
		for _, seg := range s.Segments {
			if seg.Off < 0 || seg.FileSize < 0 || seg.Off+seg.FileSize > s.Size {
				t.Fatalf("segment %+v in a slice of %#x bytes", seg, s.Size)
			}
			for _, x := range seg.Sections {
				if !x.empty() && seg.FileSize > 0 && (x.Off < seg.Off || x.Off+int64(x.Size) > seg.Off+seg.FileSize) {
					t.Fatalf("section %+v outside its segment %+v", x, seg)
				}
			}
		}
		if s.room < 0 || s.room > s.Size {
			t.Fatalf("%#x bytes of room in %#x", s.room, s.Size)
		}
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.from - b.from) })
	for i := 1; i < len(spans); i++ {
		if spans[i-1].to > spans[i].from {
			t.Fatalf("slices overlap: %v", spans)
		}
	}
}

// editScripts are edits of each kind; the last ones need more room than there is.
func editScripts() [][]Edit {
	return [][]Edit{
		{ClearRPaths(), AddRPath("@loader_path/.dylibs"), Sign("")},
		{ReplaceDylib(libdep, "@loader_path/.dylibs/libdep-0123abcd.1.dylib"), AddDylib("/usr/lib/libz.dylib")},
		{ReplaceDylib(libdep, system)},
		{SetID("/DLC/a"), RemoveDylib(system)},
		{RemoveDylib(libdep), RemoveRPath("/opt/build/lib")},
		{DedupeRPaths(), DedupeDylibs(), AddUUID()},
		full(),
		append([]Edit{ReplaceDylib(libdep, system), Sign("x")}, full()...),
	}
}

// full returns edits that no header has room for.
func full() []Edit {
	var edits []Edit
	for i := range 60 {
		edits = append(edits, AddRPath(fmt.Sprint(roomy, i)))
	}
	return edits
}

// FuzzEdit: an edit is refused, or the result says what was asked and keeps all else;
// and the same edits change nothing any more.
func FuzzEdit(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			return
		}
		start := time.Now()
		for _, edits := range editScripts() {
			checkEdits(t, file, edits)
		}
		if took := time.Since(start); took > slow {
			t.Errorf("took %v for %d bytes", took, len(b))
		}
	})
}

// checkEdits carries edits out, if they are not refused, and looks at the result.
func checkEdits(t testing.TB, file *File, edits []Edit) {
	t.Helper()
	o, err := file.EditWith(context.Background(), Options{Jobs: 1}, edits...)
	if err != nil {
		checkError(t, err)
		return
	}
	after := checkEdited(t, file, o)
	again, err := after.EditWith(context.Background(), Options{Jobs: 1}, edits...)
	if absent := new(absentError); errors.As(err, absent) {
		return // what was replaced is not there any more
	}
	if err != nil || again.Edited() {
		t.Errorf("the same edits edit again (%v)", err)
	}
}

// FuzzSign: what is signed verifies, is signed as before when it is signed again, and
// does not verify with a bit changed.
func FuzzSign(f *testing.F) {
	for i, name := range fixtures {
		f.Add(fixture(f, name), "org.example", uint32(4096*i+700))
	}
	for i, text := range madeSeeds {
		f.Add(made(f, text), strings.Repeat("a", 3*i), uint32(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, ident string, at uint32) {
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil || len(ident) > 100 { // it comes from the caller, and errors show it
			return
		}
		o, err := file.EditWith(context.Background(), Options{Jobs: 1}, Sign(ident))
		if err != nil {
			checkError(t, err)
			return
		}
		after := checkEdited(t, file, o)
		signed := contents(t, o)
		for i, s := range after.Slices {
			checkSigned(t, file.Slices[i], s, ident)
			checkBitCounts(t, signed, s, int64(at))
		}
		again, err := after.EditWith(context.Background(), Options{Jobs: 1}, Sign(ident))
		if err != nil || again.Edited() {
			t.Errorf("signing again is an edit (%v)", err)
		}
	})
}

// checkSigned compares a new signature with the old one, if there was one.
func checkSigned(t testing.TB, before, after *Slice, ident string) {
	t.Helper()
	if err := after.VerifySignature(context.Background(), 1); err != nil {
		t.Fatal(err)
	}
	g, err := after.Signature()
	if err != nil {
		t.Fatal(err)
	}
	if g.Certificate || g.Flags&AdHoc == 0 || ident != "" && g.Identifier != ident || g.Limit != g.off || g.off+g.size != after.Size {
		t.Errorf("identifier %q, want %q; %+v", g.Identifier, ident, g)
	}
	old, err := before.Signature()
	if err != nil || old == nil {
		return
	}
	if g.Flags&ownFlags != old.Flags&ownFlags&^old.Dropped() || g.Flags&LinkerSigned != 0 || ident == "" && g.Identifier != old.Identifier {
		t.Errorf("flags %#x and identifier %q became %#x and %q", old.Flags, old.Identifier, g.Flags, g.Identifier)
	}
}

// checkBitCounts changes a bit of what the signature covers: the slice must not
// verify any more.
func checkBitCounts(t testing.TB, signed []byte, s *Slice, at int64) {
	t.Helper()
	off := s.Off + at%int64(s.u32(s.signed, 8))
	b := bytes.Clone(signed)
	b[off] ^= 0x10
	file, err := NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return // the bit was one of the headers
	}
	for _, x := range file.Slices {
		if x.Arch == s.Arch && x.VerifySignature(context.Background(), 1) == nil {
			t.Errorf("a bit changed at %#x, and the %v slice verifies", off, s.Arch)
		}
	}
}

// FuzzFat puts bytes in front of slices as a fat header: the file is refused, or its
// slices are apart, merge into the same again, and an edit of one leaves the others.
func FuzzFat(f *testing.F) {
	const head = 4096
	body := bytes.Repeat([]byte{0}, head)
	for _, text := range []string{"arch=x86_64 rpaths=/a signed=adhoc", "arch=i386 rpaths=/b", "arch=arm64 rpaths=/c signed=adhoc"} {
		body = append(body, made(f, text)...)
	}
	f.Add(fatOf(f, false, body[head:])[:60])
	f.Add(fatOf(f, true, body[head:])[:60])
	size := uint32(len(body))
	for _, wide := range []bool{false, true} {
		file := &File{fat64: wide}
		f.Add(file.appendFatHeader(nil, fatEntries(f, body, head)))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		if len(header) > head {
			return
		}
		b := bytes.Clone(body)
		copy(b, header)
		file, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			checkUnread(t, err)
			return
		}
		checkInside(t, file, int64(size))
		checkFat(t, file, b)
	})
}

// fatEntries finds the images of the body that [FuzzFat] makes.
func fatEntries(tb testing.TB, body []byte, at int) []fatArch {
	tb.Helper()
	var entries []fatArch
	for at < len(body) {
		s, err := newSlice(bytes.NewReader(body[at:]), 0, int64(len(body)-at))
		if err != nil {
			tb.Fatal(err)
		}
		last := s.Segments[len(s.Segments)-1]
		e := fatArch{cpu: s.Arch.CPU, sub: s.Arch.Sub, off: int64(at), size: last.Off + last.FileSize, align: 4}
		entries = append(entries, e)
		at += int(e.size)
	}
	return entries
}

// checkFat merges the slices of a file, and edits one.
func checkFat(t testing.TB, file *File, b []byte) {
	t.Helper()
	o, err := Merge(file)
	if err != nil {
		t.Fatal(err)
	}
	merged := open(t, contents(t, o))
	for i, s := range file.Slices {
		if m := merged.Slices[i]; m.Arch != s.Arch || m.Off%(1<<lipoAlign) != 0 || !bytes.Equal(bytesOf(t, m), b[s.Off:s.Off+s.Size]) {
			t.Errorf("merged: the %v slice is not what went in", s.Arch)
		}
	}
	edits := make([][]Edit, len(file.Slices))
	edits[0] = []Edit{ClearRPaths()}
	o, err = file.EditSlices(context.Background(), Options{Jobs: 1}, edits)
	if err != nil {
		checkError(t, err)
		return
	}
	after := checkEdited(t, file, o)
	if len(after.Slices[0].RPaths) > 0 {
		t.Errorf("rpaths %q are left", after.Slices[0].RPaths)
	}
	for i, s := range after.Slices[1:] {
		if !sameSlice(t, file.Slices[i+1], s) {
			t.Errorf("the %v slice changed without an edit", s.Arch)
		}
	}
}

// FuzzArchive: an archive is refused in a line, or its objects are of one
// architecture: twice the members have it, too, and it comes out of a fat file as it
// went in.
func FuzzArchive(f *testing.F) {
	intel, arm := string(made(f, "arch=x86_64 type=object")), string(made(f, "arch=arm64 type=object"))
	f.Add(archiveOf("__.SYMDEF", "odd", "x.o", intel))
	f.Add(archiveOf("__.SYMDEF SORTED", "", "x.o", arm, "y.o", arm))
	f.Add(archiveOf("x.o", intel, "y.o", arm))
	f.Add(fatArchives(archiveMagic))
	other := archiveOf("x.o", string(made(f, "arch=i386 type=object")))
	f.Fuzz(func(t *testing.T, b []byte) {
		arch, err := ArchiveArch(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			checkUnread(t, err)
			return
		}
		if len(b)%2 == 0 {
			twice := append(bytes.Clone(b), b[len(archiveMagic):]...)
			if got, err := ArchiveArch(bytes.NewReader(twice), int64(len(twice))); err != nil || got != arch {
				t.Errorf("members for %v, twice: %v, %v", arch, got, err)
			}
		}
		if arch.CPU == cpuI386 {
			return
		}
		parts := [][]byte{b, other}
		o, err := MergeArchives(io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))), io.NewSectionReader(bytes.NewReader(other), 0, int64(len(other))))
		if err != nil {
			t.Fatal(err)
		}
		fat := contents(t, o)
		file := &File{r: binread.Watch(bytes.NewReader(fat), int64(len(fat))), size: int64(len(fat))}
		for i, want := range parts {
			e := file.readFatArch(fat[fatHeaderSize:], fatHeaderSize+int64(i)*file.fatArchSize())
			if err := file.checkFatArch(&e, fatHeaderSize); err != nil || !bytes.Equal(fat[e.off:e.off+e.size], want) {
				t.Errorf("part %d at %#x is not what went in (%v)", i, e.off, err)
			}
		}
		if _, err := NewFile(bytes.NewReader(fat), int64(len(fat))); !errors.Is(err, ErrArchive) {
			t.Errorf("read back: %v", err)
		}
	})
}
