package audit

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/faultio"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

// A faultyTree is something that tree looks at, its bytes or its libraries in r.
type faultyTree struct {
	name string
	tree func(r func(io.ReaderAt) io.ReaderAt) (*Tree, error)
}

func faultyTrees(t *testing.T) []faultyTree {
	const elfs = "demo/_core.so elf x86_64 export=PyInit__core needed=libx.so.1,libc.so.6 rpath=$ORIGIN/../lib\nlib/libx.so.1 elf x86_64 soname=libx.so.1 needed=libc.so.6\n"
	const machos = "demo/_core.so macho arch=arm64 type=bundle loads=@loader_path/x.dylib,/usr/lib/libSystem.B.dylib rpaths=/opt signed=adhoc\ndemo/x.dylib macho arch=arm64 id=@rpath/x.dylib signed=adhoc\n"
	wheelOf := func(base, spec string) func(func(io.ReaderAt) io.ReaderAt) (*Tree, error) {
		image, err := wheeltest.Build(base, spec)
		if err != nil {
			t.Fatal(err)
		}
		return func(through func(io.ReaderAt) io.ReaderAt) (*Tree, error) {
			r, err := wheel.NewReader(through(bytes.NewReader(image)), int64(len(image)))
			if err != nil {
				return nil, err
			}
			c, err := Load(t.Context(), base, r, LoadOptions{Jobs: 1})
			if err != nil {
				return nil, err
			}
			s, err := treeOfContents(t.Context(), base, c, TreeOptions{})
			return s, errors.Join(err, c.Close())
		}
	}
	onDisk := func(spec, name string) func(func(io.ReaderAt) io.ReaderAt) (*Tree, error) {
		dir, err := filepath.EvalSymlinks(t.TempDir())
		if err == nil {
			err = wheeltest.WriteLibs(dir, spec)
		}
		if err != nil {
			t.Fatal(err)
		}
		return func(through func(io.ReaderAt) io.ReaderAt) (*Tree, error) {
			opts := TreeOptions{}
			opts.Sysroot, opts.Through = filepath.Join(dir, "root"), through
			return ReadTree(context.Background(), filepath.Join(dir, name), opts)
		}
	}
	const beside = "\nroot/usr/lib/libc.so.6 elf x86_64 soname=libc.so.6\n"
	return []faultyTree{
		{"wheel", wheelOf("demo-1.0-cp312-cp312-linux_x86_64.whl", elfs)},
		{"wheel for macOS", wheelOf("demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", machos)},
		{"library", onDisk(elfs+beside, "demo/_core.so")},
		{"directory", onDisk(elfs+beside, "demo")},
		{"library of macOS", onDisk(machos+beside, "demo/_core.so")},
		{"directory of macOS", onDisk(machos+beside, "demo")},
	}
}

// damages returns what a tree tells of files that cannot be read.
func damages(s *Tree) string {
	var all []string
	for _, d := range s.Damaged {
		all = append(all, d.Path+": "+d.Err.Error())
	}
	return strings.Join(all, "; ")
}

// Whichever read fails, or gives other bytes from then on, of a wheel, of a file or of what
// it loads: tree says so, or its answer is that of a sound disk.
func TestTreeOfAFaultyDisk(t *testing.T) {
	for _, tt := range faultyTrees(t) {
		t.Run(tt.name, func(t *testing.T) {
			want, err := tt.tree(func(r io.ReaderAt) io.ReaderAt { return r })
			if err != nil {
				t.Fatal(err)
			}
			reads, noticed := 0, 0
			check := func(kind faultio.Kind, cause error) {
				faultio.EachOf(kind, func(n int64, d *faultio.Disk) bool {
					got, err := tt.tree(d.Through)
					told := err != nil && strings.Contains(err.Error(), cause.Error()) || err == nil && strings.Contains(damages(got), cause.Error())
					reads++
					switch {
					case told:
						noticed++
					case err != nil && kind == faultio.Changes:
						// Other bytes may be no wheel, or none of its files.
					case err != nil || kind == faultio.Fails && d.Struck():
						t.Errorf("read %d: %v, want %v", n, err, cause)
					case got.Complete() && cmp.Diff(want, got) != "": // else one was another file from the first
						t.Errorf("other bytes from read %d on, no error, and (-want +got):\n%s", n, cmp.Diff(want, got))
					}
					return !t.Failed()
				})
			}
			check(faultio.Fails, faultio.Err)
			check(faultio.Changes, steady.ErrChanged)
			if reads < 5 || noticed < 2 {
				t.Errorf("%d reads, of which %d are noticed: too few to say something", reads, noticed)
			}
		})
	}
}
