package policy

import "testing"

func TestIsLibpython(t *testing.T) {
	tests := []struct {
		soname string
		want   bool
	}{
		{"libpython3.12.so.1.0", true},
		{"libpython3.7m.so.1.0", true},
		{"libpython2.7.so", true},
		{"libpython3.so", false},       // the stable ABI's stub
		{"libpython3.12.so.10", false}, // one digit a part
		{"libpython3.12.a", false},
		{"xlibpython3.12.so", false},
		{"libpython3.12.so.1.0\n", false},
	}
	for _, tt := range tests {
		if got := IsLibpython(tt.soname); got != tt.want {
			t.Errorf("%q: got %t, want %t", tt.soname, got, tt.want)
		}
	}
}

func TestIsLoader(t *testing.T) {
	tests := []struct {
		soname string
		want   bool
	}{
		{"ld-linux.so.2", true},
		{"ld-linux-riscv64-lp64d.so.1", true},
		{"ld64.so.2", true},
		{"ld-musl-armhf.so.1", true},
		{"ld64.so.3", false},
		{"libld-linux.so.1", false},
		{"ld-2.31.so", false},
	}
	for _, tt := range tests {
		if got := IsLoader(tt.soname); got != tt.want {
			t.Errorf("%q: got %t, want %t", tt.soname, got, tt.want)
		}
	}
}
