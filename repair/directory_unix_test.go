//go:build unix

package repair_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
)

// treeWith makes a directory with a module whose library lies elsewhere, and a third
// directory that nothing may be written to.
func treeWith(t *testing.T) (dir, outside string, opts repair.DirectoryOptions) {
	t.Helper()
	top := t.TempDir()
	dir, outside = filepath.Join(top, "tree"), filepath.Join(top, "outside")
	err := errors.Join(
		wheeltest.WriteLibs(dir, "pkg/demo.so macho arch=arm64 loads=/opt/libx.dylib\nsub/other.so macho arch=arm64 loads=/opt/libx.dylib"),
		wheeltest.WriteLibs(filepath.Join(top, "root"), "opt/libx.dylib macho arch=arm64 id=/opt/libx.dylib"),
		wheeltest.WriteLibs(outside, "keep text \"kept\"\nother.so macho arch=arm64 loads=/opt/libx.dylib"))
	if err != nil {
		t.Fatal(err)
	}
	return dir, outside, repair.DirectoryOptions{Link: linkage.Options{Sysroot: filepath.Join(top, "root")}}
}

// digestOf spells all files of a directory with their contents.
func digestOf(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	if err := filepath.WalkDir(dir, func(at string, e os.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			data, err := os.ReadFile(at)
			b.WriteString(at + "=" + string(data) + "\n")
			return err
		}
		b.WriteString(at + "\n")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTreeIsNotLeft(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(dir, outside string) error
		want string // in the error, "" for none
	}{
		{"the folder of the libraries is a link out", func(dir, outside string) error {
			return os.Symlink(outside, filepath.Join(dir, ".dylibs"))
		}, "path escapes"},
		{"by dots", func(dir, _ string) error { return os.Symlink("../outside", filepath.Join(dir, ".dylibs")) }, "path escapes"},
		{"it is a link within", func(dir, _ string) error { return os.Symlink("sub", filepath.Join(dir, ".dylibs")) }, ""},
		{"it dangles out", func(dir, outside string) error {
			return os.Symlink(filepath.Join(outside, "none"), filepath.Join(dir, ".dylibs"))
		}, "path escapes"},
		{"a directory is a link out", func(dir, outside string) error {
			return errors.Join(os.RemoveAll(filepath.Join(dir, "sub")), os.Symlink(outside, filepath.Join(dir, "sub")))
		}, ""},
		{"a file is a link out", func(dir, outside string) error {
			at := filepath.Join(dir, "sub/other.so")
			return errors.Join(os.Remove(at), os.Symlink(filepath.Join(outside, "other.so"), at))
		}, ""},
		{"a file is a hard link to one outside", func(dir, outside string) error {
			at := filepath.Join(dir, "sub/other.so")
			return errors.Join(os.Remove(at), os.Link(filepath.Join(outside, "other.so"), at))
		}, ""},
		{"a copy would follow a link", func(dir, outside string) error {
			return errors.Join(os.Mkdir(filepath.Join(dir, ".dylibs"), 0o755), os.Symlink(filepath.Join(outside, "keep"), filepath.Join(dir, ".dylibs/libx.dylib")))
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, outside, opts := treeWith(t)
			if err := tt.make(dir, outside); err != nil {
				t.Fatal(err)
			}
			before := digestOf(t, outside)
			_, err := repair.RepairDirectory(context.Background(), dir, opts)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if after := digestOf(t, outside); after != before {
				t.Errorf("the directory outside is now\n%q\nand was\n%q", after, before)
			}
		})
	}
}

// What a killed run has left goes, and is no file of the directory.
func TestTreeIsSwept(t *testing.T) {
	dir, _, opts := treeWith(t)
	left := filepath.Join(dir, "pkg/.wheelmend-ABCDEFGHIJKLMNOPQRSTUVWXYZ.tmp")
	if err := os.WriteFile(left, []byte("half a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	result, err := repair.RepairDirectory(context.Background(), dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) || len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "a run that was killed left it") {
		t.Errorf("%v; warnings %q", err, result.Warnings)
	}
}

// The modes of files that are edited in place stay.
func TestTreeKeepsModes(t *testing.T) {
	dir, _, opts := treeWith(t)
	name := filepath.Join(dir, "pkg/demo.so")
	if err := os.Chmod(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := repair.RepairDirectory(context.Background(), dir, opts); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
}
