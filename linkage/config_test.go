package linkage_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/linkage"
)

// searched returns the default directories of a system: the places where a
// library that nobody has is sought.
func searched(t *testing.T, arch, system string, opts linkage.Options) []string {
	t.Helper()
	g, root := world{"m.so " + arch + " needed=libnowhere.so", system, opts}.resolve(t)
	var dirs []string
	for _, p := range linkage.Images(g.Members)[0].Images[0].Needs[0].Tried {
		dirs = append(dirs, strings.TrimPrefix(p.Dir, root))
	}
	return dirs
}

func TestLdSoConf(t *testing.T) {
	builtin := []string{"/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib"}
	for _, tt := range []struct {
		name, system string
		want         []string // before the built-in directories
	}{
		{"no configuration", ``, nil},
		{"comments, empty lines, hwcap and relative directories",
			`etc/ld.so.conf text "# /not" "/opt/a # why" "" "hwcap 0 nosegneg" "relative" "  /opt/b  "`, []string{"/opt/a", "/opt/b"}},
		{"a directory is listed once, and cleaned",
			`etc/ld.so.conf text "/opt/a/" "/opt//a" "/opt/b/../a" "/usr/lib64"`, []string{"/opt/a", "/usr/lib64"}},
		{"a directory with a space, and one with the type of its libraries",
			`etc/ld.so.conf text "/opt/my libs" "/opt/old=libc5"`, []string{"/opt/my libs", "/opt/old"}},
		{"includes by pattern, sorted, in their place", `
			etc/ld.so.conf text "/opt/first" "include /etc/ld.so.conf.d/*.conf" "/opt/last"
			etc/ld.so.conf.d/b.conf text "/opt/b"
			etc/ld.so.conf.d/a.conf text "/opt/a"
			etc/ld.so.conf.d/c.off  text "/opt/c"`, []string{"/opt/first", "/opt/a", "/opt/b", "/opt/last"}},
		{"an include is relative to the file that has it, and may name several", `
			etc/ld.so.conf text "include more/x.conf more/y.conf none/*.conf"
			etc/more/x.conf text "/opt/x"
			etc/more/y.conf text "include z.conf"
			etc/more/z.conf text "/opt/z"`, []string{"/opt/x", "/opt/z"}},
		{"a pattern in any element of the path, where only a dot matches a dot", `
			etc/ld.so.conf text "include /etc/*/lib-?.conf"
			etc/a/lib-1.conf  text "/opt/a1"
			etc/b/lib-2.conf  text "/opt/b2"
			etc/b/lib-10.conf text "/opt/b10"
			etc/.c/lib-1.conf text "/opt/c1"
			etc/file text "x"`, []string{"/opt/a1", "/opt/b2"}},
		{"files that include each other", `
			etc/ld.so.conf text "include /etc/ld.so.conf.d/*" "/opt/a"
			etc/ld.so.conf.d/1 text "include /etc/ld.so.conf.d/*" "include /etc/ld.so.conf" "/opt/1"
			etc/ld.so.conf.d/2 text "include 1" "include 2" "/opt/2"`, []string{"/opt/2", "/opt/1", "/opt/a"}},
		{"a configuration behind an absolute link", `
			etc/ld.so.conf symlink /usr/share/conf
			usr/share/conf text "/opt/linked"`, []string{"/opt/linked"}},
		{"a configuration that is a folder", `etc/ld.so.conf dir`, nil},
		{"a bad pattern names nothing", `
			etc/ld.so.conf text "include /etc/[" "/opt/a"`, []string{"/opt/a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := append([]string{}, tt.want...)
			for _, dir := range builtin {
				if !slices.Contains(tt.want, dir) {
					want = append(want, dir)
				}
			}
			if diff := cmp.Diff(want, searched(t, "x86_64", tt.system, linkage.Options{})); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDefaultDirectoriesOfArchitectures(t *testing.T) {
	triplets := map[string]string{
		"x86_64": "x86_64-linux-gnu", "i686": "i386-linux-gnu", "aarch64": "aarch64-linux-gnu",
		"armv7l": "arm-linux-gnueabihf", "ppc64": "powerpc64-linux-gnu", "ppc64le": "powerpc64le-linux-gnu", "s390x": "s390x-linux-gnu",
		"riscv64": "riscv64-linux-gnu", "loongarch64": "loongarch64-linux-gnu",
	}
	for _, arch := range elftest.Arches() {
		got := strings.Join(searched(t, arch, "", linkage.Options{}), " ") + " "
		for _, want := range []string{"/lib/" + triplets[arch] + " ", "/usr/lib/" + triplets[arch] + " ", "/lib ", "/usr/lib "} {
			if !strings.Contains(got, want) {
				t.Errorf("%s is searched in %s, want %s among them", arch, got, want)
			}
		}
		is32 := arch == "i686" || arch == "armv7l"
		if strings.Contains(got, "/lib64 ") == is32 {
			t.Errorf("%s is searched in %s; is it 32-bit: %v", arch, got, is32)
		}
	}
}

func TestMuslPathFile(t *testing.T) {
	musl := linkage.Options{Libc: linkage.Musl}
	builtin := []string{"/lib", "/usr/local/lib", "/usr/lib"}
	for _, tt := range []struct {
		name, arch, system string
		want               []string
	}{
		{"no path file", "x86_64", `etc/ld.so.conf text "/opt/glibc"`, builtin},
		{"newlines and colons", "x86_64", `etc/ld-musl-x86_64.path text "/opt/a:/opt/b" "" "/opt/c"`, []string{"/opt/a", "/opt/b", "/opt/c"}},
		{"the file of another architecture", "aarch64", `etc/ld-musl-x86_64.path text "/opt/a"`, builtin},
		{"musl calls i686 i386", "i686", `etc/ld-musl-i386.path text "/opt/a"`, []string{"/opt/a"}},
		{"musl calls armv7l armhf", "armv7l", `etc/ld-musl-armhf.path text "/opt/a"`, []string{"/opt/a"}},
		{"musl calls ppc64le powerpc64le", "ppc64le", `etc/ld-musl-powerpc64le.path text "/opt/a"`, []string{"/opt/a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, searched(t, tt.arch, tt.system, musl)); diff != "" {
				t.Errorf("directories (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNoDefaultLib(t *testing.T) {
	// elftest does not write DT_FLAGS_1, so a spare entry is made one.
	w := world{"m.so x86_64 needed=libx.so,liby.so,libz.so spare=1", `
		lib/libx.so         elf x86_64
		opt/liby.so         elf x86_64
		usr/lib/deep/libz.so  elf x86_64
		etc/ld.so.conf text "/opt" "/usr/lib/deep"`, linkage.Options{}}
	const x, y, z = "m.so libx.so => ", "m.so liby.so => ", "m.so libz.so => "
	for _, tt := range []struct {
		name string
		libc string
		flag bool
		want []string
	}{
		{"without it", linkage.Glibc, false, []string{x + "/lib/libx.so", y + "/opt/liby.so", z + "/usr/lib/deep/libz.so"}},
		{"what ld.so.conf lists outside the built-in directories still serves", linkage.Glibc, true, []string{x + "missing", y + "/opt/liby.so", z + "missing"}},
		{"musl does not know it", linkage.Musl, true, []string{x + "/lib/libx.so", y + "missing", z + "missing"}},
	} {
		list := members(t, w.wheel)
		if tt.flag {
			list[0].Content = withFlags1(t, list[0].Content.(*elf.File), 0x800)
		}
		w.opts.Libc = tt.libc
		g, root := w.resolveMembers(t, list)
		if diff := cmp.Diff(tt.want, edges(g, root, false)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestMuslAnswersToItsOwnLibraries(t *testing.T) {
	musl := linkage.Options{Libc: linkage.Musl}
	runSearches(t, true, []searchCase{
		{"whatever lies on the search path", world{"m.so x86_64 needed=libc.so,libm.so.6,libmy.so rpath=/opt", `
			opt/libc.so  elf x86_64
			opt/libmy.so elf x86_64
			lib/ld-musl-x86_64.so.1 elf x86_64`, musl},
			[]string{"m.so libc.so => /lib/ld-musl-x86_64.so.1 (part of musl's loader)", "m.so libm.so.6 => /lib/ld-musl-x86_64.so.1 (part of musl's loader)",
				"m.so libmy.so => /opt/libmy.so (DT_RPATH /opt of m.so)"}},
		{"unless there is no musl", world{"m.so x86_64 needed=libc.so", "lib/libc.so elf x86_64", musl}, []string{"m.so libc.so => /lib/libc.so (default directory)"}},
		{"on another architecture", world{"m.so i686 needed=libc.musl-x86.so.1", "lib/ld-musl-i386.so.1 elf i686", musl},
			[]string{"m.so libc.musl-x86.so.1 => /lib/ld-musl-i386.so.1 (part of musl's loader)"}},
	})
}
