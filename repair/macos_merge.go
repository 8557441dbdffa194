package repair

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/internal/spool"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// A Choice names one of the two wheels of a merge.
type Choice int

// The choices.
const (
	Neither Choice = iota
	First
	Second
)

// MergeOptions tunes a merge. With the zero value two wheels with different files
// are refused, unless the difference is that of their architectures.
type MergeOptions struct {
	Prefer   Choice // the wheel whose file is taken where two differ and cannot be joined
	DryRun   bool   // write nothing; what only the finished wheel tells is not known
	Load     audit.LoadOptions
	Progress func(done, total int64)
}

// A Merged is a finished wheel for two architectures.
type Merged struct {
	Path     string   // of the finished wheel; "" after a dry run
	Output   string   // its file name
	Platform string   // tag
	Joined   []string // members with the code of both wheels, sorted
	Equal    int      // files that were the same in both
	Alone    []string // files of one wheel that the other has not, sorted
	Warnings []string
	Findings []string // claims of the result that fail, as they did before
}

// Merge joins two macOS wheels of one project, each for one architecture, into one
// for both and writes it into dir. Mach-O files and static archives
// become universal ones, and the result does not depend on the order of the wheels but for
// [MergeOptions.Prefer]. Its name appears when it is complete and has been read
// back.
func Merge(ctx context.Context, first, second, dir string, opts MergeOptions) (merged *Merged, err error) {
	var readers [2]*wheel.Reader
	for i, path := range []string{first, second} {
		f, err := wheel.Open(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(path), err)
		}
		defer f.Close()
		readers[i] = f.Reader
	}
	return merge(ctx, [2]string{first, second}, readers, dir, opts)
}

// merge merges the wheels in readers, which lie at paths.
func merge(ctx context.Context, paths [2]string, readers [2]*wheel.Reader, dir string, opts MergeOptions) (merged *Merged, err error) {
	opts.Load.Memory = cmp.Or(opts.Load.Memory, audit.DefaultMemory/4) // two wheels, their archives, and the result
	store := spool.NewStore(opts.Load.Memory, opts.Load.TempDir)
	defer func() { err = errors.Join(err, store.Close()) }()
	m := &merger{opts: opts, store: store, result: &Merged{}, donors: map[string][2]donor{}, needs: map[string]policy.MacVersion{}}
	for i, path := range paths {
		h, err := newHalf(ctx, filepath.Base(path), readers[i], opts.Load)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, h.close()) }()
		m.halves[i] = h
		if opts.Prefer == Choice(i+1) {
			m.preferred = h
		}
	}
	if err := m.decide(); err != nil {
		return nil, err
	}
	if opts.DryRun {
		return m.result, nil
	}
	out, err := outputPath(dir, m.result.Output, paths[:]...)
	if err != nil {
		return nil, err
	}
	err = wheel.Create(out,
		func(w io.WriterAt) (int64, error) { return m.writer.Write(ctx, w) },
		func(f io.ReaderAt, size int64) error { return m.check(ctx, f, size) })
	if err != nil {
		return nil, err
	}
	m.result.Path = out
	return m.result, nil
}

// decide fills the writer with what the result is made of.
func (m *merger) decide() error {
	if err := m.checkPair(); err != nil {
		return err
	}
	if m.halves[0].arch < m.halves[1].arch { // x86_64 comes first, as lipo(1) puts it
		m.halves[0], m.halves[1] = m.halves[1], m.halves[0]
	}
	m.writer = wheel.NewWriter(m.halves[0].distInfo(), wheel.WriterOptions{Jobs: m.opts.Load.Jobs, Progress: m.opts.Progress})
	if err := m.fill(); err != nil {
		return err
	}
	return m.addInfo()
}

// A merger merges two wheels.
type merger struct {
	opts      MergeOptions
	store     *spool.Store // of static archives
	halves    [2]*half     // sorted, x86_64 first
	preferred *half        // nil if neither is
	writer    *wheel.Writer
	output    wheel.Filename
	tags      []string                     // Tag lines of WHEEL
	donors    map[string][2]donor          // of the joined members
	needs     map[string]policy.MacVersion // of the Mach-O files, by architecture
	differing []string                     // files that are not the same and cannot be joined
	result    *Merged
}

// fill collects the members of the result.
func (m *merger) fill() error {
	names := map[string]bool{}
	for _, h := range m.halves {
		for _, member := range h.contents.Reader.Members() {
			names[member.Name] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(names))
	if err := checkFolded(sorted); err != nil {
		return err
	}
	for _, name := range sorted {
		switch name {
		case m.halves[0].distInfo() + "/WHEEL", m.halves[0].distInfo() + "/RECORD":
			continue
		case m.halves[0].distInfo() + "/RECORD.jws", m.halves[0].distInfo() + "/RECORD.p7s":
			m.warn("%s is dropped: its signature does not cover the merged wheel", name)
			continue
		}
		if err := m.add(name); err != nil {
			return named(name, err)
		}
	}
	if len(m.differing) > 0 {
		return &OptionError{OptionPrefer, fmt.Errorf("not the same in both wheels, and no code that can be joined: %s; look at them, then choose whose to take", phrase.Some(m.differing, 5))}
	}
	return nil
}

// checkFolded refuses names that are one on the file systems of macOS, which by
// default do not tell capitals apart: one file would be installed over the other.
func checkFolded(names []string) error {
	folded := map[string]string{}
	for _, name := range names {
		key := strings.ToLower(name)
		if other, ok := folded[key]; ok {
			return fmt.Errorf("%s and %s differ only in upper and lower case: on macOS they are one file", other, name)
		}
		folded[key] = name
	}
	return nil
}

// add decides about one member and hands it to the writer.
func (m *merger) add(name string) error {
	a, b := m.halves[0].member(name), m.halves[1].member(name)
	switch {
	case b == nil:
		m.takeAlone(m.halves[0], a)
		return nil
	case a == nil:
		m.takeAlone(m.halves[1], b)
		return nil
	case a.IsDir():
		m.take(m.halves[0], a)
		return nil
	}
	same, err := m.sameContent(a, b)
	if err != nil {
		return err
	}
	x, y := m.halves[0].images[name], m.halves[1].images[name]
	switch {
	case same:
		m.result.Equal++
		m.take(m.halves[0], a)
	case x != nil && y != nil:
		return m.join(a, b, x, y)
	case path.Ext(name) == ".a":
		joined, err := m.joinArchives(a, b)
		if err != nil || joined {
			return err
		}
		m.takePreferred(name)
	case strings.HasPrefix(name, m.halves[0].distInfo()+"/sboms/"):
		m.takeBoth(a, b)
	default:
		m.takePreferred(name)
	}
	return nil
}

// takePreferred takes the file of the preferred wheel in the place of two that
// differ, or notes that it has to be said which wheel that is.
func (m *merger) takePreferred(name string) {
	if m.preferred == nil {
		m.differing = append(m.differing, name)
		return
	}
	m.warn("%s differs between the wheels: that of %s is taken", name, m.preferred.name)
	m.take(m.preferred, m.preferred.member(name))
}

// take takes a member over as it is.
func (m *merger) take(h *half, member *wheel.Member) {
	row, _ := h.record.Row(member.Name)
	m.writer.Copy(member, row)
	if f := h.images[member.Name]; f != nil {
		m.need(f.Slices)
	}
}

func (m *merger) takeAlone(h *half, member *wheel.Member) {
	m.take(h, member)
	if !member.IsDir() {
		m.result.Alone = append(m.result.Alone, member.Name)
	}
}

// takeBoth keeps two files under names of their own. Every file in the folder is a
// bill of materials (PEP 770), and each tells of the libraries of one architecture.
func (m *merger) takeBoth(members ...*wheel.Member) {
	for i, member := range members {
		dir, base := path.Split(member.Name)
		stem, ext, _ := strings.Cut(base, ".")
		row, _ := m.halves[i].record.Row(member.Name)
		m.writer.CopyAs(dir+stem+"-"+m.halves[i].arch+"."+ext, member, row)
	}
}

// A donor is a file that gives slices to a joined one.
type donor struct {
	file   *macho.File
	slices []*macho.Slice
}

// join makes a universal file of two. Each wheel gives the code for its own
// architecture, also when a library in it was universal before.
func (m *merger) join(a, b *wheel.Member, x, y *macho.File) error {
	donors := [2]donor{give(x, y, m.halves[1].arch), give(y, x, m.halves[0].arch)}
	joined, err := macho.Merge(&macho.File{Slices: donors[0].slices}, &macho.File{Slices: donors[1].slices})
	if err != nil {
		return err
	}
	m.need(donors[0].slices)
	m.need(donors[1].slices)
	m.donors[a.Name] = donors
	m.result.Joined = append(m.result.Joined, a.Name)
	m.writer.AddEdited(joinedHeader(a, b), joined, a, headOf(runsOf(joined), x))
	return nil
}

// joinArchives makes a universal file of two static archives, if each is for the
// architecture of its wheel.
func (m *merger) joinArchives(a, b *wheel.Member) (bool, error) {
	var archives []*io.SectionReader
	for i, member := range []*wheel.Member{a, b} {
		content, err := m.spool(member)
		if err != nil {
			return false, err
		}
		arch, err := macho.ArchiveArch(content, content.Size())
		switch {
		case errors.As(err, new(*macho.FormatError)) || err == nil && arch.String() != m.halves[i].arch:
			return false, nil
		case err != nil:
			return false, err
		}
		archives = append(archives, io.NewSectionReader(content, 0, content.Size()))
	}
	joined, err := macho.MergeArchives(archives...)
	if err != nil {
		return false, err
	}
	m.result.Joined = append(m.result.Joined, a.Name)
	m.writer.Add(joinedHeader(a, b), joined)
	return true, nil
}

// spool makes the content of a member readable at any place.
func (m *merger) spool(member *wheel.Member) (content *spool.Content, err error) {
	r, err := member.Open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return m.store.Put(r, member.Size)
}

// joinedHeader is that of a file that was made of two.
func joinedHeader(a, b *wheel.Member) wheel.Header {
	h := wheel.Header{Name: a.Name, Mode: a.Mode | b.Mode, Modified: a.Modified}
	if b.Modified.After(h.Modified) {
		h.Modified = b.Modified
	}
	return h
}

// give returns what a file adds to its counterpart in the wheel of the other
// architecture: all slices, but for those of that architecture which the counterpart
// has.
func give(f, counterpart *macho.File, other string) donor {
	d := donor{f, f.Slices}
	if counterpart.Slice(other) != nil {
		d.slices = slices.DeleteFunc(slices.Clone(f.Slices), func(s *macho.Slice) bool { return s.Arch.String() == other })
	}
	return d
}

// headOf picks the runs of a joined file that are the first one as it was, so that
// it need not be compressed again.
func headOf(runs []wheel.Run, first *macho.File) []wheel.Run {
	if first.Fat {
		return nil
	}
	return slices.DeleteFunc(runs, func(r wheel.Run) bool { return r.From+r.Size > first.Size() })
}

// need notes the oldest macOS that the slices run on.
func (m *merger) need(all []*macho.Slice) {
	for _, s := range all {
		arch := s.Arch.String()
		m.needs[arch] = policy.NewestMacOS(m.needs[arch], audit.OldestMacOS(s))
	}
}

// addInfo decides about the platform tag and writes WHEEL. On each architecture
// the tag promises no older macOS than the name of its wheel and its files do.
func (m *merger) addInfo() error {
	oldest := map[string]policy.MacVersion{}
	for _, h := range m.halves {
		oldest[h.arch] = policy.NewestMacOS(h.promised, policy.MacFloor(h.arch), m.needs[h.arch])
	}
	platforms := policy.MacTags(oldest)
	m.result.Platform = platforms[0]
	source := m.halves[0]
	if m.preferred != nil {
		source = m.preferred
	}
	info, err := source.contents.Reader.Info()
	if err != nil {
		return err
	}
	m.output = source.contents.Filename.WithPlatforms(platforms)
	m.result.Output = m.output.String()
	m.tags = tagLines(info.Tags(), platforms, nil)
	info.SetTags(m.tags)
	for _, what := range info.Plain() {
		m.warn("WHEEL is written anew: %s", what)
	}
	if info.RootIsPurelib() {
		info.SetRootIsPurelib(false)
	}
	member := source.member(source.distInfo() + "/WHEEL")
	m.writer.Add(wheel.Header{Name: member.Name, Mode: member.Mode, Modified: member.Modified}, bytes.NewReader(info.Bytes()))
	return nil
}

func (m *merger) warn(format string, args ...any) {
	m.result.Warnings = append(m.result.Warnings, fmt.Sprintf(format, args...))
}
