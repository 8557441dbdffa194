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

// mend adds to the change of a file what makes dyld take it, as far as an edit can, and
// what gives it a true signature. Every duplicate goes from a file that is edited, and
// from others those for which dyld refuses it. What no edit mends is an error: nobody
// could load the result.
func (p *Plan) mend(ctx context.Context, b *linkage.File, c *Change) error {
	aligned := true
	for _, f := range b.MachO().Faults() {
		if !f.Mends {
			return fmt.Errorf("%s: %w: dyld does not load it; build it again", b.Path, &f.FormatError)
		}
		aligned = false
	}
	edited := !c.empty() || p.options.MacOS.Resign
	for _, image := range b.Images {
		if !image.Slice().Type.Loadable() {
			continue
		}
		if err := p.mendSlice(ctx, b.Path, image.Slice(), c.slice(image.Arch), edited); err != nil {
			return err
		}
	}
	c.Slices = slices.DeleteFunc(c.Slices, func(s SliceChange) bool { return s.empty() })
	if !aligned && len(c.Slices) == 0 { // an edit lays the slices out again
		c.slice(b.Images[0].Arch).Sign = true
	}
	return nil
}

func (p *Plan) mendSlice(ctx context.Context, name string, s *macho.Slice, c *SliceChange, edited bool) error {
	paths, refused := s.DuplicateRPaths()
	if refused || edited && !p.options.MacOS.KeepRPaths {
		c.Duplicates = append(c.Duplicates, remaining(paths, c.RemovedRPaths)...)
	}
	if names, refused := s.DuplicateDylibs(); refused || edited {
		c.Duplicates = append(c.Duplicates, names...)
	}
	c.UUID = s.LacksUUID()
	if !c.empty() {
		return nil // it is signed anew
	}
	return p.sign(ctx, name, s, c)
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
func (p *Plan) sign(ctx context.Context, name string, s *macho.Slice, c *SliceChange) error {
	if c.Sign = p.options.MacOS.Resign; c.Sign {
		return nil
	}
	err := s.VerifySignature(ctx, p.options.Load.Jobs)
	signature, bad := s.Signature()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
	case bad == nil && signature == nil:
		c.Sign = s.Arch.IsARM64()
	case errors.As(err, new(*macho.FormatError)):
		c.Sign = true
		p.warn("%s: its %v code is not as it was signed; it is signed anew", name, s.Arch)
	default:
		return named(name, err)
	}
	return nil
}

// freePrograms signs programs anew that would refuse the libraries of the wheel: with
// library validation, a program loads only what its own team has signed, and what is
// signed ad hoc has no team.
func (p *Plan) freePrograms() {
	changes := map[*linkage.File]*Change{}
	for i := range p.Edits {
		changes[p.Edits[i].file] = &p.Edits[i].Change
	}
	adHoc := func(f *linkage.File) bool { return changes[f] == nil || !changes[f].empty() }
	for _, image := range linkage.Images(p.graph.Members) {
		if !audit.ValidatesOwn(image, adHoc) {
			continue
		}
		if c := changes[image.File].slice(image.Arch); c.empty() {
			c.Sign = true
		}
		p.warn("%s: its new %v signature no longer asks for the hardened runtime or library validation, with which it would load no library of the %s", image.Path, image.Slice().Arch, p.repaired())
	}
}
