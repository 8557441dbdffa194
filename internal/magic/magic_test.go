package magic

import (
	"strings"
	"testing"
)

func TestDescribe(t *testing.T) {
	for _, tt := range []struct{ name, head, want string }{
		{"nothing", "", "an empty file"},
		{"ELF", "\x7fELF\x02\x01\x01", "an ELF file"},
		{"thin Mach-O, little endian", "\xcf\xfa\xed\xfe\x07\x00\x00\x01", "a Mach-O binary"},
		{"fat Mach-O", "\xca\xfe\xba\xbe\x00\x00\x00\x02", "a universal Mach-O binary"},
		{"Java has the magic of fat Mach-O", "\xca\xfe\xba\xbe\x00\x00\x00\x34", "a Java class"},
		{"fat magic alone", "\xca\xfe\xba\xbe", ""},
		{"PE", "MZ\x90\x00\x03", "a Windows program or DLL"},
		{"static library", "!<arch>\n/       ", "a static library (ar archive)"},
		{"wheel", "PK\x03\x04\x14\x00", "a zip archive, such as a wheel"},
		{"linker script", "/* GNU ld script */\nGROUP ( libc.so.6 )\n", "a text file"},
		{"script", "#!/bin/sh\n", "a script"},
		{"text whose last character is cut", "na\u00efve \xc3", "a text file"},
		{"two bytes that are no text", "\xff\xfe", ""},
		{"text with a NUL", "abc\x00", ""},
		{"zeros", strings.Repeat("\x00", HeadSize), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := Describe([]byte(tt.head)); got != tt.want {
				t.Errorf("Describe(%q) = %q, want %q", tt.head, got, tt.want)
			}
		})
	}
}
