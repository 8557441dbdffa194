package macho

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// fatArchives puts contents behind a fat header, for x86_64 and arm64.
func fatArchives(contents ...string) []byte {
	cpus := []uint32{0x01000007, 0x0100000c}
	b := binary.BigEndian.AppendUint32([]byte{0xca, 0xfe, 0xba, 0xbe}, uint32(len(contents)))
	at := uint32(8 + 20*len(contents))
	var body []byte
	for i, c := range contents {
		for _, v := range []uint32{cpus[i], 0, at + uint32(len(body)), uint32(len(c)), 0} {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		body = append(body, c...)
	}
	return append(b, body...)
}

func TestFatArchives(t *testing.T) {
	for _, tt := range []struct {
		name     string
		contents []string
		archives bool
	}{
		{"archives", []string{archiveMagic + "x", archiveMagic}, true},
		{"one archive", []string{archiveMagic}, true},
		{"one that is none", []string{archiveMagic, "something else"}, false},
		{"one that is too short", []string{archiveMagic, archiveMagic[:7]}, false},
	} {
		b := fatArchives(tt.contents...)
		_, err := NewFile(bytes.NewReader(b), int64(len(b)))
		if got := errors.Is(err, ErrArchive) && errors.Is(err, ErrNotMachO); got != tt.archives {
			t.Errorf("%s: error %v", tt.name, err)
		}
		if format := new(*FormatError); !tt.archives && !errors.As(err, format) {
			t.Errorf("%s: error %v is no *FormatError", tt.name, err)
		}
	}
}

// archiveOf makes a static archive of members, each NAME and content, with the names
// as Apple's ar writes them.
func archiveOf(members ...string) []byte {
	b := []byte(archiveMagic)
	for i := 0; i < len(members); i += 2 {
		name := members[i] + "\x00\x00"
		content := name + members[i+1]
		b = fmt.Appendf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", fmt.Sprintf("#1/%d", len(name)), 0, 0, 0, 0o644, len(content))
		b = append(b, content...)
		if len(content)%2 > 0 {
			b = append(b, '\n')
		}
	}
	return b
}

func TestMergeArchives(t *testing.T) {
	intel, arm := string(fixture(t, "zig-x86_64-mod.so")), string(fixture(t, "zig-arm64-mod.so"))
	a, b := archiveOf("__.SYMDEF", "odd", "x.o", intel), archiveOf("__.SYMDEF SORTED", "", "x.o", arm, "y.o", arm)
	section := func(b []byte) *io.SectionReader { return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))) }
	o, err := MergeArchives(section(a), section(b))
	if err != nil {
		t.Fatal(err)
	}
	fat := contents(t, o)
	if _, err := NewFile(bytes.NewReader(fat), int64(len(fat))); !errors.Is(err, ErrArchive) {
		t.Errorf("read back: %v", err)
	}
	for i, want := range [][]byte{a, b} {
		entry := fat[8+20*i:]
		off, size := binary.BigEndian.Uint32(entry[8:]), binary.BigEndian.Uint32(entry[12:])
		if off%8 != 0 || !bytes.Equal(fat[off:off+size], want) {
			t.Errorf("part %d at %#x is not what went in", i, off)
		}
	}
	if _, err := MergeArchives(section(a), section(a)); err == nil {
		t.Error("two archives for one architecture are joined")
	}
	for _, tt := range []struct {
		name string
		data []byte
		want string
	}{
		{"no object", archiveOf("__.SYMDEF", "x"), "holds no object"},
		{"a fat file", fatArchives(archiveMagic), "a static archive begins with"},
		{"empty", nil, "it looks truncated"},
		{"another format", archiveOf("x.o", "BC\xc0\xde"), `"x.o" is neither a Mach-O object nor bitcode`},
		{"two architectures", archiveOf("x.o", intel, "y.o", arm), `"y.o" is for arm64, those before it for x86_64`},
		{"cut", a[:len(a)-100], "it looks truncated"},
		{"cut in a header", append(bytes.Clone(a), a[8:40]...), "it looks truncated"},
		{"no header", append([]byte(archiveMagic), bytes.Repeat([]byte("x"), 60)...), "no archive member begins here"},
		{"a name without room", append([]byte(archiveMagic), fmt.Sprintf("%-48s%-10d`\n", "#1/9", 4)+"name"...), "has no room"},
	} {
		_, err := ArchiveArch(bytes.NewReader(tt.data), int64(len(tt.data)))
		if format := new(FormatError); !errors.As(err, &format) || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
}

// Objects of -flto are bitcode, which says in its target what it is for.
func TestMergeArchivesOfBitcode(t *testing.T) {
	intel, arm := string(fixture(t, "llvm14-x86_64.bc")), string(fixture(t, "llvm14-arm64.bc"))
	a := archiveOf("__.SYMDEF", "", "x.o", intel, "y.o", string(fixture(t, "zig-x86_64-mod.so")))
	b := archiveOf("x.o", arm[20:], "//", "names") // without the wrapper
	section := func(b []byte) *io.SectionReader { return io.NewSectionReader(bytes.NewReader(b), 0, int64(len(b))) }
	o, err := MergeArchives(section(a), section(b))
	if err != nil {
		t.Fatal(err)
	}
	fat := contents(t, o)
	for i, want := range []uint32{cpuX86_64, cpuARM64} {
		if got := binary.BigEndian.Uint32(fat[8+20*i:]); got != want {
			t.Errorf("part %d is for cpu %#x, want %#x", i, got, want)
		}
	}
	for n := range len(arm) { // cut anywhere, it has an architecture or none
		if arch := bitcodeArch(strings.NewReader(arm[:n]), int64(n)); arch != nil && arch.String() != "arm64" {
			t.Fatalf("cut to %d bytes it is for %v", n, arch)
		}
	}
	if arch := tripleArch("x86_64-unknown-linux-gnu"); arch != nil {
		t.Errorf("code for Linux is for %v", arch)
	}
	for triple, want := range map[string]string{"aarch64-apple-darwin20": "arm64", "i686-apple-macosx10.6": "i386", "x86_64h-apple-macosx11": "x86_64h", "arm64e-apple-macosx12": "arm64e"} {
		if arch := tripleArch(triple); arch == nil || arch.String() != want {
			t.Errorf("%s is for %v, want %s", triple, arch, want)
		}
	}
}
