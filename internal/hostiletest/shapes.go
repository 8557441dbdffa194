package hostiletest

import "slices"

// A Shape is a kind of wheel that grows with a number.
type Shape struct {
	Name  string
	Tag   string // platform tag; "" means linux_x86_64
	Sizes [3]int // what Make is called with; each doubles the one before, and no limit on a count is in the way
	Over  int    // a size that a limit on a count refuses; 0 means that none does
	Make  func(n int) []Member
}

// sizes returns a size and its double, twice.
func sizes(n int) [3]int { return [3]int{n, 2 * n, 4 * n} }

// Build returns the file name of the shape's wheel, and its bytes, at a size.
func (s *Shape) Build(n int) (name string, wheel []byte, err error) {
	tag := s.Tag
	if tag == "" {
		tag = "linux_x86_64"
	}
	wheel, err = Wheel(tag, s.Make(n))
	return Filename(tag), wheel, err
}

// Shapes returns all shapes, those of archives first, then Linux.
func Shapes() []Shape { return slices.Concat(archiveShapes(), linuxShapes(), macShapes()) }
