package wheel_test

import (
	"testing"

	"github.com/wheelmend/wheelmend/wheel"
)

func TestSameVersion(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"1.0", "1.0", true},
		{"1.0", "1.0.0", true},
		{"1.0", "1.1", false},
		{"1.10", "1.1", false},
		{"v1.0", "1.0", true},
		{"0!1.0", "1", true},
		{"1!1.0", "1.0", false},
		{"1.0-1", "1.0.post1", true},
		{"1.0_1", "1.0.post1", true},
		{"1.0.post", "1.0.post0", true},
		{"1.0-RC.1", "1.0rc1", true},
		{"1.0alpha", "1.0a0", true},
		{"1.0b1", "1.0a1", false},
		{"1.0.dev3", "1.0dev03", true},
		{"1.0.dev3", "1.0", false},
		{"1.0+cu_12.1", "1.0+cu-12.1", true},
		{"1.0+cu12", "1.0+cu11", false},
		{"2004d", "2004d", true},
		{"2004d", "2004e", false},
	} {
		if got := wheel.SameVersion(tt.a, tt.b); got != tt.want {
			t.Errorf("SameVersion(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
