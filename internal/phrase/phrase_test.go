package phrase

import "testing"

func TestCount(t *testing.T) {
	for _, tt := range []struct {
		n    int
		noun string
		want string
	}{{0, "file", "0 files"}, {1, "file", "1 file"}, {2, "file", "2 files"}, {1, "library", "1 library"}, {3, "library", "3 libraries"}} {
		if got := Count(tt.n, tt.noun); got != tt.want {
			t.Errorf("Count(%d, %q) = %q, want %q", tt.n, tt.noun, got, tt.want)
		}
	}
}

func TestSome(t *testing.T) {
	names := []string{"a", "b", "c"}
	for _, tt := range []struct {
		limit int
		want  string
	}{{1, "a and 2 more"}, {2, "a, b and 1 more"}, {3, "a, b, c"}, {9, "a, b, c"}} {
		if got := Some(names, tt.limit); got != tt.want {
			t.Errorf("Some(%q, %d) = %q, want %q", names, tt.limit, got, tt.want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, tt := range []struct {
		text  string
		limit int
		want  string
	}{{"abc", 3, "abc"}, {"abcd", 3, "abc... (1 bytes more)"}, {"aé", 2, "a... (2 bytes more)"}, {"\x80\x80", 1, "... (2 bytes more)"}} {
		if got := Cut(tt.text, tt.limit); got != tt.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", tt.text, tt.limit, got, tt.want)
		}
	}
}
