package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
	"github.com/wheelmend/wheelmend/wheel"
)

// SurveyOptions tunes a survey. The zero value looks at this machine's libraries.
type SurveyOptions struct {
	linkage.Options                     // where ld.so looks
	MacOS           linkage.DyldOptions // where dyld looks
	Load            LoadOptions
}

// SurveyOf finds what a wheel, an ELF or Mach-O file, or such files below a
// directory load. Files are taken as they lie, each as the first of its process;
// the members of a wheel share one, see [linkage]. A library that is not found is
// part of the result, not an error.
func SurveyOf(ctx context.Context, name string, opts SurveyOptions) (*Survey, error) {
	if IsWheelName(name) {
		return surveyWheel(ctx, name, opts)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	loader, err := linkage.NewLoader(opts.Options)
	if err != nil {
		return nil, err
	}
	s := &surveyor{loader: loader, macOS: opts.MacOS, survey: &Survey{Name: name, Kind: SurveyFile}}
	if info.IsDir() {
		s.survey.Kind = SurveyDirectory
		return s.survey, s.directory(ctx, name)
	}
	return s.survey, s.file(ctx, name, info)
}

// surveyWheel surveys the members of a wheel, one process for each architecture
// of ELF and of Mach-O files.
func surveyWheel(ctx context.Context, name string, opts SurveyOptions) (s *Survey, err error) {
	w, err := wheel.Open(name)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c, err := Load(ctx, filepath.Base(name), w.Reader, opts.Load)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	s = &Survey{Name: name, Kind: SurveyWheel, Foreign: c.Foreign}
	if err := s.addELF(ctx, c, opts.Options); err != nil {
		return nil, err
	}
	return s, s.addMachO(ctx, c, opts.MacOS)
}

// addELF adds what the ELF files of a wheel load.
func (s *Survey) addELF(ctx context.Context, c *Contents, opts linkage.Options) error {
	opts.Libc = cmp.Or(string(wheelLibc(c)), linkage.Glibc)
	members := map[string][]linkage.Member{}
	var arches []string
	for _, b := range c.of(ELF) {
		if arch, _ := b.ELF().Arch(); arch == "" || !linked(b.ELF()) {
			s.Unlinked = append(s.Unlinked, newForeign(b.Member.Name, unlinkedKind(b.ELF())))
			continue
		}
		arch, _ := b.ELF().Arch()
		if members[arch] == nil {
			arches = append(arches, arch)
		}
		members[arch] = append(members[arch], linkage.Member{Name: b.Member.Name, Content: b.Content})
	}
	for _, arch := range arches {
		g, err := linkage.Resolve(ctx, members[arch], opts)
		if err != nil {
			return err
		}
		s.addProcesses(g, ELF)
		if err := g.Close(); err != nil {
			return err
		}
	}
	return nil
}

// addMachO adds what the Mach-O files of a wheel load.
func (s *Survey) addMachO(ctx context.Context, c *Contents, opts linkage.DyldOptions) error {
	g, err := linkage.ResolveDyld(ctx, membersOf(c.of(MachO)), opts)
	if err != nil {
		return err
	}
	s.addProcesses(g, MachO)
	return g.Close()
}

// A surveyor surveys files as they lie.
type surveyor struct {
	loader *linkage.Loader
	macOS  linkage.DyldOptions
	survey *Survey
}

// file surveys one file that was named.
func (s *surveyor) file(ctx context.Context, name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	head, err := readHead(name)
	if err != nil {
		return err
	}
	if isBinary(head) {
		return s.load(ctx, name, head)
	}
	if kind := foreignKind(name, head); kind != "" {
		return fmt.Errorf("neither an ELF nor a Mach-O file (%s)", kind)
	}
	return errors.New("neither a wheel (.whl) nor an ELF or Mach-O file")
}

// isBinary reports whether a file begins like one that a loader takes.
func isBinary(head []byte) bool {
	return bytes.HasPrefix(head, []byte(elfMagic)) || macho.IsMagic(head)
}

// load surveys one ELF or Mach-O file.
func (s *surveyor) load(ctx context.Context, name string, head []byte) error {
	if macho.IsMagic(head) {
		return s.loadMachO(ctx, name)
	}
	g, err := s.loader.Load(name)
	if err != nil {
		return err
	}
	f := g.Members[0].Images[0].ELF()
	if !linked(f) {
		s.survey.Unlinked = append(s.survey.Unlinked, newForeign(name, unlinkedKind(f)))
		return nil
	}
	s.survey.addProcesses(g, ELF)
	return nil
}

func (s *surveyor) loadMachO(ctx context.Context, name string) error {
	g, err := linkage.LoadDyld(ctx, name, s.macOS)
	if err != nil {
		return err
	}
	if slices := g.Members[0].MachO().Slices; !loadable(slices[0]) {
		s.survey.Unlinked = append(s.survey.Unlinked, newForeign(name, machOKind(slices[0].Type)))
	} else {
		s.survey.addProcesses(g, MachO)
	}
	return g.Close()
}

// directory surveys the files below a directory, in the order of their paths.
func (s *surveyor) directory(ctx context.Context, dir string) error {
	files, err := s.regularFiles(ctx, dir)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		head, err := readHead(name)
		switch {
		case err != nil:
			s.damaged(name, err)
		case isBinary(head):
			if err := s.load(ctx, name, head); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				s.damaged(name, err)
			}
		default:
			kind := foreignKind(name, head)
			if IsWheelName(name) {
				kind = "a wheel; give its own name to see its tree"
			}
			if kind != "" {
				s.survey.Foreign = append(s.survey.Foreign, newForeign(name, kind))
			}
		}
	}
	return nil
}

func (s *surveyor) damaged(name string, err error) {
	s.survey.Damaged = append(s.survey.Damaged, Damage{name, err})
}

// regularFiles returns the paths of the regular files below a directory, sorted.
// A symbolic link counts when it leads to a file that is not among them already;
// links to directories are not followed: what they lead to lies elsewhere, or is
// found at its own place.
func (s *surveyor) regularFiles(ctx context.Context, dir string) ([]string, error) {
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	var files, links []string
	seen := map[string]bool{} // without symbolic links
	err = filepath.WalkDir(top, func(at string, e fs.DirEntry, err error) error {
		if err != nil {
			s.damaged(at, errors.Unwrap(err))
			return nil
		}
		rel, err := filepath.Rel(top, at)
		if err != nil {
			return err
		}
		switch {
		case e.Type().IsRegular():
			files = append(files, filepath.Join(dir, rel))
			seen[at] = true
		case e.Type()&fs.ModeSymlink != 0:
			links = append(links, filepath.Join(dir, rel))
		}
		return ctx.Err()
	})
	for _, link := range links {
		real, err := filepath.EvalSymlinks(link)
		if err != nil || seen[real] {
			continue // a link that leads nowhere is no file
		}
		seen[real] = true
		if info, err := os.Stat(real); err == nil && info.Mode().IsRegular() {
			files = append(files, link)
		}
	}
	slices.Sort(files)
	return files, err
}

// MachOFiles returns the regular files below a directory that dyld could be asked to
// load, sorted. Links are not followed. A damaged one is an error that names it.
func MachOFiles(ctx context.Context, dir string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(at string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return errors.Join(err, ctx.Err())
		}
		takes, err := dyldTakes(at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
		if takes {
			files = append(files, at)
		}
		return ctx.Err()
	})
	return files, err
}

// dyldTakes reports whether a file has a slice that dyld could be asked to load.
func dyldTakes(name string) (bool, error) {
	head, err := readHead(name)
	if err != nil || !macho.IsMagic(head) {
		return false, err
	}
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	file, err := macho.NewFile(f, info.Size())
	if errors.Is(err, macho.ErrNotMachO) || errors.Is(err, macho.ErrArchive) {
		return false, nil
	}
	return err == nil && slices.ContainsFunc(file.Slices, loadable), err
}

// readHead returns the first bytes of a file, by which its format is known.
func readHead(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, errors.Unwrap(err)
	}
	return head[:n], nil
}
