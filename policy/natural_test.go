package policy

import "testing"

func TestCompareNatural(t *testing.T) {
	tests := []struct {
		name, a, b string
		want       int
	}{
		{"numeric, not lexical", "2.9", "2.17", -1},
		{"prefix first", "3.4", "3.4.1", -1},
		{"digits before words", "2.36", "ABI_DT_RELR", -1},
		{"more digits than an int", "99999999999999999999999", "100000000000000000000000", -1},
		{"leading zero is not equal", "1.01", "1.1", -1},
		{"equal", "1.3.4", "1.3.4", 0},
		{"empty first", "", "0", -1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := compareNatural(tt.a, tt.b); got != tt.want {
				t.Errorf("%q, %q: got %d, want %d", tt.a, tt.b, got, tt.want)
			}
			if got := compareNatural(tt.b, tt.a); got != -tt.want {
				t.Errorf("%q, %q: got %d, want %d", tt.b, tt.a, got, -tt.want)
			}
		})
	}
}
