package wheel

import "testing"

func TestOwns(t *testing.T) {
	for _, c := range []struct {
		name, file, distInfo string
		want                 bool
	}{
		{"same", "demo-1.0-py3-none-any.whl", "demo-1.0.dist-info", true},
		{"case and separators", "Demo.pkg-1.0-py3-none-any.whl", "demo_pkg-1.0.dist-info", true},
		{"version spelled otherwise", "demo-1.0.0-py3-none-any.whl", "demo-1.0.dist-info", true},
		{"another distribution", "demo-1.0-py3-none-any.whl", "other-1.0.dist-info", false},
		{"only the beginning is the same", "demo-1.0-py3-none-any.whl", "demo2-1.0.dist-info", false},
	} {
		f, err := ParseFilename(c.file)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if got := f.Owns(c.distInfo); got != c.want {
			t.Errorf("%s: %s owns %s: got %v, want %v", c.name, c.file, c.distInfo, got, c.want)
		}
	}
}
