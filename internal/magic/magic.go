// Package magic says what a file is by its first bytes, for messages about
// files that are not what was asked for. Start with [Describe].
package magic

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"
)

// HeadSize is how many bytes of a file [Describe] wants to see.
const HeadSize = 512

// Describe names the kind of file that begins with head, as in "a Mach-O
// binary". It returns "" for one that it does not know.
func Describe(head []byte) string {
	for _, kind := range []struct{ magic, name string }{
		{"\x7fELF", "an ELF file"},
		{"\xfe\xed\xfa\xce", "a Mach-O binary"},
		{"\xce\xfa\xed\xfe", "a Mach-O binary"},
		{"\xfe\xed\xfa\xcf", "a Mach-O binary"},
		{"\xcf\xfa\xed\xfe", "a Mach-O binary"},
		{"\xca\xfe\xba\xbf", "a universal Mach-O binary"},
		{"MZ", "a Windows program or DLL"},
		{"!<arch>\n", "a static library (ar archive)"},
		{"!<thin>\n", "a static library (thin ar archive)"},
		{"PK\x03\x04", "a zip archive, such as a wheel"},
		{"PK\x05\x06", "a zip archive, such as a wheel"},
		{"#!", "a script"},
		{"\x1f\x8b", "a gzip archive"},
		{"BC\xc0\xde", "LLVM bitcode"},
	} {
		if bytes.HasPrefix(head, []byte(kind.magic)) {
			return kind.name
		}
	}
	switch {
	case len(head) == 0:
		return "an empty file"
	case bytes.HasPrefix(head, []byte("\xca\xfe\xba\xbe")) && len(head) >= 8:
		// Java classes have the same magic number, and 45 or more here
		// (mach-o/fat.h, nfat_arch; JVM specification, major_version).
		if binary.BigEndian.Uint32(head[4:]) < 45 {
			return "a universal Mach-O binary"
		}
		return "a Java class"
	case isText(head):
		return "a text file"
	}
	return ""
}

// isText reports whether head is UTF-8 without control characters. The last
// character may be cut.
func isText(head []byte) bool {
	for len(head) > 0 {
		r, n := utf8.DecodeRune(head)
		if r == utf8.RuneError && n <= 1 {
			return !utf8.FullRune(head)
		}
		if unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' && r != '\f' {
			return false
		}
		head = head[n:]
	}
	return true
}
