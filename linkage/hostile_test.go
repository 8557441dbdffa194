//go:build unix

package linkage_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

// within fails the test if do takes long: something is waited for.
func within(t *testing.T, limit time.Duration, do func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	select {
	case <-done:
	case <-time.After(limit):
		t.Fatalf("not done within %v", limit)
	}
}

// sysrootBeside makes a sysroot and, beside it, a library of the host.
func sysrootBeside(t *testing.T, system, outside string) (root, top string) {
	t.Helper()
	top = t.TempDir()
	root = filepath.Join(top, "root")
	if err := errors.Join(wheeltest.WriteLibs(root, system), wheeltest.WriteLibs(filepath.Join(top, "host"), outside)); err != nil {
		t.Fatal(err)
	}
	return root, top
}

func TestNothingOfTheHostIsReachedThroughASysroot(t *testing.T) {
	const library = "x/libx.so.1 elf x86_64"
	for _, tt := range []struct{ name, link, at string }{
		{"the library is a link out", "lib/libx.so.1", "@/host/x/libx.so.1"},
		{"by dots", "lib/libx.so.1", "../../host/x/libx.so.1"},
		{"its directory is a link out", "lib", "@/host/x"},
		{"by dots, too", "lib", "../host/x"},
		{"the configuration is a link out", "etc/ld.so.conf", "@/host/conf"},
		{"an include is a link out", "etc/ld.so.conf.d", "@/host/conf.d"},
		{"the top of the sysroot as its own directory", "usr", "../host/usr"},
	} {
		root, top := sysrootBeside(t, `etc/ld.so.conf2 text "include ld.so.conf.d/*"`, library+`
			usr/lib/libx.so.1 elf x86_64
			conf text "/host/x" "/../host/x"
			conf.d/a text "/../host/x"`)
		at := filepath.Join(root, tt.link)
		if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o755), os.Symlink(strings.Replace(tt.at, "@", top, 1), at)); err != nil {
			t.Fatal(err)
		}
		if tt.link == "etc/ld.so.conf.d" {
			if err := os.Rename(filepath.Join(root, "etc/ld.so.conf2"), filepath.Join(root, "etc/ld.so.conf")); err != nil {
				t.Fatal(err)
			}
		}
		g, err := linkage.Resolve(context.Background(), members(t, "m.so x86_64 needed=libx.so.1"), linkage.Options{Sysroot: root})
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if e := g.Members[0].Images[0].Needs[0]; e.Status != linkage.Missing {
			t.Errorf("%s: found %s", tt.name, e.To.Path)
		}
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestNoFIFOIsWaitedFor(t *testing.T) {
	for _, name := range []string{"lib/libx.so.1", "etc/ld.so.conf", "etc/ld.so.conf.d/a.conf", "etc/ld-musl-x86_64.path"} {
		root, _ := sysrootBeside(t, `opt/libx.so.1 elf x86_64`, "")
		at := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(name, "conf.d") {
			if err := os.WriteFile(filepath.Join(root, "etc/ld.so.conf"), []byte("include ld.so.conf.d/*\n"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if err := syscall.Mkfifo(at, 0o644); err != nil {
			t.Skip(err)
		}
		for _, libc := range []string{linkage.Glibc, linkage.Musl} {
			within(t, 5*time.Second, func() {
				g, err := linkage.Resolve(context.Background(), members(t, "m.so x86_64 needed=libx.so.1"), linkage.Options{Sysroot: root, Libc: libc})
				if err != nil {
					t.Errorf("%s: %v", name, err)
				} else if g.Members[0].Images[0].Needs[0].Status != linkage.Missing {
					t.Errorf("%s: found", name)
				}
			})
		}
	}
}

func TestHostileConfigurationEnds(t *testing.T) {
	var many strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&many, "/d%d\n", i)
	}
	for _, tt := range []struct {
		name string
		make func(etc string) error
		want string // in the error, "" for none
	}{
		{"very many directories", func(etc string) error {
			return os.WriteFile(etc+"/ld.so.conf", []byte(many.String()), 0o644)
		}, "more than 4096 directories are listed"},
		{"a directory very many times", func(etc string) error {
			return os.WriteFile(etc+"/ld.so.conf", []byte(strings.Repeat("/a\n", 100_000)), 0o644)
		}, ""},
		{"includes in a circle through links to directories", func(etc string) error {
			err := os.WriteFile(etc+"/ld.so.conf", []byte("/a\ninclude /etc/*/*/*/*/*/*/ld.so.conf\n"), 0o644)
			for i := range 8 {
				err = errors.Join(err, os.Symlink(".", fmt.Sprintf("%s/l%d", etc, i)))
			}
			return err
		}, "matches more than 10000 paths"},
		{"an include of itself through a link", func(etc string) error {
			return errors.Join(os.WriteFile(etc+"/ld.so.conf", []byte("/a\ninclude again/again/ld.so.conf\n"), 0o644), os.Symlink(".", etc+"/again"))
		}, ""},
		{"a file without end", func(etc string) error { return os.Symlink("/dev/zero", etc+"/ld.so.conf") }, ""},
		{"a huge file", func(etc string) error {
			return errors.Join(os.WriteFile(etc+"/ld.so.conf", nil, 0o644), os.Truncate(etc+"/ld.so.conf", 1<<40))
		}, "larger than any real one"},
	} {
		root, _ := sysrootBeside(t, "a/libx.so.1 elf x86_64", "")
		if err := errors.Join(os.MkdirAll(root+"/etc", 0o755), tt.make(root+"/etc")); err != nil {
			t.Fatal(err)
		}
		within(t, 5*time.Second, func() {
			_, err := linkage.Resolve(context.Background(), members(t, "m.so x86_64 needed=libx.so.1"), linkage.Options{Sysroot: root})
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
			}
		})
	}
}

// limitDescriptors lets this process open so many more files, until the test ends.
func limitDescriptors(t *testing.T, more int) {
	t.Helper()
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	limit := before
	limit.Cur = uint64(int(f.Fd()) + more)
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before); err != nil {
			t.Fatal(err)
		}
	})
}

// A full table of descriptors hides libraries, which are not missing for that.
func TestDescriptorsRunOut(t *testing.T) {
	const n = 60
	var needed, system []string
	for i := range n {
		needed = append(needed, fmt.Sprintf("libx%d.so", i))
		system = append(system, fmt.Sprintf("lib/libx%d.so elf x86_64", i))
	}
	root, _ := sysrootBeside(t, strings.Join(system, "\n"), "")
	wheel := members(t, "m.so x86_64 needed="+strings.Join(needed, ","))
	resolve := func() (found int, err error) {
		g, err := linkage.Resolve(context.Background(), wheel, linkage.Options{Sysroot: root})
		if err != nil {
			return 0, err
		}
		defer g.Close()
		for _, e := range linkage.Images(g.Members)[0].Images[0].Needs {
			if e.Status == linkage.Found {
				if _, err := e.To.ELF().ReadAt(make([]byte, 16), 0); err != nil {
					return 0, err
				}
				found++
			}
		}
		return found, nil
	}
	for _, more := range []int{40, 10, 2, 1, 0} {
		t.Run(fmt.Sprintf("%d left", more), func(t *testing.T) {
			limitDescriptors(t, more)
			found, err := resolve()
			switch {
			case more == 40 && (err != nil || found != n):
				t.Errorf("found %d of %d, %v", found, n, err)
			case err == nil && found != n:
				t.Errorf("found %d of %d, and no error", found, n)
			case err != nil && !errors.Is(err, syscall.EMFILE):
				t.Errorf("%v, want %v", err, syscall.EMFILE)
			}
		})
	}
}

func TestWhatMayNotBeReadIsNamed(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may read everything")
	}
	root, _ := sysrootBeside(t, "lib/libx.so.1 elf x86_64", "")
	if err := os.Chmod(filepath.Join(root, "lib"), 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(filepath.Join(root, "lib"), 0o755) })
	g, err := linkage.Resolve(context.Background(), members(t, "m.so x86_64 needed=libx.so.1"), linkage.Options{Sysroot: root})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range linkage.Images(g.Members)[0].Images[0].Needs[0].Tried {
		if p.Dir == filepath.Join(root, "lib") && p.Why == "permission denied" {
			return
		}
	}
	t.Errorf("%+v", g.Members[0].Images[0].Needs[0].Tried)
}

// A library that is written to after it was looked at is not what it was.
func TestALibraryThatChanges(t *testing.T) {
	root, _ := sysrootBeside(t, "lib/libx.so.1 elf x86_64", "")
	g, err := linkage.Resolve(context.Background(), members(t, "m.so x86_64 needed=libx.so.1"), linkage.Options{Sysroot: root})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	at := filepath.Join(root, "lib/libx.so.1")
	data, err := os.ReadFile(at)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(at, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := g.System[0].Images[0].ELF().ReadAt(make([]byte, 16), 0); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
		t.Errorf("got %v", err)
	}
}

// An absolute install name of a library in a sysroot names no file of this machine.
func TestNothingOfTheHostIsReachedThroughAMacOSSysroot(t *testing.T) {
	root, top := sysrootBeside(t, "opt/liba.dylib macho arch=arm64 id=/opt/liba.dylib", "x/libx.dylib macho arch=arm64 id=/x/libx.dylib")
	err := wheeltest.WriteLibs(root, "opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib loads="+top+"/host/x/libx.dylib,/opt/libc.dylib")
	if err == nil {
		err = os.Symlink(filepath.Join(top, "host/x/libx.dylib"), filepath.Join(root, "opt/libc.dylib"))
	}
	if err != nil {
		t.Fatal(err)
	}
	g, err := linkage.LoadDyld(context.Background(), filepath.Join(root, "opt/libb.dylib"), linkage.Options{Sysroot: root})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	for _, e := range linkage.Images(g.Members)[0].Images[0].Needs {
		if e.Status != linkage.Missing {
			t.Errorf("%s is found: %s", e.Name, e.To.File.Path)
		}
	}
}
