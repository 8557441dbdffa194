package repair

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/faultio"
	"github.com/wheelmend/wheelmend/internal/steady"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

const (
	faultyLinux = "demo-1.0-cp312-cp312-linux_x86_64.whl"
	faultyIntel = "demo-1.0-cp312-cp312-macosx_11_0_x86_64.whl"
	faultyArm   = "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl"
)

// A faultyUse is something that writes a wheel into dir, of one that is read from r.
type faultyUse struct {
	name, wheel, spec string
	write             func(ctx context.Context, path string, r *wheel.Reader, dir string) (out string, err error)
}

func faultyUses(t *testing.T) []faultyUse {
	const elfs = "demo/__init__.py text \"x = 1\\n\"\ndemo/_core.so elf x86_64 export=PyInit__core needed=libx.so.1,libc.so.6 rpath=/build:$ORIGIN/../lib\nlib/libx.so.1 elf x86_64 soname=libx.so.1 needed=libc.so.6\n"
	macho := func(arch string) string {
		return "demo/__init__.py text \"x = 1\\n\"\ndemo/_core.so macho arch=" + arch + " type=bundle loads=@loader_path/x.dylib rpaths=/build signed=adhoc\ndemo/x.dylib macho arch=" + arch + " id=@rpath/x.dylib signed=adhoc\n"
	}
	other, otherPath := faultyWheel(t, faultyIntel, macho("x86_64"))
	repaired := func(opts Options) func(context.Context, string, *wheel.Reader, string) (string, error) {
		return func(ctx context.Context, path string, r *wheel.Reader, dir string) (string, error) {
			opts.Load.Jobs = 1
			p := NewRepairer(opts)
			result, err := p.read(ctx, filepath.Base(path), r, NewPlan, func(plan *Plan) (*Result, error) { return p.apply(ctx, plan, path, dir) })
			if err = errors.Join(err, p.Close()); err != nil {
				return "", err
			}
			return result.Path, nil
		}
	}
	tag := func(ctx context.Context, path string, r *wheel.Reader, dir string) (string, error) {
		p := NewTagger(TagOptions{Load: audit.LoadOptions{Jobs: 1}})
		result, err := p.repairer.read(ctx, filepath.Base(path), r, p.decide, func(plan *Plan) (*Result, error) { return p.repairer.apply(ctx, plan, path, dir) })
		if err = errors.Join(err, p.Close()); err != nil {
			return "", err
		}
		return result.Path, nil
	}
	joined := func(ctx context.Context, path string, r *wheel.Reader, dir string) (string, error) {
		second, err := wheel.NewReader(bytes.NewReader(other), int64(len(other)))
		if err != nil {
			return "", err
		}
		m, err := merge(ctx, [2]string{path, otherPath}, [2]*wheel.Reader{r, second}, dir, MergeOptions{Load: audit.LoadOptions{Jobs: 1}})
		if err != nil {
			return "", err
		}
		return m.Path, nil
	}
	return []faultyUse{
		{"repair", faultyLinux, elfs, repaired(Options{Strip: true})},
		{"repair for macOS", faultyArm, macho("arm64"), repaired(Options{MacOS: MacOptions{Resign: true}})},
		{"tag", faultyLinux, elfs, tag},
		{"tag for macOS", faultyArm, macho("arm64"), tag},
		{"merge", faultyArm, macho("arm64"), joined},
	}
}

// faultyWheel writes a wheel, and returns its bytes and path.
func faultyWheel(t *testing.T, name, spec string) ([]byte, string) {
	t.Helper()
	image, err := wheeltest.Build(name, spec)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, image, 0o644); err != nil {
		t.Fatal(err)
	}
	return image, path
}

// use returns the wheel that is made of one in r, and refuses what is left after an error.
func (u *faultyUse) use(t *testing.T, path string, r io.ReaderAt, size int64) ([]byte, error) {
	t.Helper()
	dir, err := os.MkdirTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	w, err := wheel.NewReader(r, size)
	if err != nil {
		return nil, err
	}
	out, err := u.write(context.Background(), path, w, dir)
	left, dirErr := os.ReadDir(dir)
	switch {
	case dirErr != nil:
		t.Fatal(dirErr)
	case err != nil && len(left) > 0:
		t.Errorf("%v is left after: %v", left, err)
	case err == nil && len(left) != 1:
		t.Errorf("%v is there, want one wheel", left)
	}
	if err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// Whichever read of a wheel fails, or gives other bytes from then on: there is an error
// that says so and nothing is written, or the result is that of a sound disk.
func TestWheelsFromAFaultyDisk(t *testing.T) {
	for _, u := range faultyUses(t) {
		t.Run(u.name, func(t *testing.T) {
			image, path := faultyWheel(t, u.wheel, u.spec)
			size := int64(len(image))
			want, err := u.use(t, path, bytes.NewReader(image), size)
			if err != nil {
				t.Fatal(err)
			}
			reads, changes := int64(0), 0
			faultio.Each(bytes.NewReader(image), func(n int64, r *faultio.Reader) bool {
				_, err := u.use(t, path, r, size)
				if r.Struck() && !errors.Is(err, faultio.Err) {
					t.Errorf("read %d fails with %v, want %v", n, err, faultio.Err)
				}
				reads = n
				return !t.Failed()
			})
			faultio.EachChange(bytes.NewReader(image), func(n int64, r *faultio.Reader) bool {
				got, err := u.use(t, path, r, size)
				if err == nil && !bytes.Equal(got, want) {
					t.Errorf("other bytes from read %d on, no error, and another wheel", n)
				}
				if err != nil && strings.Contains(err.Error(), steady.ErrChanged.Error()) {
					changes++
				}
				return !t.Failed()
			})
			if reads < 20 || changes < 5 {
				t.Errorf("%d reads, of which %d are noticed when they change: too few to say something", reads, changes)
			}
			t.Logf("%d reads", reads)
		})
	}
}

// The same of the libraries that a repair copies into a wheel, which lie on a disk of their
// own: whichever read of them fails, or gives other bytes from then on.
func TestGraftsFromAFaultyDisk(t *testing.T) {
	for _, tt := range []struct{ name, wheel, spec, system string }{
		{"Linux", faultyLinux, "demo/_core.so elf x86_64 export=PyInit__core needed=libx.so.1,libc.so.6", "usr/lib/libx.so.1 elf x86_64 soname=libx.so.1 needed=liby.so.1,libc.so.6 export=f\nusr/lib/liby.so.1 elf x86_64 soname=liby.so.1 needed=libc.so.6\nusr/lib/libc.so.6 elf x86_64 soname=libc.so.6"},
		{"macOS", faultyArm, "demo/_core.so macho arch=arm64 minos=11.0 type=bundle loads=/opt/libx.dylib signed=adhoc", "opt/libx.dylib macho arch=arm64 minos=11.0 id=/opt/libx.dylib loads=/opt/liby.dylib signed=adhoc\nopt/liby.dylib macho arch=arm64 minos=11.0 id=/opt/liby.dylib signed=adhoc"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, path := faultyWheel(t, tt.wheel, tt.spec)
			system := t.TempDir()
			if err := wheeltest.WriteLibs(system, tt.system); err != nil {
				t.Fatal(err)
			}
			repaired := func(through func(io.ReaderAt) io.ReaderAt) ([]byte, error) {
				opts := Options{NoSBOM: true}
				opts.Load.Jobs = 1
				opts.Audit.Sysroot, opts.Audit.Through = system, through
				dir := t.TempDir()
				p := NewRepairer(opts)
				result, err := p.Repair(t.Context(), path, dir)
				if err = errors.Join(err, p.Close()); err != nil {
					if left, _ := os.ReadDir(dir); len(left) > 0 {
						t.Errorf("%v is left after: %v", left, err)
					}
					return nil, err
				}
				return os.ReadFile(result.Path)
			}
			want, err := repaired(nil)
			if err != nil {
				t.Fatal(err)
			}
			reads, noticed := int64(0), 0
			faultio.EachOf(faultio.Fails, func(n int64, d *faultio.Disk) bool {
				got, err := repaired(d.Through)
				switch {
				case d.Struck() && (err == nil || !strings.Contains(err.Error(), faultio.Err.Error())):
					t.Errorf("read %d fails with %v, want %v", n, err, faultio.Err)
				case !d.Struck() && !bytes.Equal(got, want):
					t.Errorf("%v and another wheel without a fault", err)
				}
				reads = n
				return !t.Failed()
			})
			faultio.EachOf(faultio.Changes, func(n int64, d *faultio.Disk) bool {
				got, err := repaired(d.Through)
				if err == nil && !bytes.Equal(got, want) {
					t.Errorf("other bytes from read %d on, no error, and another wheel", n)
				}
				if err != nil && strings.Contains(err.Error(), steady.ErrChanged.Error()) {
					noticed++
				}
				return !t.Failed()
			})
			if reads < 8 || noticed < 2 {
				t.Errorf("%d reads, %d changes noticed: too few to say something", reads, noticed)
			}
		})
	}
}
