package repair

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// A half is one of the wheels of a merge.
type half struct {
	name     string // file name
	contents *audit.Contents
	record   *wheel.Record
	arch     string                 // as tags spell it
	promised policy.MacVersion      // by the file name
	images   map[string]*macho.File // by member
	lost     map[string]bool        // see lostKey
}

// newHalf reads a wheel that can be one half of a universal one.
func newHalf(ctx context.Context, base string, r *wheel.Reader, opts audit.LoadOptions) (*half, error) {
	h := &half{name: base, images: map[string]*macho.File{}}
	if err := h.load(ctx, r, opts); err != nil {
		return nil, fmt.Errorf("%s: %w", base, errors.Join(err, h.close()))
	}
	return h, nil
}

func (h *half) close() error {
	if h.contents == nil {
		return nil
	}
	return h.contents.Close()
}

func (h *half) load(ctx context.Context, r *wheel.Reader, opts audit.LoadOptions) (err error) {
	if h.contents, err = audit.Load(ctx, h.name, r, opts); err != nil {
		return err
	}
	if err := h.readPlatforms(); err != nil {
		return err
	}
	for _, b := range h.contents.Files {
		if f := b.MachO(); f != nil {
			h.images[b.Member.Name] = f
		}
	}
	if len(h.images) == 0 {
		return errors.New("it holds no Mach-O file, so there is nothing to merge")
	}
	if h.record, err = h.contents.Record(); err != nil {
		return err
	}
	info, err := h.contents.Reader.Info()
	if err != nil {
		return err
	}
	if err := sameInterpreters(h.contents.Filename, info.Tags()); err != nil {
		return err
	}
	return h.findLost(ctx)
}

// readPlatforms reads the architecture and the oldest macOS in the file name.
func (h *half) readPlatforms() error {
	for _, tag := range h.contents.Filename.Platform {
		p, err := policy.ParsePlatform(tag)
		if err != nil {
			return err
		}
		if p.Family != policy.MacOS {
			return fmt.Errorf("%s is no platform of macOS, and only there a file can have code for two architectures", tag)
		}
		if archs := policy.MacArchs(p.Arch); len(archs) > 1 {
			return fmt.Errorf("it is for %s already; a merge takes a wheel for each architecture", p.Arch)
		}
		if h.arch != "" && h.arch != p.Arch {
			return fmt.Errorf("its name is for %s and %s; a merge takes a wheel for each architecture", h.arch, p.Arch)
		}
		v := policy.MacVersion{Major: p.Major, Minor: p.Minor}
		if h.arch == "" || v.Compare(h.promised) < 0 {
			h.promised = v
		}
		h.arch = p.Arch
	}
	return nil
}

// findLost notes the libraries that files of the wheel do not find in it.
func (h *half) findLost(ctx context.Context) error {
	rep, err := audit.Assess(ctx, h.contents, audit.Options{Options: linkage.Options{WheelOnly: true}})
	if err != nil {
		return err
	}
	h.lost = lostLibraries(rep)
	return rep.Close()
}

// lostLibraries lists which file does not find which library.
func lostLibraries(rep *audit.Report) map[string]bool {
	lost := map[string]bool{}
	for _, b := range rep.Target().Blockers {
		if b.Kind == audit.KindMissing {
			lost[b.File+": "+b.Library] = true
		}
	}
	return lost
}

func (h *half) distInfo() string { return h.contents.Reader.DistInfo() }

// member returns the member of that name, nil if there is none.
func (h *half) member(name string) *wheel.Member {
	m, _ := h.contents.Reader.Lookup(name)
	return m
}

// checkPair refuses wheels that are not the two halves of one.
func (m *merger) checkPair() error {
	a, b := m.halves[0], m.halves[1]
	x, y := a.contents.Filename, b.contents.Filename
	different := func(what, of, other string) error {
		return fmt.Errorf("%s and %s are not two halves of one wheel: the %s is %s and %s", a.name, b.name, what, of, other)
	}
	switch {
	case !wheel.SameName(x.Name, y.Name):
		return different("project", x.Name, y.Name)
	case !wheel.SameVersion(x.Version, y.Version):
		return different("version", x.Version, y.Version)
	case x.Build != y.Build:
		return different("build tag", fmt.Sprintf("%q", x.Build), fmt.Sprintf("%q", y.Build))
	case !sameSet(x.Python, y.Python):
		return different("Python tag", strings.Join(x.Python, "."), strings.Join(y.Python, "."))
	case !sameSet(x.ABI, y.ABI):
		return different("ABI tag", strings.Join(x.ABI, "."), strings.Join(y.ABI, "."))
	case a.distInfo() != b.distInfo():
		return different(".dist-info folder", a.distInfo(), b.distInfo())
	case a.arch == b.arch:
		return fmt.Errorf("%s and %s are both for %s; a merge takes a wheel for each architecture", a.name, b.name, a.arch)
	}
	if archs := []string{a.arch, b.arch}; len(policy.MacWords(archs)) > 1 {
		return fmt.Errorf("no platform tag stands for %s and %s together", a.arch, b.arch)
	}
	return m.checkMetadata()
}

// checkMetadata holds METADATA of both wheels to one name and version.
func (m *merger) checkMetadata() error {
	a, err := m.halves[0].contents.Reader.Metadata()
	if err != nil {
		return fmt.Errorf("%s: %w", m.halves[0].name, err)
	}
	b, err := m.halves[1].contents.Reader.Metadata()
	if err != nil {
		return fmt.Errorf("%s: %w", m.halves[1].name, err)
	}
	if !wheel.SameName(a.Name, b.Name) || !wheel.SameVersion(a.Version, b.Version) {
		return fmt.Errorf("%s and %s are not two halves of one wheel: METADATA speaks of %s %s and %s %s", m.halves[0].name, m.halves[1].name, a.Name, a.Version, b.Name, b.Version)
	}
	return nil
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

// sameContent compares a member of the one wheel with one of the other. What RECORD
// says is true: it was held to the contents when they were read.
func (m *merger) sameContent(a, b *wheel.Member) (bool, error) {
	if a.Size != b.Size || a.CRC32 != b.CRC32 {
		return false, nil
	}
	x, _ := m.halves[0].record.Row(a.Name)
	y, _ := m.halves[1].record.Row(b.Name)
	if x.Hash != "" && x.Hash == y.Hash {
		return true, nil
	}
	before, err := memberDigest(a)
	if err != nil {
		return false, err
	}
	after, err := memberDigest(b)
	return before == after, err
}

// memberDigest returns the SHA-256 of what a member inflates to.
func memberDigest(m *wheel.Member) (sum string, err error) {
	r, err := m.Open()
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return digestOf(r)
}
