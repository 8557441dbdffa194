package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

const linuxWheel = "demo-1.0-cp312-cp312-linux_x86_64.whl"

// load reads a wheel that is described as for wheeltest.Build.
func load(filename, spec string) (*audit.Contents, error) {
	image, err := wheeltest.Build(filename, spec)
	if err != nil {
		return nil, err
	}
	r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		return nil, err
	}
	return audit.Load(context.Background(), filename, r, audit.LoadOptions{})
}

// assess audits a wheel on a system, both described as for wheeltest. It
// returns the directory of the system too.
func assess(t *testing.T, filename, spec, system string, opts audit.Options) (*audit.Report, string) {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(root, system); err != nil {
		t.Fatal(err)
	}
	opts.Sysroot = root
	c, err := load(filename, spec)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	rep, err := audit.Assess(context.Background(), c, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rep.Close() })
	return rep, root
}

// module returns the line of a wheel with one extension module.
func module(words ...string) string {
	return "demo/_core.so elf x86_64 export=PyInit__core " + strings.Join(words, " ") + "\n"
}

// lib returns the line of a system library.
func lib(name string, words ...string) string {
	return "usr/lib/" + name + " elf x86_64 soname=" + name + " " + strings.Join(words, " ") + "\n"
}

func TestTags(t *testing.T) {
	cxx := func(words ...string) string {
		return module("needed=libstdc++.so.6,libc.so.6 " + strings.Join(words, " "))
	}
	for _, tt := range []struct {
		name, wheel, system string
		tag, repairable     string // without the architecture
	}{
		{"nothing but libc", module("needed=libc.so.6 import=f@GLIBC_2.2.5"), "", "manylinux_2_5", "manylinux_2_5"},
		{"numeric, not lexical", module("needed=libc.so.6 import=f@GLIBC_2.9,g@GLIBC_2.17"), "", "manylinux_2_17", "manylinux_2_17"},
		{"between two policies", module("needed=libc.so.6 import=f@GLIBC_2.18"), "", "manylinux_2_24", "manylinux_2_24"},
		{"several files count together", module("needed=libc.so.6 import=f@GLIBC_2.17") + "demo/_b.so elf x86_64 needed=libc.so.6 import=f@GLIBC_2.28", "", "manylinux_2_28", "manylinux_2_28"},
		{"newer than every policy", module("needed=libc.so.6 import=f@GLIBC_2.99"), "", "linux", "linux"},
		{"private is never portable", module("needed=libc.so.6 import=f@GLIBC_PRIVATE"), "", "linux", "linux"},
		{"packed relocations that no version tells of", module("relr"), "", "manylinux_2_36", "manylinux_2_36"},
		{"packed relocations in a library to be copied in", module("needed=libx.so.1"), lib("libx.so.1", "relr"), "linux", "manylinux_2_36"},
		{"packed relocations", module("needed=libc.so.6 need=libc.so.6:GLIBC_2.2.5+GLIBC_ABI_DT_RELR"), "", "manylinux_2_36", "manylinux_2_36"},
		{"a prefix that no policy knows", module("needed=libc.so.6,libz.so.1 import=f@NEWZ_1.2.99:libz.so.1"), "", "manylinux_2_5", "manylinux_2_5"},
		{"other prefixes count too", cxx("import=f@GLIBCXX_3.4.19:libstdc++.so.6"), "", "manylinux_2_17", "manylinux_2_17"},
		{"versions without a symbol count", cxx("need=libstdc++.so.6:CXXABI_1.3.8"), "", "manylinux_2_24", "manylinux_2_24"},
		{"a library that has to come in", module("needed=libx.so.1,libc.so.6"), lib("libx.so.1", "needed=libc.so.6"), "linux", "manylinux_2_5"},
		{"a library that comes in brings its versions", module("needed=libx.so.1,libc.so.6"), lib("libx.so.1", "needed=libc.so.6 import=f@GLIBC_2.28"), "linux", "manylinux_2_28"},
		{"and those of the libraries behind it", module("needed=libx.so.1"), lib("libx.so.1", "needed=liby.so.1") + lib("liby.so.1", "needed=libc.so.6 import=f@GLIBC_2.34"), "linux", "manylinux_2_34"},
		{"what a promised library needs does not count", module("needed=libz.so.1"), lib("libz.so.1", "needed=libc.so.6,libx.so.1 import=f@GLIBC_2.34"), "manylinux_2_5", "manylinux_2_5"},
		{"a library that is not found", module("needed=libx.so.1"), "", "linux", "linux"},
		{"a promised library that is not found", module("needed=libz.so.1,libc.so.6"), "", "manylinux_2_5", "manylinux_2_5"},
		{"expat is promised since 2_12, so it is not copied for 2_5", module("needed=libexpat.so.1,libc.so.6"), lib("libexpat.so.1"), "manylinux_2_12", "manylinux_2_12"},
		{"with an older tag as dear, the older one", module("needed=libx.so.1,libc.so.6"), lib("libx.so.1"), "linux", "manylinux_2_5"},
		{"an own version of a library that comes in", module("needed=libx.so.1 import=f@GLIBC_9:libx.so.1"), lib("libx.so.1", "export=f@GLIBC_9"), "linux", "manylinux_2_5"},
		{"an own version of a library in the wheel", module("needed=libx-1.so runpath=$ORIGIN import=f@GLIBC_9:libx-1.so") + "demo/libx-1.so elf x86_64 export=f@GLIBC_9", "", "manylinux_2_5", "manylinux_2_5"},
		{"libstdc++ in the wheel, under a name that the system has too",
			cxx("runpath=$ORIGIN import=f@GLIBCXX_3.4.19:libstdc++.so.6") + "demo/libstdc++.so.6 elf x86_64 export=f@GLIBCXX_3.4.19", "", "manylinux_2_17", "manylinux_2_17"},
		{"libstdc++ in the wheel, renamed",
			module("needed=libstdc++-0a.so.6 runpath=$ORIGIN import=f@GLIBCXX_3.4.19:libstdc++-0a.so.6") + "demo/libstdc++-0a.so.6 elf x86_64 export=f@GLIBCXX_3.4.19", "", "manylinux_2_5", "manylinux_2_5"},
		{"libpython can be taken out of a module", module("needed=libpython3.12.so.1.0"), "", "linux", "manylinux_2_5"},
		{"but not out of a program", "demo-1.0.data/scripts/p elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libpython3.12.so.1.0", "", "linux", "linux"},
		{"a binary in purelib", "demo-1.0.data/purelib/demo/_core.so elf x86_64 needed=libc.so.6", "", "linux", "linux"},
		{"a folder called purelib deeper down", "demo/purelib/_core.so elf x86_64 needed=libc.so.6", "", "manylinux_2_5", "manylinux_2_5"},
		{"a Python with fpectl", module("needed=libc.so.6 import=PyFPE_jbuf"), "", "linux", "linux"},
		{"fpectl in a library that is no module", module("needed=libc.so.6") + "demo/libx.so elf x86_64 import=PyFPE_jbuf", "", "manylinux_2_5", "manylinux_2_5"},
		{"a Python 2 with narrow Unicode", "demo/_core.so elf x86_64 export=init_core import=PyUnicodeUCS2_FromObject", "", "linux", "linux"},
		{"a binary for another architecture", module("needed=libc.so.6") + "demo/other.so elf aarch64 needed=libc.so.6", "", "linux", "linux"},
		{"musl's loader in a glibc wheel", module("needed=libc.so.6") + "demo/other.so elf x86_64 needed=libc.musl-x86_64.so.1", "usr/lib/libc.musl-x86_64.so.1 elf x86_64", "linux", "linux"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, _ := assess(t, linuxWheel, tt.wheel, tt.system, audit.Options{})
			got := []string{rep.Tag(), rep.RepairableTag()}
			if diff := cmp.Diff([]string{tt.tag + "_x86_64", tt.repairable + "_x86_64"}, got); diff != "" {
				t.Errorf("tag and repairable tag (-want +got):\n%s\nblockers: %v", diff, rep.Blockers())
			}
		})
	}
}

// reasons renders the blockers of a verdict: "KIND FILE LIBRARY VERSION SYMBOLS".
func reasons(v *audit.Verdict, root string) []string {
	lines := []string{}
	for _, b := range v.Blockers {
		line := fmt.Sprintf("%s %s %s %s %s", b.Kind, strings.TrimPrefix(b.File, root), b.Library, b.Version, strings.Join(b.Symbols, ","))
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return lines
}

func TestBlockersKeepTheirEvidence(t *testing.T) {
	for _, tt := range []struct {
		name, wheel, system, policy string
		want                        []string
	}{
		{"versions, each with its symbols, sorted", module("needed=libc.so.6,libm.so.6 import=b@GLIBC_2.17,a@GLIBC_2.17,c@GLIBC_2.14,d@GLIBC_2.2.5,log@GLIBC_2.29:libm.so.6"), "", "manylinux_2_5_x86_64",
			[]string{"version demo/_core.so libc.so.6 GLIBC_2.17 a,b", "version demo/_core.so libc.so.6 GLIBC_2.14 c", "version demo/_core.so libm.so.6 GLIBC_2.29 log"}},
		{"a looser policy has fewer", module("needed=libc.so.6,libm.so.6 import=b@GLIBC_2.17,a@GLIBC_2.17,log@GLIBC_2.29:libm.so.6"), "", "manylinux_2_17_x86_64",
			[]string{"version demo/_core.so libm.so.6 GLIBC_2.29 log"}},
		{"a library to be copied in, and what it wants", module("needed=libx.so.1"), lib("libx.so.1", "needed=libc.so.6 import=f@GLIBC_2.28"), "manylinux_2_17_x86_64",
			[]string{"library demo/_core.so libx.so.1", "version /usr/lib/libx.so.1 libc.so.6 GLIBC_2.28 f"}},
		{"internals of libz", module("needed=libz.so.1,libc.so.6 import=_tr_init,inflate,deflate_copyright"), "", "manylinux_2_17_x86_64",
			[]string{"symbol demo/_core.so libz.so.1 _tr_init,deflate_copyright"}},
		{"internals of libz that nothing needs libz for", module("needed=libc.so.6 import=_tr_init"), "", "manylinux_2_17_x86_64", []string{}},
		{"a weak reference to an internal", module("needed=libz.so.1 weak=_tr_init"), "", "manylinux_2_17_x86_64", []string{}},
		{"internals of libz in a library that comes in", module("needed=libx.so.1"), lib("libx.so.1", "needed=libz.so.1 import=_tr_init"), "manylinux_2_17_x86_64",
			[]string{"library demo/_core.so libx.so.1", "symbol /usr/lib/libx.so.1 libz.so.1 _tr_init"}},
		{"missing", module("needed=libx.so.1"), "", "manylinux_2_17_x86_64", []string{"missing demo/_core.so libx.so.1"}},
		{"another C library, found or not", module("needed=libc.so.6,libc.musl-x86_64.so.1"), "", "manylinux_2_17_x86_64", []string{"libc demo/_core.so libc.musl-x86_64.so.1"}},
		{"libpython in a module", module("needed=libpython3.12.so.1.0"), "", "manylinux_2_17_x86_64", []string{"library demo/_core.so libpython3.12.so.1.0"}},
		{"two files", module("needed=libx.so.1") + "demo/_b.so elf x86_64 needed=libx.so.1", lib("libx.so.1"), "manylinux_2_17_x86_64",
			[]string{"library demo/_b.so libx.so.1", "library demo/_core.so libx.so.1"}},
		{"another architecture", module("needed=libc.so.6") + "demo/other.so elf aarch64 needed=libx.so", "", "manylinux_2_17_x86_64", []string{"architecture demo/other.so"}},
		{"packed relocations", module("relr"), "", "manylinux_2_35_x86_64", []string{"version demo/_core.so"}},
		{"soft-float ARM", module("needed=libc.so.6") + "demo/other.so elf armv7l flags=0x05000200", "", "manylinux_2_17_x86_64", []string{"architecture demo/other.so"}},
		{"MIPS", module("needed=libc.so.6") + "demo/other.so elf x86_64 machine=8", "", "manylinux_2_17_x86_64", []string{"architecture demo/other.so"}},
		{"x32", module("needed=libc.so.6") + "demo/other.so elf i686 machine=62", "", "manylinux_2_17_x86_64", []string{"architecture demo/other.so"}},
		{"the operating system of another ABI", module("needed=libc.so.6") + "demo/other.so elf x86_64 osabi=9", "", "manylinux_2_17_x86_64", []string{"system demo/other.so"}},
		{"MIPS that nobody imports", module("needed=libc.so.6") + "demo/firmware.bin elf x86_64 machine=8", "", "manylinux_2_17_x86_64", []string{}},
		{"MIPS in the folder of grafts", module("needed=libc.so.6") + "demo.libs/libx.so.1 elf x86_64 machine=8", "", "manylinux_2_17_x86_64", []string{"architecture demo.libs/libx.so.1"}},
		{"GPU code that is called a library", module("needed=libc.so.6") + "demo/kernel.so elf x86_64 machine=190", "", "manylinux_2_17_x86_64", []string{}},
		{"a module without a dynamic table", module("needed=libc.so.6") + "demo/other.abi3.so elf x86_64 nodynamic", "", "manylinux_2_17_x86_64", []string{"image demo/other.abi3.so"}},
		{"a program that is called a module", module("needed=libc.so.6") + "demo/other.so elf x86_64 type=exec", "", "manylinux_2_17_x86_64", []string{"image demo/other.so"}},
		{"a command of another machine", module("needed=libc.so.6") + "demo-1.0.data/scripts/x elf aarch64 type=exec nodynamic", "", "manylinux_2_17_x86_64", []string{"architecture demo-1.0.data/scripts/x"}},
		{"a static program", module("needed=libc.so.6") + "demo/bin/x elf x86_64 type=exec nodynamic", "", "manylinux_2_17_x86_64", []string{}},
		{"text that is called a module", module("needed=libc.so.6") + `demo/other.cpython-312-x86_64-linux-gnu.so text "version https://git-lfs"`, "", "manylinux_2_17_x86_64", []string{"image demo/other.cpython-312-x86_64-linux-gnu.so"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, root := assess(t, linuxWheel, tt.wheel, tt.system, audit.Options{})
			p, err := policy.Lookup(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, reasons(verdictOn(rep, p), root)); diff != "" {
				t.Errorf("blockers of %s (-want +got):\n%s", tt.policy, diff)
			}
		})
	}
}

func TestProcessorLevels(t *testing.T) {
	for _, tt := range []struct {
		name, wheel, system string
		opts                audit.Options
		tag, repairable     string
		blocked             string
	}{
		{"v2 in a member", module("needed=libc.so.6 isa=v2"), "", audit.Options{}, "linux_x86_64", "linux_x86_64", "demo/_core.so"},
		{"v3 in a library of the wheel", module("needed=libc.so.6") + "demo/libx.so elf x86_64 isa=v3", "", audit.Options{}, "linux_x86_64", "linux_x86_64", "demo/libx.so"},
		{"v1 is the baseline", module("needed=libc.so.6 isa=v1"), "", audit.Options{}, "manylinux_2_5_x86_64", "manylinux_2_5_x86_64", ""},
		{"v4 in a library that comes in", module("needed=libx.so.1"), lib("libx.so.1", "isa=v4"), audit.Options{}, "linux_x86_64", "linux_x86_64", "/usr/lib/libx.so.1"},
		{"v3 in a library that stays outside", module("needed=libz.so.1"), lib("libz.so.1", "isa=v3"), audit.Options{}, "manylinux_2_5_x86_64", "manylinux_2_5_x86_64", ""},
		{"v3 in a library that the newer policies promise", module("needed=libexpat.so.1"), lib("libexpat.so.1", "isa=v3"), audit.Options{}, "manylinux_2_12_x86_64", "manylinux_2_12_x86_64", "/usr/lib/libexpat.so.1"},
		{"not checked", module("needed=libc.so.6 isa=v3"), "", audit.Options{IgnoreISA: true}, "manylinux_2_5_x86_64", "manylinux_2_5_x86_64", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, root := assess(t, linuxWheel, tt.wheel, tt.system, tt.opts)
			blocked := ""
			for _, b := range rep.Verdicts[0].Blockers {
				if b.Kind == audit.KindISA {
					blocked = strings.TrimPrefix(b.File, root)
				}
			}
			got := []string{rep.Tag(), rep.RepairableTag(), blocked}
			if diff := cmp.Diff([]string{tt.tag, tt.repairable, tt.blocked}, got); diff != "" {
				t.Errorf("tag, repairable tag, file (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMusl(t *testing.T) {
	muslModule := func(words string) string {
		return "demo/_core.so elf x86_64 export=PyInit__core needed=libc.musl-x86_64.so.1 " + words
	}
	for _, tt := range []struct {
		name, filename, wheel   string
		libc                    policy.Libc
		tag, repairable, policy string // policy: the strictest that was considered
	}{
		{"told by what it needs", linuxWheel, muslModule(""), policy.MUSL, "musllinux_1_2_x86_64", "musllinux_1_2_x86_64", "musllinux_1_2_x86_64"},
		{"1_1 only where the name claims it", "demo-1.0-cp312-cp312-musllinux_1_1_x86_64.whl", muslModule(""), policy.MUSL, "musllinux_1_1_x86_64", "musllinux_1_1_x86_64", "musllinux_1_1_x86_64"},
		{"a claim of 1_1 that a symbol belies", "demo-1.0-cp312-cp312-musllinux_1_1_x86_64.whl", muslModule("import=gettid"), policy.MUSL, "musllinux_1_2_x86_64", "musllinux_1_2_x86_64", "musllinux_1_1_x86_64"},
		{"libc.so, as zig links", linuxWheel, "demo/_core.so elf x86_64 needed=libc.so", policy.MUSL, "musllinux_1_2_x86_64", "musllinux_1_2_x86_64", "musllinux_1_2_x86_64"},
		{"told by the name of the module", linuxWheel, "demo/_core.cpython-312-x86_64-linux-musl.so elf x86_64", policy.MUSL, "musllinux_1_2_x86_64", "musllinux_1_2_x86_64", "musllinux_1_2_x86_64"},
		{"told by the interpreter of a program", linuxWheel, "demo/prog elf x86_64 interp=/lib/ld-musl-x86_64.so.1", policy.MUSL, "musllinux_1_2_x86_64", "musllinux_1_2_x86_64", "musllinux_1_2_x86_64"},
		{"glibc in a musl wheel", "demo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl", module("needed=libc.so.6"), policy.MUSL, "linux_x86_64", "linux_x86_64", "musllinux_1_2_x86_64"},
		{"nothing tells, so glibc serves", linuxWheel, "demo/prog elf x86_64", "", "manylinux_2_5_x86_64", "manylinux_2_5_x86_64", "manylinux_2_5_x86_64"},
		{"a module called gnu before Python 3.11 may be for musl", linuxWheel, "demo/_core.cpython-310-x86_64-linux-gnu.so elf x86_64", "", "manylinux_2_5_x86_64", "manylinux_2_5_x86_64", "manylinux_2_5_x86_64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, _ := assess(t, tt.filename, tt.wheel, "", audit.Options{})
			got := []string{string(rep.Libc), rep.Tag(), rep.RepairableTag(), rep.Verdicts[0].Policy.Tag()}
			if diff := cmp.Diff([]string{string(tt.libc), tt.tag, tt.repairable, tt.policy}, got); diff != "" {
				t.Errorf("libc, tag, repairable tag, strictest policy (-want +got):\n%s\n%v", diff, rep.Blockers())
			}
		})
	}
}

func TestLibrariesAndTheirActions(t *testing.T) {
	const spec = "needed=libx.so.1,libexpat.so.1,libz.so.1,libgone.so.1,libcuda.so.1,libpython3.12.so.1.0,libin.so"
	wheelSpec := module(spec) + "demo/libin.so elf x86_64 needed=libz.so.1"
	system := lib("libx.so.1", "needed=libz.so.1") + lib("libexpat.so.1") + lib("libz.so.1")
	rep, root := assess(t, linuxWheel, wheelSpec, system, audit.Options{Options: linkage.Options{Exclude: []string{"libcuda*"}, Graft: []string{"libz*"}}})
	for _, tt := range []struct {
		policy string
		want   []string
	}{
		{"", []string{
			"libcuda.so.1 excluded  demo/_core.so",
			"libexpat.so.1 graft /usr/lib/libexpat.so.1 demo/_core.so",
			"libgone.so.1 missing  demo/_core.so",
			"libpython3.12.so.1.0 remove  demo/_core.so",
			"libx.so.1 graft /usr/lib/libx.so.1 demo/_core.so",
			"libz.so.1 graft /usr/lib/libz.so.1 demo/_core.so,demo/libin.so",
		}},
		{"manylinux_2_12_x86_64", []string{
			"libcuda.so.1 excluded  demo/_core.so",
			"libexpat.so.1 system /usr/lib/libexpat.so.1 demo/_core.so",
			"libgone.so.1 missing  demo/_core.so",
			"libpython3.12.so.1.0 remove  demo/_core.so",
			"libx.so.1 graft /usr/lib/libx.so.1 demo/_core.so",
			"libz.so.1 graft /usr/lib/libz.so.1 demo/_core.so,demo/libin.so,/usr/lib/libx.so.1",
		}},
	} {
		var v *audit.Verdict
		if tt.policy != "" {
			p, err := policy.Lookup(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			v = verdictOn(rep, p)
		}
		var got []string
		for _, l := range rep.Libraries(v) {
			got = append(got, strings.ReplaceAll(fmt.Sprintf("%s %s %s %s", l.Soname, l.Action, l.Path, strings.Join(l.NeededBy, ",")), root, ""))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("libraries for %q (-want +got):\n%s", tt.policy, diff)
		}
	}
}

func TestVersionedSymbols(t *testing.T) {
	rep, _ := assess(t, linuxWheel,
		module("needed=libc.so.6,libx.so.1,libin.so,libm.so.6 import=f@GLIBC_2.17,g@GLIBC_2.9,x@X_1:libx.so.1,i@I_1:libin.so need=libm.so.6:GLIBC_2.2.5")+"demo/libin.so elf x86_64 export=i@I_1",
		lib("libx.so.1", "export=x@X_1 needed=libc.so.6 import=h@GLIBC_2.14"), audit.Options{})
	want := map[string][]string{"libc.so.6": {"GLIBC_2.9", "GLIBC_2.17"}, "libm.so.6": {"GLIBC_2.2.5"}, "libx.so.1": {"X_1"}}
	if diff := cmp.Diff(want, rep.VersionedSymbols(nil)); diff != "" {
		t.Errorf("as it stands (-want +got):\n%s", diff)
	}
	want = map[string][]string{"libc.so.6": {"GLIBC_2.9", "GLIBC_2.14", "GLIBC_2.17"}, "libm.so.6": {"GLIBC_2.2.5"}}
	if diff := cmp.Diff(want, rep.VersionedSymbols(rep.BestRepairable())); diff != "" {
		t.Errorf("after a repair (-want +got):\n%s", diff)
	}
}

func TestJudgeTakesAnyPolicy(t *testing.T) {
	rep, _ := assess(t, linuxWheel, module("needed=libx.so.1,libc.so.6"), lib("libx.so.1", "needed=libc.so.6")+lib("libc.so.6"), audit.Options{})
	for _, p := range policy.All() {
		if p.Libc == policy.BIONIC {
			if v := rep.Judge(p.Platform()); v.Meets() || v.Repairable() || v.Blockers[0].Kind != audit.KindSystem {
				t.Errorf("%s: %+v, want another system", p.Tag(), v.Blockers)
			}
			continue
		}
		v, ours := rep.Judge(p.Platform()), p.Libc == policy.GLIBC && p.Arch == policy.X86_64
		if v.Policy != p || v.Meets() || v.Repairable() != ours {
			t.Errorf("%s: met %v, repairable %v; want a verdict that says so of glibc's on x86_64 only", p.Tag(), v.Meets(), v.Repairable())
		}
	}
}

// No system newer than that of the limit comes of it, and no library more from outside.
func TestStrictestWithin(t *testing.T) {
	for _, tt := range []struct {
		name, wheel, system string
		limit, want         string // policies, "" for none
	}{
		{"an older system does as well", module("needed=libc.so.6 import=f@GLIBC_2.14"), "", "manylinux_2_28", "manylinux_2_17"},
		{"the limit itself", module("needed=libc.so.6 import=f@GLIBC_2.17"), "", "manylinux_2_17", "manylinux_2_17"},
		{"only a newer one does", module("needed=libc.so.6 import=f@GLIBC_2.28"), "", "manylinux_2_17", ""},
		{"an older one takes a library more", module("needed=libexpat.so.1"), lib("libexpat.so.1"), "manylinux_2_17", "manylinux_2_12"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, _ := assess(t, linuxWheel, tt.wheel, tt.system, audit.Options{})
			p, err := policy.Lookup(tt.limit + "_x86_64")
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if v := rep.StrictestWithin(verdictOn(rep, p)); v != nil {
				got = v.Policy.Name
			}
			if got != tt.want {
				t.Errorf("within %s: %q, want %q", tt.limit, got, tt.want)
			}
		})
	}
}

// verdictOn returns the verdict on a policy, nil if the wheel was not held to it.
func verdictOn(rep *audit.Report, p *policy.Policy) *audit.Verdict {
	i := slices.IndexFunc(rep.Verdicts, func(v audit.Verdict) bool { return v.Policy == p })
	if i < 0 {
		return nil
	}
	return &rep.Verdicts[i]
}
