package macho

import (
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/overlay"
)

// check reads an edited slice back and compares it with the original: the names are
// those of the draft, and all else is there and lies where the plan put it. What
// fails here would be a damaged file, so the edit is refused.
func (p *plan) check(d *draft, image *overlay.Overlay) error {
	got, err := newSlice(image, 0, image.Size())
	if err == nil {
		err = got.checkLayout()
	}
	if err != nil {
		return fmt.Errorf("the edited image is not sound, so the edit is refused: %w", err)
	}
	want, have := texts(d.s, d.commands), texts(got, got.commands)
	if !slices.Equal(want, have) {
		return fmt.Errorf("the edited load commands read back as %q, want %q; the edit is refused", have, want)
	}
	for _, check := range []func(*Slice) error{p.checkSegments, p.checkExtents, p.checkMoved} {
		if err := check(got); err != nil {
			return err
		}
	}
	if len(p.patches) > 0 {
		return p.checkImports(got, d.ordinals)
	}
	return nil
}

// texts returns the commands that have a string, with it.
func texts(s *Slice, commands []command) []string {
	var all []string
	for i := range commands {
		if c := &commands[i]; commandKinds[c.cmd].text > 0 {
			all = append(all, fmt.Sprintf("%v %s", c.cmd, s.text(c)))
		}
	}
	return all
}

func misplaced(what string, got, want any) error {
	return fmt.Errorf("%s of the edited image reads back as %v, want %v; the edit is refused", what, got, want)
}

// movedSegment returns a segment of the original as it has to be in the result.
// __LINKEDIT grows, so its sizes are those that the result says.
func (p *plan) movedSegment(seg Segment, got *Segment) Segment {
	delta := int64(0)
	if p.shift != nil {
		delta = p.shift.delta
	}
	seg.at, seg.Sections = got.at, slices.Clone(seg.Sections)
	for i := range seg.Sections {
		x := &seg.Sections[i]
		x.Addr += uint64(delta)
		if x.Off > 0 {
			x.Off += delta
		}
	}
	switch {
	case p.shift != nil && seg.FileSize == 0 && seg.Addr+seg.MemSize <= p.shift.base: // __PAGEZERO
	case seg.Off == 0 && seg.FileSize > 0:
		seg.FileSize += delta
		seg.MemSize += uint64(delta)
	default:
		seg.Addr += uint64(delta)
		if seg.Off > 0 || seg.FileSize > 0 {
			seg.Off += delta
		}
	}
	if seg.Name == linkeditName {
		seg.FileSize, seg.MemSize = got.FileSize, got.MemSize
	}
	return seg
}

// checkSegments compares segments and sections.
func (p *plan) checkSegments(got *Slice) error {
	if len(got.Segments) != len(p.s.Segments) {
		return misplaced("the number of segments", len(got.Segments), len(p.s.Segments))
	}
	for i := range got.Segments {
		is, want := got.Segments[i], p.movedSegment(p.s.Segments[i], &got.Segments[i])
		if len(is.Sections) != len(want.Sections) || is.place() != want.place() {
			return misplaced(fmt.Sprintf("segment %q", want.Name), is.place(), want.place())
		}
		for k, x := range is.Sections {
			if w := want.Sections[k]; x != w {
				return misplaced(fmt.Sprintf("section %q", w.Segment+","+w.Name), fmt.Sprintf("%#x bytes at %#x (%#x)", x.Size, x.Addr, x.Off), fmt.Sprintf("%#x at %#x (%#x)", w.Size, w.Addr, w.Off))
			}
		}
	}
	return nil
}

// place spells where a segment is.
func (seg *Segment) place() string {
	return fmt.Sprintf("%q, %d sections, %#x bytes at %#x, of the %#x at %#x", seg.Name, len(seg.Sections), seg.MemSize, seg.Addr, seg.FileSize, seg.Off)
}

// checkExtents compares what the load commands refer to.
func (p *plan) checkExtents(got *Slice) error {
	places := func(s *Slice, moved func(int64) int64) []extent {
		var all []extent
		for _, x := range s.extents() {
			off := moved(x.off)
			all = append(all, extent{what: x.what, off: off, size: moved(x.off+x.size) - off})
		}
		return all
	}
	want := places(p.s, p.moved)
	have := places(got, func(off int64) int64 { return off })
	if len(have) != len(want) {
		return misplaced("the number of tables", len(have), len(want))
	}
	for i, x := range have {
		if w := want[i]; x != w {
			return misplaced("the "+w.what, fmt.Sprintf("%s of %#x bytes at %#x", x.what, x.size, x.off), fmt.Sprintf("%#x at %#x", w.size, w.off))
		}
	}
	return nil
}

// checkImports makes sure that each symbol comes from the library that it came from,
// or from any if that one is gone.
func (p *plan) checkImports(got *Slice, ordinals []int) error {
	want, err := p.s.imports()
	if err != nil {
		return err
	}
	have, err := got.imports()
	if err != nil {
		return fmt.Errorf("the imports of the edited image do not read back, so the edit is refused: %w", err)
	}
	want = slices.DeleteFunc(want, func(x imported) bool { return ordinals[x.ordinal-1] == gone })
	if len(have) != len(want) {
		return misplaced("the number of imports", len(have), len(want))
	}
	for i, x := range want {
		if n := ordinals[x.ordinal-1]; have[i].symbol != x.symbol || have[i].ordinal != n {
			return misplaced(fmt.Sprintf("the import of %q", x.symbol), fmt.Sprintf("%q from library %d", have[i].symbol, have[i].ordinal), fmt.Sprintf("library %d", n))
		}
	}
	return nil
}

// checkMoved reads all that counts from the header once more, as if the image were to
// be moved again: the same numbers have to be found, each as far away.
func (p *plan) checkMoved(got *Slice) error {
	if p.shift == nil {
		return nil
	}
	again := &shift{s: got, from: p.shift.from + p.shift.delta, base: p.shift.base, delta: p.shift.delta}
	if err := again.moveData(); err != nil {
		return fmt.Errorf("the moved image does not read back, so the edit is refused: %w", err)
	}
	if again.numbers != p.shift.numbers {
		return misplaced("the number of addresses", again.numbers, p.shift.numbers)
	}
	for i, x := range again.patches {
		was := p.shift.patches[i]
		if x.off != p.moved(was.off) || x.size != int64(len(was.data)) || !x.table && p.shift.number(x.data)-p.shift.number(was.data) != uint64(p.shift.delta) {
			return misplaced(fmt.Sprintf("what lay at %#x", was.off), fmt.Sprintf("% x at %#x", x.data, x.off), fmt.Sprintf("% x and %#x at %#x", was.data, p.shift.delta, p.moved(was.off)))
		}
	}
	return nil
}

// number returns what a patch holds.
func (h *shift) number(data []byte) uint64 {
	if len(data) == 4 {
		return uint64(h.s.order.Uint32(data))
	}
	return h.s.order.Uint64(data)
}
