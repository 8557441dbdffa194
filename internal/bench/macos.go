package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/wheelmend/wheelmend/internal/machotest"
)

// macPrefix marks names of wheels for macOS: those before delocate, in the cache.
const macPrefix = "macos:"

// onceAbove is the size of a wheel, in bytes, that the other tools need minutes for.
const onceAbove = 32 << 20

// macWheel is the job of a wheel for macOS.
func macWheel(opts *options, name string) (job, error) {
	pattern := filepath.Join(opts.cache, "undelocated", strings.TrimPrefix(name, macPrefix)+"-*", "*.whl")
	path, err := oneFile(name, pattern)
	if err != nil {
		return job{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return job{}, err
	}
	title, _, _ := strings.Cut(filepath.Base(path), "-")
	j := job{path, title, []string{stepRepairMacOS}, opts.runs, true}
	if info.Size() > onceAbove {
		j.runs, j.warm = 1, false
	}
	return j, nil
}

// farDylib is what the big dylib loads.
const farDylib = "/opt/lib/libfar.dylib"

// bigDylib generates a library for macOS of the given size. All of it is streamed,
// as for bigWheel.
func bigDylib(ctx context.Context, work string, mib int64) (string, error) {
	path := filepath.Join(work, "libbig.dylib")
	image := machotest.Slice{
		Arch: "arm64", ID: "@rpath/libbig.dylib", MinOS: "11.0", Size: int(mib << 20),
		Loads: []machotest.Load{{Name: farDylib}, {Name: "/usr/lib/libSystem.B.dylib"}},
	}
	err := write(path, func(w io.Writer) error {
		return machotest.Write(w, image, rand.NewChaCha8([32]byte{}))
	})
	if err == nil {
		err = ctx.Err()
	}
	return path, err
}

// hashFile prints what sha256sum does. What it reads goes into the file copied, too,
// and to the disk, if that has a name.
func hashFile(w io.Writer, name, copied string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	hash := func(to io.Writer) error {
		// Without ReadFrom and WriteTo, which choose a small buffer.
		_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{f}, make([]byte, 1<<20))
		return err
	}
	if copied == "" {
		err = hash(sum)
	} else {
		err = write(copied, func(out io.Writer) error {
			if err := hash(io.MultiWriter(sum, out)); err != nil {
				return err
			}
			return out.(*os.File).Sync()
		})
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%x  %s\n", sum.Sum(nil), name)
	return err
}
