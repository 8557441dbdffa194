package pe

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"runtime/metrics"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/petest"
)

// liars are small images of all classes and traits.
func liars() map[string][]byte {
	x86, bound, tight, signed, old := full(), full(), full(), full(), full()
	x86.Machine, x86.Symbols = 0x14c, 0
	bound.Imports[0].Bound, bound.Imports[1].Bound = true, true
	tight.Tight, tight.CheckSum = true, true
	signed.Signature, signed.CheckSum, signed.Machine = []byte("signed"), true, 0xaa64
	old.Machine, old.Delay[0].VA = 0x14c, true
	return map[string][]byte{
		"x64": petest.Build(full()), "x86": petest.Build(x86), "bound": petest.Build(bound),
		"tight": petest.Build(tight), "signed arm64": petest.Build(signed), "old delay": petest.Build(old),
	}
}

// scripts are edits as the commands make them.
func scripts() [][]Edit {
	return [][]Edit{
		{ReplaceImport("foo.dll", long), ReplaceImport("kernel32.dll", "k.dll"), ReplaceDelayImport("slow.dll", long)},
		{SetDependentLoadFlags(0)},
		{SetDependentLoadFlags(0x1000), ReplaceDelayImport("slow.dll", "s.dll")},
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// costLimit is what asking and editing one small image may allocate, in bytes.
const costLimit = 32 << 20

// askAndEdit asks an image everything, and edits it. What is refused is refused in one
// line; what is written reads back; none of it costs more than its share of memory.
func askAndEdit(t testing.TB, data []byte) {
	t.Helper()
	before := allocated()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		checkError(t, err)
		return
	}
	askAll(t, f)
	for _, script := range scripts() {
		o, err := f.Edit(context.Background(), script...)
		if err != nil {
			checkError(t, err)
			continue
		}
		checkLaw(t, f, o.Size(), o)
	}
	if got := allocated() - before; got > costLimit+64*uint64(len(data)) {
		t.Errorf("allocated %d MiB for an image of %d bytes", got>>20, len(data))
	}
}

func askAll(t testing.TB, f *File) {
	t.Helper()
	var errs [11]error
	_, errs[0] = f.Imports()
	_, errs[1] = f.DelayImports()
	_, errs[2] = f.Exports()
	_, errs[3] = f.LoadConfig()
	_, errs[4] = f.Hybrid()
	_, errs[5] = f.Certificate()
	_, errs[6] = f.Overlay()
	_, errs[7] = f.COFFSymbols()
	_, errs[8] = f.Debug()
	_, errs[9] = f.FileVersion()
	_, errs[10] = f.ILOnly()
	for _, err := range errs {
		if err != nil {
			checkError(t, err)
		}
	}
	f.Managed()
}

// checkError holds errors to one of the types that are promised, and to one line.
func checkError(t testing.TB, err error) {
	t.Helper()
	var rule *FormatError
	var refused *RefusedError
	var missing *NotImportedError
	switch {
	case strings.ContainsAny(err.Error(), "\n\r\x00\x1b"):
		t.Errorf("more than one plain line: %q", err)
	case errors.Is(err, ErrNotPE), errors.As(err, &rule), errors.As(err, &refused), errors.As(err, &missing):
	default:
		t.Errorf("%T is no error of this package: %v", err, err)
	}
}

// checkLaw holds an edited image to what no edit may do: what the original maps stays
// where it is, but for names, padding and tables that are written on purpose.
func checkLaw(t testing.TB, f *File, size int64, r io.ReaderAt) {
	t.Helper()
	after, err := NewFile(r, size)
	if err != nil {
		t.Fatalf("cannot read back what Edit wrote: %v", err)
	}
	for i, s := range f.Sections {
		got := after.Sections[i]
		if got.VirtualSize < s.VirtualSize {
			t.Errorf("section %d has shrunk", i)
		}
		if got.VirtualSize = s.VirtualSize; got != s {
			t.Errorf("section %d was %+v, is %+v", i, s, got)
		}
		if s.Characteristics&sectionCode == 0 || f.flat() {
			continue
		}
		r := f.regions[i+1] // behind that of the headers
		was, now := make([]byte, r.file), make([]byte, r.file)
		n, _ := f.ReadAt(was, int64(r.off))
		m, _ := after.ReadAt(now, int64(r.off))
		if !bytes.Equal(was[:min(n, m)], now[:min(n, m)]) && !tablesInCode(f, s) {
			t.Errorf("code of section %q has changed", s.Name)
		}
	}
}

// tablesInCode reports whether a lie has put the tables that are edited into code.
func tablesInCode(f *File, s Section) bool {
	imports, _ := f.Imports()
	delay, _ := f.DelayImports()
	in := func(rva uint64) bool {
		return rva+delaySize > uint64(s.VirtualAddress) && rva < uint64(s.VirtualAddress)+s.memory()+pageSize
	}
	for _, d := range append(imports, delay...) {
		if in(d.name) || in(d.table) || d.at+delaySize > uint64(s.RawOff) && d.at < uint64(s.RawOff)+uint64(s.RawSize) {
			return true
		}
	}
	config, _ := f.LoadConfig()
	return config != nil && in(config.flagsAt)
}

func TestTruncatedAnywhere(t *testing.T) {
	for name, data := range liars() {
		t.Run(name, func(t *testing.T) {
			for n := 0; n < len(data); n += 1 + n/400 {
				askAndEdit(t, data[:n])
				if t.Failed() {
					t.Fatalf("cut to %d bytes", n)
				}
			}
		})
	}
}

// lies are what a field may say: the edges of each width, of the file, of the image, and
// of what stands there.
func lies(size, was uint32) []uint32 {
	return []uint32{
		0, 1, ^uint32(0), size - 1, size, size + 1, was - 1, was + 1, was ^ 0x1000, 0x1000, 0x2000, 0x2001,
		1<<15 - 1, 1 << 15, 1<<31 - 1, 1 << 31, ^uint32(0) - 7, ^uint32(0) - 19,
	}
}

// Every field of every structure says every lie: all that is not zero, and zeros beside
// it, is taken for a field of two and of four bytes.
func TestEveryFieldLies(t *testing.T) {
	for name, whole := range liars() {
		t.Run(name, func(t *testing.T) {
			data := bytes.Clone(whole)
			for off := 0; off+4 <= len(data); off += 2 {
				if bytes.Count(whole[max(0, off-8):min(len(whole), off+8)], []byte{0}) == 16 {
					continue
				}
				for i, lie := range lies(uint32(len(whole)), binary.LittleEndian.Uint32(whole[off:])) {
					if (off/2+i)%lieShare != 0 {
						continue
					}
					binary.LittleEndian.PutUint32(data[off:], lie)
					askAndEdit(t, data)
					copy(data[off:], whole[off:off+4])
					binary.LittleEndian.PutUint16(data[off:], uint16(lie))
					askAndEdit(t, data)
					copy(data[off:], whole[off:off+4])
					if t.Failed() {
						t.Fatalf("%#x says %#x", off, lie)
					}
				}
			}
		})
	}
}

// Tables that point at the same bytes again and again must not cost their product.
func TestTablesThatShareBytes(t *testing.T) {
	spec := full()
	var symbols []string
	for range 200 {
		symbols = append(symbols, strings.Repeat("long", 100))
	}
	for range 30 {
		spec.Imports = append(spec.Imports, petest.Import{Name: "many.dll", Symbols: symbols})
	}
	data := petest.Build(spec)
	f := open(t, data)
	imports, err := f.Imports()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range imports { // all descriptors read the longest table
		binary.LittleEndian.PutUint32(data[d.at:], uint32(imports[len(imports)-1].lookup))
	}
	askAndEdit(t, data)
}

func FuzzRead(f *testing.F) {
	for _, data := range liars() {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := NewFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			checkError(t, err)
			return
		}
		askAll(t, file)
	})
}

func FuzzEdit(f *testing.F) {
	for _, data := range liars() {
		f.Add(data, uint16(0), uint32(0))
		f.Add(data, uint16(0x200), uint32(1<<31))
	}
	f.Fuzz(func(t *testing.T, data []byte, off uint16, lie uint32) {
		if int(off)+4 <= len(data) {
			data = bytes.Clone(data)
			data[off] ^= byte(lie)
		}
		askAndEdit(t, data)
	})
}
