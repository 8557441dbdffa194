package linkage_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

func TestSymbolicLinksStayInTheSysroot(t *testing.T) {
	runSearches(t, false, []searchCase{
		{"an absolute link begins at the root again",
			world{"m.so x86_64 needed=libx.so.1", `
				lib/libx.so.1 symlink /opt/real/libx.so.1.2
				opt/real/libx.so.1.2 elf x86_64`, linkage.Options{}},
			[]string{"m.so libx.so.1 => /opt/real/libx.so.1.2"}},
		{"a directory that is a link, as on merged-usr systems",
			world{"m.so x86_64 needed=libx.so.1", `
				lib symlink usr/lib
				usr/lib/libx.so.1 elf x86_64`, linkage.Options{}},
			[]string{"m.so libx.so.1 => /usr/lib/libx.so.1"}},
		{"two dots above the root stay at the root",
			world{"m.so x86_64 needed=libx.so.1", `
				lib/libx.so.1 symlink ../../../../../opt/libx.so.1
				opt/libx.so.1 elf x86_64`, linkage.Options{}},
			[]string{"m.so libx.so.1 => /opt/libx.so.1"}},
		{"a link into the host is a link into the sysroot",
			world{"m.so x86_64 needed=libx.so.1", `lib/libx.so.1 symlink /proc/self/exe`, linkage.Options{}},
			[]string{"m.so libx.so.1 => missing"}},
		{"links that lead in a circle",
			world{"m.so x86_64 needed=libx.so.1", `
				lib/libx.so.1 symlink liby.so.1
				lib/liby.so.1 symlink libx.so.1`, linkage.Options{}},
			[]string{"m.so libx.so.1 => missing"}},
		{"two dots behind a link start at its target",
			world{"m.so x86_64 needed=libx.so.1 rpath=/opt/link/../lib", `
				opt/link symlink /far/away
				far/away dir
				far/lib/libx.so.1 elf x86_64
				opt/lib/libx.so.1 elf x86_64`, linkage.Options{}},
			[]string{"m.so libx.so.1 => /far/lib/libx.so.1"}},
		{"$ORIGIN of a library is where its file lies, not its link",
			world{"m.so x86_64 needed=libx.so.1", `
				lib/libx.so.1 symlink /opt/x/libx.so.1
				opt/x/libx.so.1 elf x86_64 needed=liby.so.1 runpath=$ORIGIN
				opt/x/liby.so.1 elf x86_64`, linkage.Options{}},
			[]string{"m.so libx.so.1 => /opt/x/libx.so.1", "/opt/x/libx.so.1 liby.so.1 => /opt/x/liby.so.1"}},
		{"two names of one file are one library",
			world{"m.so x86_64 needed=libx.so,libx.so.1", `
				lib/libx.so symlink libx.so.1
				lib/libx.so.1 symlink libx.so.1.2
				lib/libx.so.1.2 elf x86_64 needed=libz.so`, linkage.Options{}},
			[]string{"m.so libx.so => /lib/libx.so.1.2", "m.so libx.so.1 => /lib/libx.so.1.2", "/lib/libx.so.1.2 libz.so => missing"}},
	})
}

func TestSearchPathOutsideTheSysroot(t *testing.T) {
	outside, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(outside, "libx.so elf x86_64 needed=liby.so\nlibx.so.1 elf x86_64"); err != nil {
		t.Fatal(err)
	}
	g, _ := world{"m.so x86_64 needed=libx.so", "lib/liby.so elf x86_64", linkage.Options{SearchPath: []string{outside}}}.resolve(t)
	if got, want := g.Members[0].Images[0].Needs[0].To.Path, filepath.Join(outside, "libx.so"); got != want {
		t.Errorf("libx.so is %s, want %s", got, want)
	}
	if got := g.System[0].Images[0].Need("liby.so"); got.Status != linkage.Found && g.System[1].Images[0].Need("liby.so").Status != linkage.Found {
		t.Errorf("what a library from outside needs is not found in the sysroot: %+v", got)
	}
}

func TestSysrootErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name string
		opts linkage.Options
		want string
	}{
		{"not there", linkage.Options{Sysroot: file + "x"}, `no such file or directory`},
		{"a file", linkage.Options{Sysroot: file}, "not a directory"},
	} {
		_, err := linkage.Resolve(context.Background(), nil, tt.opts)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
	}
}

func TestCancelledResolve(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := linkage.Resolve(ctx, members(t, "m.so x86_64"), linkage.Options{}); err != context.Canceled && !strings.Contains(err.Error(), "canceled") {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
}
