package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// A mender decides what makes dyld take a file, as far as an edit can, and what gives it
// a true signature.
type mender struct {
	keepRPaths bool // also those that are there twice, if dyld takes the file
	resign     bool // each slice, whether its signature is true or not
	jobs       int
	warn       func(format string, args ...any)
}

// mendMachO mends the grafts and the files of the wheel.
func (p *Plan) mendMachO(ctx context.Context) error {
	m := mender{p.options.MacOS.KeepRPaths, p.options.MacOS.Resign, p.options.Load.Jobs, p.warn}
	for i := range p.Grafts {
		if err := m.mend(ctx, p.Grafts[i].file, &p.Grafts[i].Change); err != nil {
			return err
		}
	}
	place, edited := map[*linkage.File]int{}, map[*linkage.File]bool{}
	for i := range p.Edits {
		edited[p.Edits[i].file] = true
	}
	for n, b := range p.graph.Members {
		place[b] = n
		if p.options.Audit.MacOS.DylibsOnly && !linkage.IsDylibName(b.Path) {
			continue
		}
		if err := m.mend(ctx, b, p.change(b)); err != nil {
			return err
		}
	}
	p.freePrograms()
	p.Edits = slices.DeleteFunc(p.Edits, func(e Edit) bool { return e.Change.empty() })
	for i := range p.Edits {
		if !edited[p.Edits[i].file] {
			p.warnCertificate(p.Edits[i].file)
		}
	}
	slices.SortStableFunc(p.Edits, func(a, b Edit) int { return place[a.file] - place[b.file] })
	return nil
}

// change returns what is planned for a member, which may be nothing yet.
func (p *Plan) change(b *linkage.File) *Change {
	i := slices.IndexFunc(p.Edits, func(e Edit) bool { return e.file == b })
	if i < 0 {
		i = len(p.Edits)
		p.Edits = append(p.Edits, Edit{Member: b.Path, file: b})
	}
	return &p.Edits[i].Change
}

// mend adds to the change of a file. Every duplicate goes from a file that is edited, and
// from others those for which dyld refuses it. What no edit mends is an error: nobody
// could load the result.
func (m *mender) mend(ctx context.Context, b *linkage.File, c *Change) error {
	aligned := true
	for _, f := range b.MachO().Faults() {
		if !f.Mends {
			return fmt.Errorf("%s: %w: dyld does not load it; build it again", b.Path, &f.FormatError)
		}
		aligned = false
	}
	edited := !c.empty() || m.resign
	for _, image := range b.Images {
		if !image.Slice().Type.Loadable() {
			continue
		}
		if err := m.mendSlice(ctx, b.Path, image.Slice(), c.slice(image.Arch), edited); err != nil {
			return err
		}
	}
	c.Slices = slices.DeleteFunc(c.Slices, func(s SliceChange) bool { return s.empty() })
	if !aligned && len(c.Slices) == 0 { // an edit lays the slices out again
		c.slice(b.Images[0].Arch).Sign = true
	}
	return nil
}

func (m *mender) mendSlice(ctx context.Context, name string, s *macho.Slice, c *SliceChange, edited bool) error {
	paths, refused := s.DuplicateRPaths()
	if refused || edited && !m.keepRPaths {
		c.Duplicates = append(c.Duplicates, remaining(paths, c.RemovedRPaths)...)
	}
	if names, refused := s.DuplicateDylibs(); refused || edited {
		c.Duplicates = append(c.Duplicates, names...)
	}
	c.UUID = s.LacksUUID()
	if !c.empty() {
		return nil // it is signed anew
	}
	return m.sign(ctx, name, s, c)
}

// remaining returns the texts that are not among those that go anyway.
func remaining(texts, gone []string) []string {
	return slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return slices.Contains(gone, text) })
}

// slice returns the change of the slice of an architecture, a new one if nothing is to
// be changed in it yet.
func (c *Change) slice(arch string) *SliceChange {
	i := slices.IndexFunc(c.Slices, func(s SliceChange) bool { return s.Arch == arch })
	if i < 0 {
		i = len(c.Slices)
		c.Slices = append(c.Slices, SliceChange{Arch: arch})
	}
	return &c.Slices[i]
}

// sign asks for a new signature where the old one does not go with the bytes: code that
// was stripped or patched after it was signed is killed on arm64.
func (m *mender) sign(ctx context.Context, name string, s *macho.Slice, c *SliceChange) error {
	if c.Sign = m.resign; c.Sign {
		return nil
	}
	err := s.VerifySignature(ctx, m.jobs)
	signature, bad := s.Signature()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
	case bad == nil && signature == nil:
		c.Sign = s.Arch.IsARM64()
	case errors.As(err, new(*macho.FormatError)):
		c.Sign = true
		m.warn("%s: its %v code is not as it was signed; it is signed anew", name, s.Arch)
	default:
		return named(name, err)
	}
	return nil
}

// freePrograms signs programs anew that would refuse the libraries of the wheel: with
// library validation, a program loads only what its own team has signed, and what is
// signed ad hoc has no team.
func (p *Plan) freePrograms() {
	for _, b := range p.graph.Members {
		for _, image := range b.Images {
			if !audit.ValidatesOwn(image, func(to *linkage.File) bool { return p.signedAdHoc(to) }) {
				continue
			}
			if c := p.change(b).slice(image.Arch); c.empty() {
				c.Sign = true
			}
			p.warn("%s: its new %v signature no longer asks for the hardened runtime or library validation, with which it would load no library of the wheel", b.Path, image.Slice().Arch)
		}
	}
}

// signedAdHoc reports whether a library of the result is signed by nobody.
func (p *Plan) signedAdHoc(b *linkage.File) bool {
	return !b.InWheel || !p.change(b).empty()
}
