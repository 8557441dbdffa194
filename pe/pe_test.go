package pe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/petest"
)

// full has every table.
func full() petest.Spec {
	return petest.Spec{
		Imports: []petest.Import{
			{Name: "KERNEL32.dll", Symbols: []string{"Sleep", "GetLastError"}},
			{Name: "foo.dll", Symbols: []string{"foo_make"}, Ordinals: []uint16{7, 300}},
		},
		Delay:   []petest.Import{{Name: "slow.dll", Symbols: []string{"slow_call"}, Ordinals: []uint16{9}}},
		Exports: []petest.Export{{Name: "PyInit_made"}, {Name: "gone", Forward: "foo.foo_make"}, {}},
		Flags:   0x800,
		Symbols: 3,
		Overlay: []byte("appended archive"),
		PDB:     `C:\build\made.pdb`,
		Version: 44,
	}
}

func open(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// names spells imports as LIBRARY: symbol, #ordinal.
func names(t testing.TB, imports []Import, err error) []string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range imports {
		out = append(out, d.Name)
	}
	return out
}

func machines() map[string]uint16 {
	return map[string]uint16{"x86": 0x14c, "x64": 0x8664, "arm64": 0xaa64}
}

func TestReadsEveryTable(t *testing.T) {
	for name, machine := range machines() {
		t.Run(name, func(t *testing.T) {
			spec := full()
			spec.Machine, spec.Signature = machine, []byte("signed")
			f := open(t, petest.Build(spec))
			if f.Machine.String() != name || f.Wide != (name != "x86") || !f.IsDLL() || f.Managed() {
				t.Errorf("machine %v, wide %v, DLL %v, managed %v", f.Machine, f.Wide, f.IsDLL(), f.Managed())
			}
			imports, err := f.Imports()
			if got, want := names(t, imports, err), []string{"KERNEL32.dll", "foo.dll"}; !slices.Equal(got, want) {
				t.Fatalf("imports %q, want %q", got, want)
			}
			want := []Symbol{{Name: "foo_make"}, {Ordinal: 7}, {Ordinal: 300}}
			if !slices.Equal(imports[1].Symbols, want) {
				t.Errorf("symbols of foo.dll: %v, want %v", imports[1].Symbols, want)
			}
			delay, err := f.DelayImports()
			if got := names(t, delay, err); !slices.Equal(got, []string{"slow.dll"}) || delay[0].VA {
				t.Errorf("delay imports %q", got)
			}
			if want := []Symbol{{Name: "slow_call"}, {Ordinal: 9}}; !slices.Equal(delay[0].Symbols, want) {
				t.Errorf("symbols of slow.dll: %v, want %v", delay[0].Symbols, want)
			}
			checkTables(t, f)
		})
	}
}

func checkTables(t *testing.T, f *File) {
	t.Helper()
	exports, err := f.Exports()
	if err != nil {
		t.Fatal(err)
	}
	want := &Exports{"made.dll", []Export{
		{Name: "PyInit_made", Ordinal: 1, RVA: 0x1000},
		{Name: "gone", Ordinal: 2, Forward: "foo.foo_make"},
		{Ordinal: 3, RVA: 0x1000},
	}}
	if diff := cmp.Diff(want, exports); diff != "" {
		t.Errorf("exports (-want +got):\n%s", diff)
	}
	config, err := f.LoadConfig()
	if err != nil || config == nil || config.DependentLoadFlags != 0x800 || !config.HasDependent {
		t.Errorf("load configuration %+v, %v", config, err)
	}
	debug, err := f.Debug()
	if err != nil || len(debug) != 1 || debug[0].PDB != `C:\build\made.pdb` {
		t.Errorf("debug %+v, %v", debug, err)
	}
	symbols, err := f.COFFSymbols()
	if err != nil || symbols.Size != 3*18+4 {
		t.Errorf("COFF symbols %+v, %v", symbols, err)
	}
	over, err := f.Overlay()
	if err != nil || over.Off != symbols.Off || over.Size < symbols.Size+16 {
		t.Errorf("overlay %+v, %v", over, err)
	}
	cert, err := f.Certificate()
	if err != nil || cert.end() != f.size || over.end() != cert.Off {
		t.Errorf("certificate %+v, %v; overlay %+v", cert, err, over)
	}
}

func TestNotPE(t *testing.T) {
	dos := make([]byte, 0x80)
	copy(dos, "MZ")
	windows16 := bytes.Clone(dos)
	windows16[0x3c] = 0x40
	copy(windows16[0x40:], "NE")
	for name, data := range map[string][]byte{
		"empty": nil, "ELF": []byte("\x7fELF"), "text": []byte("hello"), "one byte": []byte("M"),
		"DOS program": dos, "16-bit Windows program": windows16,
	} {
		if _, err := NewFile(bytes.NewReader(data), int64(len(data))); !errors.Is(err, ErrNotPE) {
			t.Errorf("%s: %v, want ErrNotPE", name, err)
		}
	}
	var rule *FormatError
	cut := petest.Build(full())[:30]
	if _, err := NewFile(bytes.NewReader(cut), 30); !errors.As(err, &rule) {
		t.Errorf("an image cut to 30 bytes: %v, want a FormatError", err)
	}
}

func TestHybridIsNamedAndNotEdited(t *testing.T) {
	for machine, want := range map[uint16]string{0x8664: "arm64ec", 0xaa64: "arm64x", 0x14c: "chpe"} {
		spec := full()
		spec.Machine, spec.Hybrid = machine, true
		f := open(t, petest.Build(spec))
		if got, err := f.Hybrid(); got != want || err != nil {
			t.Errorf("%#x: %q, %v, want %q", machine, got, err, want)
		}
		checkRefused(t, f, "at once", ReplaceImport("foo.dll", "foo-0123.dll"))
	}
}

func checkRefused(t *testing.T, f *File, why string, edits ...Edit) {
	t.Helper()
	_, err := f.Edit(context.Background(), edits...)
	var refused *RefusedError
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want a refusal with %q", err, why)
	}
}

// edited applies edits, and reads everything.
func edited(t testing.TB, f *File, edits ...Edit) []byte {
	t.Helper()
	o, err := f.Edit(context.Background(), edits...)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const long = "libfoo-with-a-name-that-is-longer-0123456789abcdef.dll"

func TestLongerNames(t *testing.T) {
	for name, machine := range machines() {
		for place, tight := range map[string]bool{"padding": false, "new section": true} {
			t.Run(name+" "+place, func(t *testing.T) {
				spec := full()
				spec.Machine, spec.Tight, spec.CheckSum, spec.Signature = machine, tight, true, []byte("signed")
				before := petest.Build(spec)
				f := open(t, before)
				data := edited(t, f, ReplaceImport("FOO.DLL", long), ReplaceDelayImport("slow.dll", long), SetDependentLoadFlags(0))
				after := open(t, data)
				imports, err := after.Imports()
				if got := names(t, imports, err); !slices.Equal(got, []string{"KERNEL32.dll", long}) {
					t.Errorf("imports %q", got)
				}
				delay, err := after.DelayImports()
				if got := names(t, delay, err); !slices.Equal(got, []string{long}) || imports[1].name != delay[0].name {
					t.Errorf("delay imports %q; equal names share a place: %#x, %#x", got, imports[1].name, delay[0].name)
				}
				checkEdited(t, f, after, tight)
			})
		}
	}
}

// checkEdited holds what an edit leaves to what it found.
func checkEdited(t *testing.T, f, after *File, section bool) {
	t.Helper()
	if got := len(after.Sections) - len(f.Sections); got != map[bool]int{true: 1}[section] {
		t.Errorf("%d sections are new", got)
	}
	if sum, err := after.ComputeCheckSum(context.Background()); err != nil || sum != after.CheckSum {
		t.Errorf("checksum %#x, want %#x (%v)", after.CheckSum, sum, err)
	}
	if cert, err := after.Certificate(); err != nil || cert.Size != 0 {
		t.Errorf("certificate %+v, %v", cert, err)
	}
	if config, err := after.LoadConfig(); err != nil || config.DependentLoadFlags != 0 {
		t.Errorf("load configuration %+v, %v", config, err)
	}
	old, err := f.Overlay()
	if err != nil {
		t.Fatal(err)
	}
	want, got := make([]byte, old.Size), make([]byte, old.Size)
	for at, buf := range map[*File][]byte{f: want, after: got} {
		if _, err := io.ReadFull(io.NewSectionReader(at, old.Off, old.Size), buf); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Error("COFF symbols and appended data have changed or moved")
	}
}

func TestShorterNameStaysInPlace(t *testing.T) {
	f := open(t, petest.Build(full()))
	data := edited(t, f, ReplaceImport("kernel32.dll", "k.dll"))
	if int64(len(data)) != f.size {
		t.Errorf("%d bytes, want %d", len(data), f.size)
	}
	after := open(t, data)
	was, _ := f.Imports()
	is, err := after.Imports()
	if got := names(t, is, err); got[0] != "k.dll" || is[0].name != was[0].name {
		t.Errorf("imports %q at %#x, was at %#x", got, is[0].name, was[0].name)
	}
}

func TestSharedNameIsNotOverwritten(t *testing.T) {
	spec := petest.Spec{Imports: []petest.Import{{Name: "libfoo.dll", Symbols: []string{"f"}, Share: "foo.dll"}}}
	f := open(t, petest.Build(spec))
	after := open(t, edited(t, f, ReplaceImport("libfoo.dll", "libbar.dll")))
	imports, err := after.Imports()
	if got := names(t, imports, err); !slices.Equal(got, []string{"libbar.dll", "foo.dll"}) {
		t.Errorf("imports %q", got)
	}
}

func TestBoundImportsAreUnbound(t *testing.T) {
	spec := full()
	spec.Imports[0].Bound, spec.Imports[1].Bound = true, true
	f := open(t, petest.Build(spec))
	before, _ := f.Imports()
	if !before[0].Bound || !before[1].Bound {
		t.Fatal("the image is not bound")
	}
	after := open(t, edited(t, f, ReplaceImport("foo.dll", "foo-01234567.dll")))
	imports, err := after.Imports()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range imports {
		n := d.count * after.pointerSize()
		lookup, _ := (&window{f: after}).bytes("", 0, d.lookup, n)
		table, _ := (&window{f: after}).bytes("", 0, d.table, n)
		if d.Bound || !bytes.Equal(lookup, table) {
			t.Errorf("%s: bound %v, lookup table %x, address table %x", d.Name, d.Bound, lookup, table)
		}
	}
}

func TestNothingToDoKeepsEveryByte(t *testing.T) {
	spec := full()
	spec.Signature, spec.CheckSum = []byte("signed"), true
	before := petest.Build(spec)
	for name, edits := range map[string][]Edit{
		"no edit":        nil,
		"same name":      {ReplaceImport("foo.dll", "foo.dll")},
		"there and back": {ReplaceImport("foo.dll", long), ReplaceImport(long, "foo.dll")},
		"same flags":     {SetDependentLoadFlags(0x800)},
	} {
		o, err := open(t, before).Edit(context.Background(), edits...)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
		if err != nil || o.Edited() || !bytes.Equal(data, before) {
			t.Errorf("%s: edited %v, %v", name, o.Edited(), err)
		}
	}
}

func TestRefused(t *testing.T) {
	rename := ReplaceImport("foo.dll", long)
	for _, tt := range []struct {
		name, why string
		change    func(*petest.Spec)
		edit      Edit
	}{
		{"header without room", "no room for one more section", func(s *petest.Spec) { s.NoRoom, s.Tight = true, true }, rename},
		{"must be signed", "FORCE_INTEGRITY", func(s *petest.Spec) { s.DLLFlags = 0x80 }, rename},
		{"addresses in a delay import", "Visual C++ 6", func(s *petest.Spec) { s.Machine, s.Delay[0].VA = 0x14c, true }, ReplaceDelayImport("slow.dll", long)},
		{"unknown machine", "not known", func(s *petest.Spec) { s.Machine = 0x200 }, rename},
		{"no such flags", "no DependentLoadFlags", func(s *petest.Spec) { s.NoConfig = true }, SetDependentLoadFlags(0x1000)},
		{"a path", "has no '\\\\'", nil, ReplaceImport("foo.dll", `..\foo.dll`)},
		{"a NUL", "has no '\\x00'", nil, ReplaceImport("foo.dll", "foo\x00.dll")},
		{"beyond ASCII", "cannot be the name", nil, ReplaceImport("foo.dll", "föö.dll")},
		{"nothing", "1 to 255", nil, ReplaceImport("foo.dll", "")},
		{"a dot at the end", "drops the last", nil, ReplaceImport("foo.dll", "foo.")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := full()
			if tt.change != nil {
				tt.change(&spec)
			}
			checkRefused(t, open(t, petest.Build(spec)), tt.why, tt.edit)
		})
	}
}

// A header without room is no hindrance where a section has padding.
func TestNoRoomButPadding(t *testing.T) {
	spec := full()
	spec.NoRoom = true
	after := open(t, edited(t, open(t, petest.Build(spec)), ReplaceImport("foo.dll", long)))
	imports, err := after.Imports()
	if got := names(t, imports, err); got[1] != long {
		t.Errorf("imports %q", got)
	}
}

func TestNotImported(t *testing.T) {
	f := open(t, petest.Build(full()))
	for _, e := range []Edit{ReplaceImport("slow.dll", "x.dll"), ReplaceDelayImport("foo.dll", "x.dll")} {
		var missing *NotImportedError
		if _, err := f.Edit(context.Background(), e); !errors.As(err, &missing) {
			t.Errorf("got %v, want a NotImportedError", err)
		}
	}
}

func TestOldDelayImportsAreRead(t *testing.T) {
	spec := full()
	spec.Machine, spec.Delay[0].VA = 0x14c, true
	delay, err := open(t, petest.Build(spec)).DelayImports()
	if got := names(t, delay, err); !slices.Equal(got, []string{"slow.dll"}) || !delay[0].VA || len(delay[0].Symbols) != 2 {
		t.Errorf("delay imports %+v", delay)
	}
}

// Names that a hostile file says come out as they are: who looks for them must see them.
func TestHostileNamesAreRead(t *testing.T) {
	spec := petest.Spec{Imports: []petest.Import{{Name: `..\..\evil.dll`}, {Name: "cut\x00off.dll"}}}
	imports, err := open(t, petest.Build(spec)).Imports()
	if got := names(t, imports, err); !slices.Equal(got, []string{`..\..\evil.dll`, "cut"}) {
		t.Errorf("imports %q", got)
	}
}

// Many edits of one file, one after the other, use up the room of a section, not one each.
func TestManyEdits(t *testing.T) {
	spec := full()
	spec.Tight = true
	data := petest.Build(spec)
	name := "foo.dll"
	for i := range 20 {
		next := strings.Repeat("x", 20+i) + ".dll"
		data = edited(t, open(t, data), ReplaceImport(name, next))
		name = next
	}
	if f := open(t, data); len(f.Sections) > 6 {
		t.Errorf("%d sections after 20 edits", len(f.Sections))
	}
}
