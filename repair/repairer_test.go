package repair_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/wheel"
)

// graftingWheel is one that needs a library and what that needs.
const (
	graftingWheel  = "demo/_core.so elf x86_64 export=PyInit__core needed=libx.so.1,libc.so.6 rpath=/build\ndemo/__init__.py text \"x = 1\"\ndemo/folder dir\n"
	graftedLibrary = "usr/lib/libx.so.1 elf x86_64 soname=libx.so.1 needed=liby.so.1,libc.so.6 bss=5000\nusr/lib/liby.so.1 mode=0400 elf x86_64 needed=libc.so.6 symtab\n"
)

func TestRepairedWheelIsSelfContained(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
	before, err := os.ReadFile(w.wheel)
	if err != nil {
		t.Fatal(err)
	}
	path := w.repair(t, repair.Options{})
	rep := report(t, path)
	if got, want := rep.Tag(), "manylinux_2_5_x86_64"; got != want {
		t.Errorf("tag %s, want %s", got, want)
	}
	for _, o := range linkage.Images(rep.Graph.Members) {
		for _, e := range o.Needs {
			inside := e.Name != "libc.so.6"
			if inside != (e.Status == linkage.Found) || e.Rule.Kind == linkage.ByName {
				t.Errorf("%s needs %s: %v by %q", o.Path, e.Name, e.Status, e.Rule)
			}
		}
	}
	after, err := os.ReadFile(w.wheel)
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the input has changed (%v)", err)
	}
	f, err := wheel.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, m := range f.Members() {
		want := fs.FileMode(0o644)
		switch {
		case m.IsDir():
			continue
		case strings.Contains(m.Name, ".so"):
			want = 0o755
		}
		if m.Mode.Perm() != want {
			t.Errorf("%s has mode %v, want %v", m.Name, m.Mode, want)
		}
	}
}

func TestRepairOfARepairedWheelChangesNothing(t *testing.T) {
	for _, tt := range []struct{ name, wheel, system string }{
		{"with grafts", graftingWheel, graftedLibrary},
		{"with a program that has moved", "demo-1.0.data/scripts/prog elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libx.so.1", graftedLibrary},
		{"with a library of the wheel behind a graft", module("needed=libx.so.1,libin.so.1 runpath=$ORIGIN/lib") + "demo/lib/libin.so.1 elf x86_64", lib("libx.so.1", "needed=libin.so.1")},
		{"with nothing but tags", module(), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linuxWheel, tt.wheel, tt.system)
			first := w.repair(t, repair.Options{})
			w.wheel = first
			plan := w.plan(t, repair.Options{})
			if !plan.NothingToDo() || len(plan.Edits) > 0 {
				t.Errorf("the second plan is %+v, want nothing to do", plan)
			}
			second := w.repair(t, repair.Options{})
			if filepath.Base(first) != filepath.Base(second) {
				t.Errorf("the name becomes %s, want %s", filepath.Base(second), filepath.Base(first))
			}
			sameFile(t, first, second)
		})
	}
}

// sameFile fails unless two files have the same bytes.
func sameFile(t *testing.T, a, b string) {
	t.Helper()
	x, err := os.ReadFile(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := os.ReadFile(b)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x, y) {
		t.Errorf("%s (%d bytes) and %s (%d bytes) differ", a, len(x), b, len(y))
	}
}

func TestSameBytesWithAnyNumberOfJobs(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel+"demo/data.bin bytes 700000\n", graftedLibrary+"usr/lib/other.so elf x86_64 bss=100")
	jobs := func(n int) repair.Options {
		return repair.Options{Load: audit.LoadOptions{Jobs: n, Memory: int64(1 + n%2*1e6)}, Strip: true}
	}
	sameFile(t, w.repair(t, jobs(1)), w.repair(t, jobs(8)))
}

func TestSharedGraftIsTheSameAsAFreshOne(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
	other := w.write(t, "other-2.0-py3-none-linux_x86_64.whl", "other/_m.so elf x86_64 needed=libx.so.1")
	r, shared := w.repairer(t, repair.Options{}), t.TempDir()
	var paths []string
	for _, path := range []string{w.wheel, other} {
		result, err := r.Repair(context.Background(), path, shared)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, result.Path)
	}
	w.wheel = other
	sameFile(t, w.repair(t, repair.Options{}), paths[1])
	if got := contents(t, paths[1]); len(got) != 7 {
		t.Errorf("the second wheel has %d members, want 7", len(got))
	}
}

func TestGraftsOfOneRunAreNotMixedUp(t *testing.T) {
	// Both wheels copy the same file, which finds its own library in the one and
	// one of the wheel in the other, so the copies differ.
	w := newWorld(t, linuxWheel, module("needed=libx.so.1"), lib("libx.so.1", "needed=libin.so.1")+lib("libin.so.1"))
	other := w.write(t, "other-2.0-py3-none-linux_x86_64.whl", "other/_m.so elf x86_64 needed=libx.so.1,libin.so.1 rpath=$ORIGIN\nother/libin.so.1 elf x86_64")
	r, dir := w.repairer(t, repair.Options{}), t.TempDir()
	for _, path := range []string{w.wheel, other} {
		if _, err := r.Repair(context.Background(), path, dir); err != nil {
			t.Error(err)
		}
	}
}

func TestOneFailureDoesNotHinderTheNext(t *testing.T) {
	w := newWorld(t, linuxWheel, module("needed=libgone.so"), graftedLibrary)
	good := w.write(t, "good-1.0-py3-none-linux_x86_64.whl", graftingWheel)
	r, dir := w.repairer(t, repair.Options{}), t.TempDir()
	if _, err := r.Repair(context.Background(), w.wheel, dir); err == nil {
		t.Error("a wheel whose library is missing was repaired")
	}
	if _, err := r.Repair(context.Background(), good, dir); err != nil {
		t.Error(err)
	}
}

func TestOutput(t *testing.T) {
	t.Run("an older output is replaced", func(t *testing.T) {
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		dir := t.TempDir()
		old := filepath.Join(dir, w.plan(t, repair.Options{}).Output)
		if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
		result, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, dir)
		if err != nil || result.Path != old {
			t.Fatalf("got %+v, %v; want %s", result, err, old)
		}
		sameFile(t, old, w.repair(t, repair.Options{}))
	})
	t.Run("the input is never replaced", func(t *testing.T) {
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		_, err := w.repairer(t, repair.Options{KeepTags: true}).Repair(context.Background(), w.wheel, filepath.Join(w.dir, "system", ".."))
		if err == nil || !strings.Contains(err.Error(), "would replace the wheel itself") {
			t.Errorf("got %v, want a refusal", err)
		}
	})
	t.Run("beside the input, under another name", func(t *testing.T) {
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		if _, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, w.dir); err != nil {
			t.Error(err)
		}
	})
	t.Run("a folder that cannot be made", func(t *testing.T) {
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		if _, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, filepath.Join(w.wheel, "out")); err == nil {
			t.Error("got no error for a folder inside a file")
		}
	})
	t.Run("a folder that cannot be written to", func(t *testing.T) {
		if os.Geteuid() == 0 {
			t.Skip("nothing is read-only to root")
		}
		w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		if _, err := w.repairer(t, repair.Options{}).Repair(context.Background(), w.wheel, dir); err == nil {
			t.Error("got no error for a read-only folder")
		}
	})
}

func TestCancelLeavesNothing(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel+"demo/a.so elf x86_64 bss=1", graftedLibrary)
	for _, when := range []string{"at once", "while writing"} {
		ctx, cancel := context.WithCancel(context.Background())
		opts := repair.Options{Progress: func(done, total int64) { cancel() }}
		if when == "at once" {
			cancel()
		}
		dir := t.TempDir()
		if _, err := w.repairer(t, opts).Repair(ctx, w.wheel, dir); err == nil || !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("%s: got %v, want context canceled", when, err)
		}
		if got := folder(t, dir); got != nil {
			t.Errorf("%s: %q were left", when, got)
		}
		cancel()
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
	before := folder(t, w.dir)
	w.plan(t, repair.Options{})
	if diff := cmp.Diff(before, folder(t, w.dir)); diff != "" {
		t.Errorf("files beside the wheel (-before +after):\n%s", diff)
	}
}

func TestPureWheelIsCopied(t *testing.T) {
	const pure = "demo-1.0-py3-none-any.whl"
	w := newWorld(t, pure, `demo.py text "x = 1"`, "")
	path := w.repair(t, repair.Options{AllowPure: true})
	if filepath.Base(path) != pure {
		t.Errorf("it is called %s, want %s", filepath.Base(path), pure)
	}
	sameFile(t, w.wheel, path)
}

func TestTimesOfNewMembers(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
	for _, tt := range []struct {
		name  string
		epoch time.Time
		want  string
	}{
		{"that of WHEEL", time.Time{}, "2020-01-01T00:00:00"},
		{"the epoch that is given", time.Date(2024, 2, 29, 12, 0, 2, 0, time.UTC), "2024-02-29T12:00:02"},
	} {
		f, err := wheel.Open(w.repair(t, repair.Options{Epoch: tt.epoch}))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range f.Members() {
			want := "2020-01-01T00:00:00"
			if strings.HasPrefix(m.Name, "demo.libs/") || strings.Contains(m.Name, "/sboms/") {
				want = tt.want
			}
			if got := m.Modified.Format("2006-01-02T15:04:05"); got != want {
				t.Errorf("%s: %s has the time %s, want %s", tt.name, m.Name, got, want)
			}
		}
		f.Close()
	}
}

func TestLevels(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
	stored, best := w.repair(t, repair.Options{Level: wheel.NoCompression}), w.repair(t, repair.Options{Level: 9})
	f, err := wheel.Open(stored)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, m := range f.Members() {
		if strings.HasPrefix(m.Name, "demo.libs/") && m.Method != wheel.Store {
			t.Errorf("%s has method %d, want it stored", m.Name, m.Method)
		}
	}
	if diff := cmp.Diff(contents(t, best)["demo/_core.so"], contents(t, stored)["demo/_core.so"]); diff != "" {
		t.Errorf("the level changes a member")
	}
}

func TestSBOMNamesNoBuildPath(t *testing.T) {
	w := newWorld(t, linuxWheel, graftingWheel, graftedLibrary)
	path := w.repair(t, repair.Options{Tool: repair.Tool{Name: "wheelmend", Version: "1"}})
	bill := contents(t, path)["demo-1.0.dist-info/sboms/wheelmend.cdx.json"]
	if !strings.Contains(bill, "libx.so.1") || strings.Contains(bill, w.dir) {
		t.Errorf("the bill of materials does not name libx.so.1, or names %s:\n%s", w.dir, bill)
	}
	if got := contents(t, w.repair(t, repair.Options{NoSBOM: true})); got["demo-1.0.dist-info/sboms/wheelmend.cdx.json"] != "" {
		t.Error("there is a bill of materials, though none is wanted")
	}
}

// TestManyWheelsOfOneRun: a run keeps a few finished wheels open and forgets the first of
// them, whose libraries are then made anew.
func TestManyWheelsOfOneRun(t *testing.T) {
	const wheels = 11
	var system strings.Builder
	for i := range wheels {
		system.WriteString(lib(fmt.Sprintf("lib%d.so", i), fmt.Sprintf("bss=%d", 100*i)))
	}
	w := newWorld(t, linuxWheel, module("needed=lib0.so,lib1.so,lib9.so"), system.String())
	r, dir := w.repairer(t, repair.Options{}), t.TempDir()
	for i := range wheels {
		path := w.write(t, fmt.Sprintf("w%d-1.0-py3-none-linux_x86_64.whl", i), fmt.Sprintf("w/_m.so elf x86_64 needed=lib%d.so", i))
		if _, err := r.Repair(context.Background(), path, dir); err != nil {
			t.Fatal(err)
		}
	}
	last, err := r.Repair(context.Background(), w.wheel, dir)
	if err != nil {
		t.Fatal(err)
	}
	sameFile(t, w.repair(t, repair.Options{}), last.Path)
}

// TestDirectoriesHaveNoContent: an entry of a directory that has compressed bytes, which
// stand for nothing, is written without.
func TestDirectoriesHaveNoContent(t *testing.T) {
	w := newWorld(t, linuxWheel, module(), "")
	var archive bytes.Buffer
	out := zip.NewWriter(&archive)
	empty, err := out.CreateRaw(&zip.FileHeader{Name: "demo/empty_", Method: zip.Deflate, CompressedSize64: 2})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.Write([]byte{3, 0}); err != nil { // a deflate stream of no bytes
		t.Fatal(err)
	}
	in, err := zip.OpenReader(w.wheel)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	for _, m := range in.File {
		if err := out.Copy(m); err != nil {
			t.Fatal(err)
		}
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(w.wheel, bytes.ReplaceAll(archive.Bytes(), []byte("empty_"), []byte("empty/")), 0o644); err != nil {
		t.Fatal(err)
	}
	f, err := wheel.Open(w.repair(t, repair.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, ok := f.Lookup("demo/empty/"); !ok || m.CompressedSize != 0 {
		t.Errorf("the directory is %+v, want an entry without bytes", m)
	}
}
