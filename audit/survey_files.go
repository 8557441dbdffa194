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
	"github.com/wheelmend/wheelmend/wheel"
)

// SurveyOf finds what a wheel, an ELF file, or the ELF files below a directory
// load. Files are taken as they lie, each as the first of its process; the
// members of a wheel share one, see [linkage]. A library that is not found is
// part of the result, not an error.
func SurveyOf(ctx context.Context, name string, opts linkage.Options, load LoadOptions) (*Survey, error) {
	if IsWheelName(name) {
		return surveyWheel(ctx, name, opts, load)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	loader, err := linkage.NewLoader(opts)
	if err != nil {
		return nil, err
	}
	s := &surveyor{loader: loader, survey: &Survey{Name: name, Kind: SurveyFile}}
	if info.IsDir() {
		s.survey.Kind = SurveyDirectory
		return s.survey, s.directory(ctx, name)
	}
	return s.survey, s.file(name, info)
}

// surveyWheel surveys the members of a wheel, one process for each architecture.
func surveyWheel(ctx context.Context, name string, opts linkage.Options, load LoadOptions) (s *Survey, err error) {
	w, err := wheel.Open(name)
	if err != nil {
		return nil, err
	}
	defer w.Close()
	c, err := Load(ctx, filepath.Base(name), w.Reader, load)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	s = &Survey{Name: name, Kind: SurveyWheel, Foreign: c.foreignTo(ELF)}
	opts.Libc = cmp.Or(string(wheelLibc(c)), linkage.Glibc)
	members := map[string][]linkage.Member{}
	var arches []string
	for _, b := range c.Binaries {
		if !b.loadable() {
			s.Unlinked = append(s.Unlinked, Foreign{b.Member.Name, unlinkedKind(b.File.Type, b.File.Machine)})
			continue
		}
		arch, _ := b.File.Arch()
		if members[arch] == nil {
			arches = append(arches, arch)
		}
		members[arch] = append(members[arch], linkage.Member{Name: b.Member.Name, File: b.File})
	}
	for _, arch := range arches {
		g, err := linkage.Resolve(ctx, members[arch], opts)
		if err != nil {
			return nil, err
		}
		s.Processes = append(s.Processes, newProcess(g))
		if err := g.Close(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// A surveyor surveys files as they lie.
type surveyor struct {
	loader *linkage.Loader
	survey *Survey
}

// errMachO tells that trees of macOS files are left to a later version.
var errMachO = errors.New("a Mach-O file; the libraries of macOS binaries are not covered yet")

// file surveys one file that was named.
func (s *surveyor) file(name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	head, err := readHead(name)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(head, []byte(elfMagic)) {
		return s.load(name)
	}
	switch kind := foreignKind(name, head); kind {
	case "":
		return errors.New("neither a wheel (.whl) nor an ELF file")
	case "Mach-O":
		return errMachO
	default:
		return fmt.Errorf("not an ELF file (%s)", kind)
	}
}

// load surveys one ELF file.
func (s *surveyor) load(name string) error {
	g, err := s.loader.Load(name)
	if err != nil {
		return err
	}
	f := g.Members[0].File
	if !linked(f.Type) {
		s.survey.Unlinked = append(s.survey.Unlinked, Foreign{name, unlinkedKind(f.Type, f.Machine)})
		return nil
	}
	s.survey.Processes = append(s.survey.Processes, newProcess(g))
	return nil
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
		case bytes.HasPrefix(head, []byte(elfMagic)):
			if err := s.load(name); err != nil {
				s.damaged(name, err)
			}
		default:
			kind := foreignKind(name, head)
			if IsWheelName(name) {
				kind = "a wheel; give its own name to see its tree"
			}
			if kind != "" {
				s.survey.Foreign = append(s.survey.Foreign, Foreign{name, kind})
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
