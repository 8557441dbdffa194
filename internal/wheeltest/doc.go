// Package wheeltest builds wheels, and trees of libraries, from a few lines of
// text, so that a test case stands on one page and no binary is checked in.
//
// Start with [Build], [WriteLibs], or [Commands] for testscript. Each line of
// a spec is a file:
//
//	# a comment
//	demo/__init__.py         text "from ._core import f" "x = 1"
//	demo/_core.so            elf x86_64 needed=libdep.so.3 runpath=$ORIGIN/../lib
//	demo/data.bin            bytes 4096
//	demo/broken.so           cut=30 elf x86_64
//	demo/real.so             file testdata/real.so
//	"demo/with space.txt"    mode=0600 raw "\x00\xff"
//	demo/link.so             symlink _core.so
//	demo-1.0.dist-info/WHEEL text "Wheel-Version: 1.0" "Root-Is-Purelib: false"
//
// A name with spaces, backslashes or control characters is a Go string.
// Options may stand between name and kind: mode=OCTAL (permissions, by default
// 0755 for elf and 0644 for the rest), cut=N (the first N bytes only) and
// store (no compression). The kinds are
//
//	text "..." ...   lines, each of them ended by a newline
//	raw "..." ...    Go strings, joined as they are
//	elf ARCH ...     an ELF image, see [elftest.Parse]
//	bytes N          N bytes that do not compress, the same ones each time
//	zeros N          N zero bytes
//	file PATH        the contents of a file
//	symlink TARGET   a symbolic link
//	dir              a directory
//	absent           nothing: keeps Build from generating a file of this name
//
// Nothing checks that a wheel makes sense: names may be hostile or repeated,
// since tests need those. It is for tests only.
package wheeltest
