package main

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// bigParts is the number of extensions that the bytes of the big wheel are
// spread over.
const bigParts = 4

// bigWheel generates a wheel of the given size. Its extensions carry
// pseudo-random data, which compresses to its own size, and each needs a
// library from outside: every byte has to be hashed and compressed again. All
// of it is streamed, for what this program holds in memory would be counted
// as that of the tools (see spawn).
func bigWheel(ctx context.Context, work string, mib int64) (path string, err error) {
	dir := filepath.Join(work, "big")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	lib, err := farLibrary(ctx, dir)
	if err != nil {
		return "", err
	}
	path = filepath.Join(work, "big-1.0-cp311-cp311-linux_x86_64.whl")
	out, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, out.Close()) }()

	w := &wheelWriter{zip: zip.NewWriter(out)}
	for part := range bigParts {
		file, err := bigPart(ctx, dir, part, mib<<20/bigParts, lib)
		if err != nil {
			return "", err
		}
		if err := w.addFile(fmt.Sprintf("big/part%d.so", part), file); err != nil {
			return "", err
		}
		if err := os.Remove(file); err != nil {
			return "", err
		}
	}
	return path, w.finish("big-1.0.dist-info/")
}

// farLibrary makes the library that the extensions need.
func farLibrary(ctx context.Context, dir string) (string, error) {
	lib := filepath.Join(dir, "libfar.so.1")
	return lib, gcc(ctx, dir, "far.c", "int far_away(void) { return 1; }\n", lib, "-Wl,-soname,libfar.so.1")
}

// bigLibrary generates a library of the given size.
func bigLibrary(ctx context.Context, work string, mib int64) (string, error) {
	dir := filepath.Join(work, "library")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	lib, err := farLibrary(ctx, dir)
	if err != nil {
		return "", err
	}
	return bigPart(ctx, dir, 0, mib<<20, lib)
}

// bigPart makes one extension with size bytes of data.
func bigPart(ctx context.Context, dir string, part int, size int64, lib string) (string, error) {
	blob := filepath.Join(dir, "blob")
	noise := rand.NewChaCha8([32]byte{byte(part)})
	if err := write(blob, func(w io.Writer) error {
		_, err := io.CopyN(w, noise, size)
		return err
	}); err != nil {
		return "", err
	}
	defer os.Remove(blob)
	source := fmt.Sprintf("extern int far_away(void);\nint part%d(void) { return far_away(); }\n"+
		"__asm__(\".data\\n.incbin \\\"%s\\\"\\n.text\");\n", part, blob)
	out := filepath.Join(dir, fmt.Sprintf("part%d.so", part))
	return out, gcc(ctx, dir, "part.c", source, out, lib, "-Wl,-rpath,"+dir)
}

// gcc compiles one source text into a shared library.
func gcc(ctx context.Context, dir, name, source, out string, flags ...string) error {
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(source), 0o644); err != nil {
		return err
	}
	args := append([]string{"-shared", "-fPIC", "-o", out, file}, flags...)
	if text, err := exec.CommandContext(ctx, "gcc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("gcc %s: %w: %s", name, err, strings.TrimSpace(string(text)))
	}
	return nil
}

// wheelWriter writes members and remembers their RECORD rows.
type wheelWriter struct {
	zip    *zip.Writer
	record strings.Builder
}

func (w *wheelWriter) addFile(name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return w.add(name, f)
}

func (w *wheelWriter) add(name string, content io.Reader) error {
	member, err := w.zip.Create(name)
	if err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(member, sum), content)
	if err != nil {
		return err
	}
	fmt.Fprintf(&w.record, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum.Sum(nil)), size)
	return nil
}

// finish adds the dist-info folder and the end of the archive.
func (w *wheelWriter) finish(info string) error {
	for _, m := range [][2]string{
		{"METADATA", "Metadata-Version: 2.1\nName: big\nVersion: 1.0\n"},
		{"WHEEL", "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: false\nTag: cp311-cp311-linux_x86_64\n"},
	} {
		if err := w.add(info+m[0], strings.NewReader(m[1])); err != nil {
			return err
		}
	}
	member, err := w.zip.Create(info + "RECORD")
	if err != nil {
		return err
	}
	if _, err := io.WriteString(member, w.record.String()+info+"RECORD,,\n"); err != nil {
		return err
	}
	return w.zip.Close()
}
