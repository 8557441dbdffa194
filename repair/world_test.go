package repair_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/wheel"
)

const linuxWheel = "demo-1.0-cp312-cp312-linux_x86_64.whl"

// A world is a wheel on disk and the system that its libraries come from.
type world struct {
	dir, system, wheel string
}

// newWorld writes a wheel and a system, described as for wheeltest.
func newWorld(t *testing.T, filename, wheelSpec, systemSpec string) *world {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{dir: dir, system: filepath.Join(dir, "system")}
	if err := wheeltest.WriteLibs(w.system, systemSpec); err != nil {
		t.Fatal(err)
	}
	w.wheel = w.write(t, filename, wheelSpec)
	return w
}

// write adds a wheel to the world and returns its path.
func (w *world) write(t *testing.T, filename, spec string) string {
	t.Helper()
	image, err := wheeltest.Build(filename, spec)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(w.dir, filename)
	if err := os.WriteFile(path, image, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// repairer returns one for the libraries of the world.
func (w *world) repairer(t *testing.T, opts repair.Options) *repair.Repairer {
	t.Helper()
	opts.Audit.Sysroot = w.system
	r := repair.NewRepairer(opts)
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// plan decides about the wheel of the world.
func (w *world) plan(t *testing.T, opts repair.Options) *repair.Plan {
	t.Helper()
	result, err := w.repairer(t, opts).Plan(context.Background(), w.wheel)
	if err != nil {
		t.Fatal(err)
	}
	return result.Plan
}

// repair repairs the wheel of the world into a new folder, and returns the path
// of the result.
func (w *world) repair(t *testing.T, opts repair.Options) string {
	t.Helper()
	result, err := w.repairer(t, opts).Repair(context.Background(), w.wheel, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return result.Path
}

// contents reads the members of a wheel.
func contents(t *testing.T, path string) map[string]string {
	t.Helper()
	f, err := wheel.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all := map[string]string{}
	for _, m := range f.Members() {
		r, err := m.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		r.Close()
		all[m.Name] = string(b)
	}
	return all
}

// report audits a finished wheel without any library from outside.
func report(t *testing.T, path string) *audit.Report {
	t.Helper()
	image, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := audit.Load(context.Background(), filepath.Base(path), r, audit.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	rep, err := audit.Assess(context.Background(), c, audit.Options{Options: linkage.Options{UseLDPaths: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rep.Close() })
	return rep
}

// module returns the line of a wheel with one extension module.
func module(words ...string) string {
	return "demo/_core.so elf x86_64 export=PyInit__core needed=libc.so.6 " + strings.Join(words, " ") + "\n"
}

// lib returns the line of a system library.
func lib(name string, words ...string) string {
	return "usr/lib/" + name + " elf x86_64 soname=" + name + " needed=libc.so.6 " + strings.Join(words, " ") + "\n"
}

// folder lists what lies in a directory.
func folder(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
