package main

import (
	"bytes"
	"crypto/sha256"
	"debug/macho"
	encoding "encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// Load commands with a string that scripts look at (<mach-o/loader.h>).
var machoTexts = map[uint32]string{
	0xd: "ID", 0xc: "LOAD", 0x80000018: "WEAK", 0x8000001f: "REEXPORT", 0x80000023: "UPWARD", 0x20: "LAZY", 0x8000001c: "RPATH",
}

// loads prints a line for each fact of a Mach-O file, with the architecture in
// front if it is fat: "LOAD /usr/lib/libSystem.B.dylib", "arm64 RPATH @loader_path",
// "SIGNED libdemo flags 0x2 pages 3". A signature that the bytes do not match is an
// error.
func loads(ts *testscript.TestScript, args []string) error {
	data := []byte(ts.ReadFile(args[0]))
	magic := encoding.BigEndian.Uint32(data)
	if magic != 0xcafebabe && magic != 0xcafebabf {
		f, err := macho.NewFile(bytes.NewReader(data))
		if err != nil {
			return err
		}
		return printLoads(ts.Stdout(), "", f, string(data))
	}
	fmt.Fprintf(ts.Stdout(), "FAT %#x\n", magic)
	for i := range int(encoding.BigEndian.Uint32(data[4:])) {
		var off, size uint64
		if entry := data[8+20*i:]; magic == 0xcafebabe {
			off, size = uint64(encoding.BigEndian.Uint32(entry[8:])), uint64(encoding.BigEndian.Uint32(entry[12:]))
		} else {
			entry = data[8+32*i:]
			off, size = encoding.BigEndian.Uint64(entry[8:]), encoding.BigEndian.Uint64(entry[16:])
		}
		image := data[off : off+size]
		f, err := macho.NewFile(bytes.NewReader(image))
		if err != nil {
			return err
		}
		name := map[macho.Cpu]string{macho.CpuAmd64: "x86_64 ", macho.CpuArm64: "arm64 ", macho.Cpu386: "i386 "}[f.Cpu]
		if err := printLoads(ts.Stdout(), name, f, string(image)); err != nil {
			return fmt.Errorf("%s%w", name, err)
		}
	}
	return nil
}

func printLoads(w io.Writer, front string, f *macho.File, image string) error {
	const codeSignature = 0x1d
	for _, l := range f.Loads {
		raw := l.Raw()
		cmd := f.ByteOrder.Uint32(raw)
		if kind, ok := machoTexts[cmd]; ok {
			text, _, _ := bytes.Cut(raw[f.ByteOrder.Uint32(raw[8:]):], []byte{0})
			fmt.Fprintf(w, "%s%s %s\n", front, kind, text)
		}
		if cmd == codeSignature {
			off, size := f.ByteOrder.Uint32(raw[8:]), f.ByteOrder.Uint32(raw[12:])
			line, err := checkSigned(image, image[off:off+size])
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s%s\n", front, line)
		}
	}
	return nil
}

// checkSigned holds the pages of an image to the CodeDirectory of a signature,
// whose layout is that of <kern/cs_blobs.h>.
func checkSigned(image, signature string) (string, error) {
	at := strings.Index(signature, "\xfa\xde\x0c\x02")
	if at < 0 {
		return "", errors.New("no CodeDirectory")
	}
	d := []byte(signature[at:])
	field := func(off int) int { return int(encoding.BigEndian.Uint32(d[off:])) }
	flags, hashes, ident, pages, limit, page := field(12), field(16), field(20), field(28), field(32), 1<<d[39]
	if want := len(image) - len(signature); limit != want {
		return "", fmt.Errorf("the signature covers %d bytes, want %d", limit, want)
	}
	if want := (limit + page - 1) / page; pages != want {
		return "", fmt.Errorf("the signature has %d pages, want %d", pages, want)
	}
	for i := range pages {
		sum := sha256.Sum256([]byte(image[i*page : min((i+1)*page, limit)]))
		if !bytes.Equal(sum[:], d[hashes+32*i:hashes+32*(i+1)]) {
			return "", fmt.Errorf("page %d differs from its digest", i)
		}
	}
	name, _, _ := bytes.Cut(d[ident:], []byte{0})
	return fmt.Sprintf("SIGNED %s flags %#x pages %d", name, flags, pages), nil
}
