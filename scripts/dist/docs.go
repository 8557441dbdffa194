package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"
)

// docsFile holds the man pages and the completions of shells.
const docsFile = "wheelmend-docs.tar.gz"

// completions are the shells, and where they look for the completions of a program
// below share.
var completions = []struct{ shell, path string }{
	{"bash", "bash-completion/completions/wheelmend"},
	{"fish", "fish/vendor_completions.d/wheelmend.fish"},
	{"zsh", "zsh/site-functions/_wheelmend"},
}

// docs packs what is made from the commands of the program as a tree to unpack below
// share.
func (b *builder) docs(ctx context.Context, scratch, made string) error {
	share := filepath.Join(scratch, "share")
	if err := b.writeDocs(ctx, scratch, share); err != nil {
		return err
	}
	packed, err := pack(share)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(made, docsFile), packed, 0o644)
}

// writeDocs has a build of the program that nobody gets write its man pages, which the
// others cannot, and the completions.
func (b *builder) writeDocs(ctx context.Context, scratch, share string) error {
	program := filepath.Join(scratch, "docs.exe")
	if err := b.build(ctx, target{runtime.GOOS, runtime.GOARCH}, "release,man", program); err != nil {
		return err
	}
	program, err := filepath.Abs(program)
	if err != nil {
		return err
	}
	man, err := filepath.Abs(filepath.Join(share, "man", "man1"))
	if err != nil {
		return err
	}
	if _, err := output(ctx, b.root, nil, program, "man", man); err != nil {
		return err
	}
	for _, c := range completions {
		text, err := output(ctx, b.root, nil, program, "completion", c.shell)
		if err != nil {
			return err
		}
		path := filepath.Join(share, filepath.FromSlash(c.path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(text+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pack makes an archive of the files of a directory, which depends on their names and
// contents alone.
func pack(dir string) ([]byte, error) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		header := &tar.Header{Name: filepath.ToSlash(name), Mode: 0o644, Size: int64(len(content)), ModTime: time.Unix(0, 0)}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		_, err = w.Write(content)
		return err
	})
	if err != nil {
		return nil, err
	}
	err = errors.Join(w.Close(), z.Close())
	return packed.Bytes(), err
}
