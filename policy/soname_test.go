package policy

import "testing"

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
