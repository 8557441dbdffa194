package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
)

// TreeOptions tunes a tree. The zero value looks at this machine's libraries.
type TreeOptions struct {
	linkage.Options // where libraries are sought
	Load            LoadOptions
}

// ReadTree finds what a wheel, an ELF, Mach-O or PE file, or such files below a
// directory load. Files are taken as they lie, each as the first of its process;
// the members of a wheel share one, see [linkage]. A library that is not found is
// part of the result, not an error.
func ReadTree(ctx context.Context, name string, opts TreeOptions) (*Tree, error) {
	if isWheelName(name) {
		return readWheelTree(ctx, name, opts)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	loader, err := linkage.NewLoader(opts.Options)
	if err != nil {
		return nil, err
	}
	s := &treeReader{loader: loader, options: opts.Options, tree: &Tree{Name: name, Kind: TreeOfFile}}
	if info.IsDir() {
		s.tree.Kind = TreeOfDirectory
		return s.tree, s.directory(ctx, name)
	}
	return s.tree, s.file(ctx, name, info)
}

// readWheelTree reads the members of a wheel, one process for each architecture
// of ELF and of Mach-O files.
func readWheelTree(ctx context.Context, name string, opts TreeOptions) (s *Tree, err error) {
	c, err := Open(ctx, name, opts.Load)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	return treeOfContents(ctx, name, c, opts)
}

// treeOfContents reads the members of a wheel that has been read.
func treeOfContents(ctx context.Context, name string, c *Contents, opts TreeOptions) (*Tree, error) {
	s := &Tree{Name: name, Kind: TreeOfWheel, Foreign: c.Foreign}
	for _, format := range formats() {
		if err := format.tree(ctx, s, c, opts); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// A treeReader reads the trees of files as they lie.
type treeReader struct {
	loader  *linkage.Loader
	options linkage.Options
	tree    *Tree
}

// file reads one file that was named.
func (s *treeReader) file(ctx context.Context, name string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return errors.New("not a regular file")
	}
	head, err := readHead(name)
	if err != nil {
		return err
	}
	if format := formatByHead(head); format.fileReader != nil {
		return format.load(ctx, s, name)
	}
	if kind := foreignKind(name, head); kind != "" {
		return fmt.Errorf("neither an ELF nor a Mach-O or PE file (%s)", kind)
	}
	return errors.New("neither a wheel (.whl) nor an ELF, Mach-O or PE file")
}

// directory reads the files below a directory, in the order of their paths.
func (s *treeReader) directory(ctx context.Context, dir string) error {
	files, err := s.regularFiles(ctx, dir)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		head, err := readHead(name)
		format := formatByHead(head)
		switch {
		case err != nil:
			s.damaged(name, err)
		case format.fileReader != nil:
			if err := format.load(ctx, s, name); err != nil {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				s.damaged(name, err)
			}
		default:
			kind := foreignKind(name, head)
			if isWheelName(name) {
				kind = "a wheel; give its own name to see its tree"
			}
			if kind != "" {
				s.tree.Foreign = append(s.tree.Foreign, newForeign(name, kind))
			}
		}
	}
	return nil
}

func (s *treeReader) damaged(name string, err error) {
	s.tree.Damaged = append(s.tree.Damaged, Damage{name, err})
}

// regularFiles returns the paths of the regular files below a directory, sorted.
// A symbolic link counts when it leads to a file that is not among them already;
// links to directories are not followed: what they lead to lies elsewhere, or is
// found at its own place.
func (s *treeReader) regularFiles(ctx context.Context, dir string) ([]string, error) {
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
