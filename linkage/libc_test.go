package linkage_test

import (
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/linkage"
)

func TestLibcOf(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"prog", "x86_64 type=exec interp=/lib/ld-musl-x86_64.so.1 needed=libc.so.6", linkage.Musl},
		{"prog", "x86_64 type=exec interp=/lib64/ld-linux-x86-64.so.2", linkage.Glibc},
		{"prog", "ppc64le type=exec interp=/lib64/ld64.so.2", linkage.Glibc},
		{"prog", "x86_64 type=exec interp=/opt/own-loader needed=libc.so.6", ""},
		{"libx.so", "x86_64 needed=libm.so.6,libc.so.6", linkage.Glibc},
		{"libx.so", "x86_64 needed=libc.so", linkage.Musl},
		{"libx.so", "x86_64 needed=libc.musl-x86_64.so.1", linkage.Musl},
		{"libx.so", "x86_64 needed=liby.so", ""},
		{"opt/ld-musl-x86_64.so.1", "x86_64", linkage.Musl},
		{"demo/_x.cpython-312-x86_64-linux-musl.so", "x86_64", linkage.Musl},
		{"demo/_x.cpython-312-x86_64-linux-gnu.so", "x86_64", linkage.Glibc},
		{"demo/_x.cpython-310-x86_64-linux-gnu.so", "x86_64", ""}, // Python called those for musl gnu too
	} {
		file := members(t, "x "+tt.spec)[0].Content.(*elf.File)
		if got := linkage.LibcOf(file, tt.name); got != tt.want {
			t.Errorf("%s, %s: got %q, want %q", tt.name, tt.spec, got, tt.want)
		}
	}
}
