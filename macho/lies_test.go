package macho

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
)

// costLimit is what asking a file everything and editing it in all ways may allocate,
// in bytes and in all.
const costLimit = 64 << 20

// liars are files of every kind, with every table.
func liars(t *testing.T) map[string][]byte {
	all := map[string][]byte{
		"arm64 without room": fixture(t, "zig-arm64-nopad.so"),
		"x86_64 module":      fixture(t, "zig-x86_64-mod.so"),
		"chained fixups":     fixture(t, "lld19-x86_64-chained.so"),
	}
	for _, text := range madeSeeds {
		all[text] = made(t, text)
	}
	return all
}

// askAndEdit asks a file everything, and edits it in all ways. Whatever is refused is
// refused in one clear line, what is written keeps its promises, and none of it costs
// more than its share of memory.
func askAndEdit(t *testing.T, data []byte) {
	t.Helper()
	before := allocated()
	defer func() {
		if got := allocated() - before; got > costLimit {
			t.Errorf("allocated %d MiB, want at most %d MiB", got>>20, costLimit>>20)
		}
	}()
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		checkUnread(t, err)
		return
	}
	checkInside(t, f, int64(len(data)))
	askAll(t, f)
	for _, edits := range editScripts() {
		checkEdits(t, f, edits)
	}
}

func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// sampled reports whether a case belongs to the one in lieShare that is looked at.
func sampled(parts ...any) bool {
	h := fnv.New32a()
	fmt.Fprintln(h, parts...)
	return h.Sum32()%lieShare == 0
}

// Every field of every structure says every lie.
func TestEveryFieldLies(t *testing.T) {
	for name, whole := range liars(t) {
		t.Run(name, func(t *testing.T) {
			for _, x := range fieldsOf(t, open(t, whole)) {
				said := []uint32{x.get(whole)}
				for _, v := range x.lies(whole) {
					if slices.Contains(said, v) || !sampled(name, x.name, v) {
						continue
					}
					said = append(said, v)
					data := bytes.Clone(whole)
					x.set(data, v)
					askAndEdit(t, data)
					if t.Failed() {
						t.Fatalf("%s at %#x is %#x, was %#x", x.name, x.off, v, x.get(whole))
					}
				}
			}
		})
	}
}

// A file that ends before its time is refused, wherever it ends: __LINKEDIT goes up to
// the end of it.
func TestTruncatedAnywhere(t *testing.T) {
	for name, whole := range liars(t) {
		t.Run(name, func(t *testing.T) {
			f := open(t, whole)
			ends := map[int64]bool{int64(len(whole)) - 1: true}
			for n := range f.Slices[0].Off + f.Slices[0].headerSize() + f.Slices[0].commandsSize() {
				ends[n] = true
			}
			for _, x := range fieldsOf(t, f) {
				ends[x.off], ends[x.off+int64(x.size)-1] = true, true
			}
			for n := range ends {
				_, err := NewFile(bytes.NewReader(whole[:n]), n)
				if err == nil {
					t.Fatalf("cut to %d bytes of %d, and read", n, len(whole))
				}
				checkUnread(t, err)
			}
		})
	}
}

// Each kind of lie is called by its name.
func TestLiesAreNamed(t *testing.T) {
	const thin, fat = "arch=x86_64 id=/a.dylib loads=/b.dylib rpaths=/c signed=adhoc", "arch=x86_64 arch=i386 arch=arm64"
	for _, tt := range []struct {
		name, image, field string
		lie                uint32
		want               string
	}{
		{"too many commands", thin, "x86_64 header+16", 1000, "offset 0x10: ncmds is 1000, which sizeofcmds"},
		{"one command too many", thin, "x86_64 header+16", 8, "load command 7 of 8 is past sizeofcmds"},
		{"commands of 2 GiB", thin, "x86_64 header+20", 1 << 31, "sizeofcmds is 2147483648, more than the 4194304"},
		{"commands past the end", thin, "x86_64 header+20", 1 << 20, "it looks truncated"},
		{"command of no size", thin, "x86_64 0 LC_SEGMENT_64+4", 0, "offset 0x24: cmdsize is 0; a multiple of 4 from 8"},
		{"command past the others", thin, "x86_64 0 LC_SEGMENT_64+4", 1 << 12, "cmdsize is 4096; a multiple of 4"},
		{"string outside its command", thin, "x86_64 3 LC_ID_DYLIB+8", 4096, "the string of LC_ID_DYLIB is at 4096, outside the command"},
		{"string in the fields of its command", thin, "x86_64 4 LC_LOAD_DYLIB+8", 8, "the string of LC_LOAD_DYLIB is at 8, outside"},
		{"string without an end", thin, "x86_64 5 LC_RPATH+12", 0x63636363, "the string of LC_RPATH does not end"},
		{"segment past the end", thin, "x86_64 1 LC_SEGMENT_64+48", 1 << 30, `segment "__LINKEDIT" is 0x40000000 bytes at 0x1000, past the end`},
		{"segment without room in memory", thin, "x86_64 0 LC_SEGMENT_64+32", 16, `segment "__TEXT" has vmaddr 0x0 and vmsize 0x10, which do not hold`},
		{"sections without room", thin, "x86_64 0 LC_SEGMENT_64+64", 2, `nsects of "__TEXT" is 2, which cmdsize (152) has no room for`},
		{"section past its segment", thin, "x86_64 0 LC_SEGMENT_64+112", 1 << 20, `section "__TEXT,__text" is 0x100000 bytes`},
		{"signature past the end", thin, "x86_64 6 LC_CODE_SIGNATURE+12", 1 << 20, "the signature is 0x100000 bytes"},
		{"no slice", fat, "fat header+4", 0, "nfat_arch is 0, 1 to 32 are accepted"},
		{"a thousand slices", fat, "fat header+4", 44, "nfat_arch is 44, 1 to 32 are accepted"},
		{"slice past the end", fat, "fat header+20", 1 << 30, "the x86_64 slice is 0x40000000 bytes"},
		{"slice in the fat header", fat, "fat header+16", 40, "inside the fat header"},
		{"slice over another", fat, "fat header+36", 0x4010, "overlaps the one at"},
		{"slice within another", fat, "fat header+20", 0x4800, "overlaps the one at 0x4000"},
		{"slice of another architecture", fat, "fat header+8", 12, "its own header says x86_64"},
		{"slice that is none", fat, "fat header+36", 0x8100, "not with a mach header"},
		{"alignment", fat, "fat header+24", 40, "the alignment of the x86_64 slice is 2^40"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := made(t, tt.image)
			tell(t, data, tt.field, tt.lie)
			_, err := NewFile(bytes.NewReader(data), int64(len(data)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			checkUnread(t, err)
		})
	}
}

// tell lets a field say something else.
func tell(t *testing.T, data []byte, name string, v uint32) {
	t.Helper()
	fields := fieldsOf(t, open(t, data))
	i := slices.IndexFunc(fields, func(x field) bool { return x.name == name })
	if i < 0 {
		t.Fatalf("no field %q", name)
	}
	fields[i].set(data, v)
}

// What a signature says of itself is compared with the file before it is believed.
func TestSignatureLiesAreNamed(t *testing.T) {
	const directory = 12 + 2*8 // where the CodeDirectory of machotest begins
	for _, tt := range []struct {
		name string
		at   int // in the signature
		lie  uint32
		want string
	}{
		{"another magic number", 0, 0xfade0cc1, "no signature here: it begins with 0xfade0cc1"},
		{"longer than its place", 4, 1 << 20, "the signature claims 1048576 bytes and 2 parts"},
		{"too many parts", 8, 1 << 20, "and 1048576 parts"},
		{"parts that run into what they list", 8, 64, "slot 0xfade0c02 of the signature claims"},
		{"part past the end", 16, 1 << 30, "slot 0x0 of the signature is past its end"},
		{"no CodeDirectory", 12, 2, "the signature has no CodeDirectory"},
		{"part of no size", directory + 4, 0, "slot 0x0 of the signature claims 0 bytes"},
		{"part longer than all", directory + 4, 1 << 20, "slot 0x0 of the signature claims 1048576 bytes"},
		{"CodeDirectory of another kind", directory, 0xfade0c03, "no CodeDirectory where the signature puts one"},
		{"digests outside", directory + 16, 1 << 20, "the digests at 1048576 are outside the CodeDirectory"},
		{"identifier outside", directory + 20, 1 << 20, "the identifier at 1048576 is outside the CodeDirectory"},
		{"a hundred special slots", directory + 24, 100, "the digests at 93 are outside the CodeDirectory"},
		{"too many pages", directory + 28, 1 << 30, "1073741824 code slots in the CodeDirectory"},
		{"another limit", directory + 32, 1 << 31, "code slots in the CodeDirectory, 524288 go with its limit of 0x80000000"},
		{"an unknown digest", directory + 36, 0x2009000c, "hash type 9 with 32 bytes"},
		{"pages of 1 byte", directory + 36, 0x20020000, "pages of 1 bytes in the CodeDirectory"},
		{"pages of an impossible size", directory + 36, 0x200200ff, "pages of 4611686018427387904 bytes in the CodeDirectory"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := made(t, "arch=x86_64 signed=adhoc")
			s := open(t, data).Slices[0]
			at := int64(s.u32(s.signed, 8)) + int64(tt.at)
			for i := range 4 {
				data[at+int64(i)] = byte(tt.lie >> (24 - 8*i))
			}
			file := open(t, data)
			_, err := file.Slices[0].Signature()
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			checkError(t, err)
			askAndEdit(t, data)
		})
	}
}

// Parts of an image that share bytes are refused before anything is edited.
func TestSharedBytesAreRefused(t *testing.T) {
	const thin = "arch=x86_64 id=/a.dylib loads=/b.dylib rpaths=/c signed=adhoc"
	for _, tt := range []struct {
		name, field string
		lie         uint32
		want        string
	}{
		{"two segments in the file", "x86_64 1 LC_SEGMENT_64+40", 0xff0, `segments "__TEXT" and "__LINKEDIT" share bytes of the file`},
		{"two segments in memory", "x86_64 1 LC_SEGMENT_64+24", 0x800, `segments "__TEXT" and "__LINKEDIT" share addresses`},
		{"section at another address", "x86_64 0 LC_SEGMENT_64+104", 0x10, "its bytes at 0x390 are mapped at 0x390"},
		{"section outside the addresses", "x86_64 0 LC_SEGMENT_64+104", 0x10000, "outside its segment"},
		{"strings in the code", "x86_64 2 LC_SYMTAB+16", 0x390, "string table: 0x10 bytes at 0x390, outside the __LINKEDIT segment"},
		{"strings past the end", "x86_64 2 LC_SYMTAB+20", 1 << 20, "string table: 0x100000 bytes at 0x1000, past the end"},
		{"strings in the signature", "x86_64 2 LC_SYMTAB+20", 0x20, "string table and signature share bytes"},
		{"signature in the code", "x86_64 6 LC_CODE_SIGNATURE+8", 0x390, "signature: "},
		{"no segment with the header", "x86_64 0 LC_SEGMENT_64+40", 0x1000, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data := made(t, thin)
			tell(t, data, tt.field, tt.lie)
			f, err := NewFile(bytes.NewReader(data), int64(len(data)))
			if err == nil {
				_, err = f.Edit(t.Context(), AddRPath("/d"))
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			checkError(t, err)
		})
	}
}
