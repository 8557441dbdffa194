package hostiletest

import "testing"

// The suite that runs them asks for at least sixty.
func TestShapesCanBeMade(t *testing.T) {
	names := map[string]bool{}
	for _, s := range Shapes() {
		if names[s.Name] {
			t.Errorf("two shapes are called %q", s.Name)
		}
		names[s.Name] = true
		if _, wheel, err := s.Build(4); err != nil || len(wheel) == 0 {
			t.Errorf("%s: %d bytes, %v", s.Name, len(wheel), err)
		}
	}
	if len(names) < 60 {
		t.Errorf("%d shapes, want 60", len(names))
	}
}
