//go:build integration

package integration

// difference is what wheelmend says of a wheel of the corpus where auditwheel
// says something else, and why that is right. docs/differences.md tells it to
// users.
type difference struct {
	tag       string
	externals []string // sonames, sorted
	reason    string
}

// differences has a row for each wheel of the corpus on which the tools differ.
var differences = map[string]difference{
	"soundfile-0.14.0-py2.py3-none-manylinux_2_28_x86_64.whl": {
		tag: "manylinux_2_27_x86_64",
		reason: "auditwheel lists what the oldest policy of all does not promise, here libmvec.so.1; " +
			"manylinux_2_27, which both tools name, promises it, so it is no library to graft",
	},
	"pydantic_core-2.50.4-cp311-cp311-musllinux_1_1_armv7l.whl": {
		tag: "musllinux_1_1_armv7l",
		reason: "the wheel needs libc.so, as musl calls itself; auditwheel finds a text file of that name, " +
			"a linker script of glibc's, and ends with a traceback (ELFError: Magic number does not match)",
	},
}
