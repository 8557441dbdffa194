//go:build integration

package integration

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/macho"
)

// A mutantSource is a wheel that mutated ones are made of.
type mutantSource struct {
	path     string
	image    []byte
	files    []*zip.File
	content  map[string][]byte
	record   string
	binaries []string
	texts    []string // WHEEL, METADATA and what else .dist-info has
}

func newMutantSource(t *testing.T, path string) *mutantSource {
	t.Helper()
	s := &mutantSource{path: path, image: readFile(t, path), content: members(t, path)}
	z, err := zip.NewReader(bytes.NewReader(s.image), int64(len(s.image)))
	if err != nil {
		t.Fatal(err)
	}
	s.files = z.File
	s.record = recordName(t, s.content)
	for _, f := range s.files {
		b := s.content[f.Name]
		switch {
		case isBinary(b):
			s.binaries = append(s.binaries, f.Name)
		case strings.Contains(f.Name, ".dist-info/") && f.Name != s.record && len(b) > 0:
			s.texts = append(s.texts, f.Name)
			if strings.HasSuffix(f.Name, "/WHEEL") || strings.HasSuffix(f.Name, "/METADATA") {
				s.texts = append(s.texts, f.Name, f.Name) // what is read, more often
			}
		}
	}
	if len(s.binaries) == 0 || len(s.texts) == 0 {
		t.Fatalf("%s: no binaries, or no text", path)
	}
	return s
}

func isBinary(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	switch binary.BigEndian.Uint32(b) {
	case 0x7f454c46, 0xcffaedfe, 0xcefaedfe, 0xcafebabe, 0xcafebabf:
		return true
	}
	return false
}

// mutate makes a wheel with some mutations, and says where they are.
func (s *mutantSource) mutate(t *testing.T, r *rand.Rand) (image []byte, what string) {
	t.Helper()
	times := 1 + r.IntN(2)*r.IntN(4)
	switch k := r.IntN(20); {
	case k < 5:
		return s.mutateArchive(r, times)
	case k < 7:
		b, how := mutateText(r, s.content[s.record], times)
		return s.with(t, s.record, b), "RECORD: " + how
	case k < 11:
		name := s.texts[r.IntN(len(s.texts))]
		b, how := mutateText(r, s.content[name], times)
		return s.with(t, name, b), name + ": " + how
	}
	name := s.binaries[r.IntN(len(s.binaries))]
	b, how := mutateBinary(r, s.content[name], times)
	return s.with(t, name, b), name + ": " + how
}

// mutateArchive changes bytes of the archive where its structure is, or anywhere.
func (s *mutantSource) mutateArchive(r *rand.Rand, times int) ([]byte, string) {
	end := len(s.image) - 22
	directory := int(binary.LittleEndian.Uint32(s.image[end+16:]))
	offset, err := s.files[r.IntN(len(s.files))].DataOffset()
	if err != nil {
		offset = 0
	}
	return mutateBytes(r, s.image, []region{{"end", end, 22}, {"directory", directory, end - directory}, {"directory", directory, end - directory}, {"local header", max(0, int(offset)-100), 100}, {"anywhere", 0, len(s.image)}}, times)
}

// A region is where a mutation may strike.
type region struct {
	name     string
	from, of int
}

// mutateBinary changes bytes of an ELF or Mach-O file, mostly of what loaders read.
func mutateBinary(r *rand.Rand, b []byte, times int) ([]byte, string) {
	regions := []region{{"header", 0, min(len(b), 64)}, {"head", 0, min(len(b), 4096)}, {"anywhere", 0, len(b)}}
	if f, err := elf.NewFile(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, p := range f.Progs {
			switch {
			case p.Type == 2: // PT_DYNAMIC
				regions = append(regions, region{"dynamic table", int(p.Off), int(p.Filesz)}, region{"dynamic table", int(p.Off), int(p.Filesz)})
			case p.Type == 1 && p.Off == 0: // the symbols and versions are in it
				regions = append(regions, region{"first segment", 0, int(p.Filesz)})
			}
		}
	}
	if f, err := macho.NewFile(bytes.NewReader(b), int64(len(b))); err == nil {
		for _, s := range f.Slices {
			at := int(s.Off)
			regions = append(regions, region{"load commands", at, 4096}, region{"load commands", at + 32, 1024}, region{"end of a slice", at + int(s.Size) - 4096, 4096})
		}
	}
	return mutateBytes(r, b, regions, times)
}

// mutateBytes changes a copy of b in one of the regions.
func mutateBytes(r *rand.Rand, b []byte, regions []region, times int) ([]byte, string) {
	b = bytes.Clone(b)
	var told []string
	for range times {
		at := regions[r.IntN(len(regions))]
		if at.of <= 0 || at.from < 0 || at.from >= len(b) {
			continue
		}
		off := min(at.from+r.IntN(at.of), len(b)-1)
		var how string
		b, how = strike(r, b, off)
		told = append(told, fmt.Sprintf("%s at 0x%x (%s)", how, off, at.name))
	}
	return b, strings.Join(told, ", ")
}

// strike changes b at an offset.
func strike(r *rand.Rand, b []byte, off int) ([]byte, string) {
	width := min(1<<r.IntN(4), len(b)-off)
	switch k := r.IntN(20); {
	case k < 7:
		b[off] ^= 1 << r.IntN(8)
		return b, "a bit"
	case k < 10:
		b[off] = byte(r.Uint32())
		return b, "a byte"
	case k < 16:
		v := []uint64{0, 1, 0x7fffffff, 0xffffffff, 0x80000000, ^uint64(0), 1 << 63, uint64(len(b)), uint64(len(b) - 1), uint64(off), 0x1000, 0xffff}[r.IntN(12)]
		word := binary.LittleEndian.AppendUint64(nil, v)
		if r.IntN(6) == 0 {
			word = binary.BigEndian.AppendUint64(nil, v)[8-width:]
		}
		copy(b[off:off+width], word)
		return b, fmt.Sprintf("0x%x of %d", v, width)
	case k < 17:
		n := min(1+r.IntN(64), len(b)-off)
		from := r.IntN(len(b) - n + 1)
		copy(b[off:], bytes.Clone(b[from:from+n]))
		return b, fmt.Sprintf("%d bytes of 0x%x", n, from)
	case k < 18:
		return b[:off], "the end"
	case k < 19:
		n := min(1+r.IntN(64), len(b)-off)
		return append(b[:off], b[off+n:]...), fmt.Sprintf("without %d bytes", n)
	}
	more := make([]byte, 1+r.IntN(64))
	return append(b[:off], append(more, b[off:]...)...), fmt.Sprintf("%d zeros before it", len(more))
}

// mutateText changes the lines of a text.
func mutateText(r *rand.Rand, b []byte, times int) ([]byte, string) {
	lines := strings.SplitAfter(string(b), "\n")
	var told []string
	for range times {
		i := r.IntN(min(len(lines), 40)) // the headers of METADATA come first
		line := lines[i]
		at := r.IntN(len(line) + 1)
		var how string
		switch r.IntN(8) {
		case 0:
			how, lines[i] = "drops", ""
		case 1:
			how, lines[i] = "doubles", line+line
		case 2:
			odd := []string{"\r", "\x00", " ", "\t", "\u2028", "\x85", "\xff", ",", "\"", ":", "\n", "\r\n", "\n ", "\ufeff", "%", "/../", "\\", "é"}[r.IntN(18)]
			how, lines[i] = fmt.Sprintf("%q into", odd), line[:at]+odd+line[at:]
		case 3:
			j := r.IntN(len(lines))
			how = fmt.Sprintf("line %d for", j)
			lines[i], lines[j] = lines[j], line
		case 4:
			how, lines[i] = "cuts", line[:at]
		case 5:
			how, lines[i] = "capitals in", strings.ToUpper(line[:at])+line[at:]
		case 6:
			how, lines[i] = "indents", " "+line
		default:
			odd, n := []byte(line), 0
			if len(odd) > 0 {
				n = min(at, len(odd)-1)
				odd[n] ^= 1 << r.IntN(8)
			}
			how, lines[i] = fmt.Sprintf("bit of %d in", n), string(odd)
		}
		told = append(told, fmt.Sprintf("%s line %d (%.40q)", how, i, line))
	}
	return []byte(strings.Join(lines, "")), strings.Join(told, ", ")
}

// with writes the wheel with other content of one member, and the RECORD that this
// calls for unless it is the member. The others are copied as they are.
func (s *mutantSource) with(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	record := content
	if name != s.record {
		record = s.recordWith(t, name, content)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range s.files {
		var err error
		switch f.Name {
		case name:
			err = stored(z, f, content)
		case s.record:
			err = stored(z, f, record)
		default:
			err = z.Copy(f)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stored writes a member without compression.
func stored(z *zip.Writer, f *zip.File, content []byte) error {
	h := f.FileHeader
	h.Method, h.CRC32, h.Flags = zip.Store, crc32.ChecksumIEEE(content), h.Flags&^8
	h.CompressedSize64, h.UncompressedSize64 = uint64(len(content)), uint64(len(content))
	w, err := z.CreateRaw(&h)
	if err == nil {
		_, err = w.Write(content)
	}
	return err
}

// recordWith is RECORD with the row that a member has with other content.
func (s *mutantSource) recordWith(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(s.content[s.record])).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row[0] == name {
			sum := sha256.Sum256(content)
			row[1], row[2] = "sha256="+base64.RawURLEncoding.EncodeToString(sum[:]), fmt.Sprint(len(content))
		}
	}
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if err := w.WriteAll(rows); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
