package repair_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/policy/lower"
	"github.com/wheelmend/wheelmend/repair"
)

// TestPlans holds whole plans to golden files, so that a change of a name or of
// a search path is seen. Each of them is then carried out, which reads the
// result back.
func TestPlans(t *testing.T) {
	for _, tt := range []struct {
		name, filename, wheel, system string
		opts                          repair.Options
	}{
		{"nested_package", linuxWheel, "demo/a/b/_core.so elf x86_64 needed=libx.so.1,libc.so.6",
			lib("libx.so.1"), repair.Options{}},
		{"top_level_module", linuxWheel, "_core.so elf x86_64 needed=libx.so.1,libc.so.6",
			lib("libx.so.1"), repair.Options{}},
		{"data_folders", linuxWheel, `
			demo-1.0.data/platlib/demo/_core.so elf x86_64 needed=libx.so.1
			demo-1.0.data/data/lib/demo/plugin.so elf x86_64 needed=libx.so.1`,
			lib("libx.so.1"), repair.Options{}},
		{"names_of_grafts", linuxWheel, module("needed=libx.so.1,liby.so,libz-1.2.so.3,odd"),
			"usr/lib/libx.so.1 symlink libx.so.1.2.3\n" + strings.Replace(lib("libx.so.1"), "libx.so.1", "libx.so.1.2.3", 1) + lib("liby.so") + lib("libz-1.2.so.3") + "usr/lib/odd elf x86_64", repair.Options{}},
		{"search_path_entries", linuxWheel, module("needed=libx.so.1 runpath=/build/lib:$ORIGIN/lib:${ORIGIN}/../other:$ORIGIN/../../../lib:$ORIGIN/../../../../share/x:$ORIGIN/lib:relative:$ORIGIN/$LIB") +
			"demo/lib/libin.so elf x86_64 rpath=/build\ndemo/clean.so elf x86_64 rpath=$ORIGIN\ndemo/own.so elf x86_64 runpath=/build:$ORIGIN/lib\ndemo-1.0.data/data/share/x/y/z.txt text",
			lib("libx.so.1"), repair.Options{}},
		{"closure_with_a_cycle", linuxWheel, module("needed=liba.so.1"),
			lib("liba.so.1", "needed=libb.so.1 rpath=/build") + lib("libb.so.1", "needed=liba.so.1,libc.so.1") + lib("libc.so.1", "needed=liba.so.1"), repair.Options{}},
		{"graft_needs_a_library_of_the_wheel", linuxWheel, module("needed=libx.so.1,libin.so.1 rpath=$ORIGIN/lib") + "demo/lib/libin.so.1 elf x86_64 soname=libin.so.1",
			lib("libx.so.1", "needed=libin.so.1"), repair.Options{}},
		{"one_soname_two_files", linuxWheel, "demo/_a.so elf x86_64 needed=libx.so.1 rpath=/opt/a\ndemo/_b.so elf x86_64 needed=libx.so.1 rpath=/opt/b",
			"opt/a/libx.so.1 elf x86_64 soname=libx.so.1 export=a\nopt/b/libx.so.1 elf x86_64 soname=libx.so.1 export=b", repair.Options{}},
		{"one_content_two_files", linuxWheel, "demo/_a.so elf x86_64 needed=libx.so.1 rpath=/opt/a\ndemo/_b.so elf x86_64 needed=libx.so.1 rpath=/opt/b",
			"opt/a/libx.so.1 elf x86_64 soname=libx.so.1\nopt/b/libx.so.1 elf x86_64 soname=libx.so.1", repair.Options{}},
		{"two_names_of_one_file", linuxWheel, module("needed=libx.so,libx.so.1"),
			"usr/lib/libx.so symlink libx.so.1\n" + lib("libx.so.1"), repair.Options{}},
		{"versions_wanted_by_soname", linuxWheel, module("needed=libx.so import=f@V1:libx.so.1"),
			"usr/lib/libx.so symlink libx.so.1\n" + lib("libx.so.1", "export=f@V1"), repair.Options{}},
		{"script_stays", linuxWheel, "demo-1.0.data/scripts/prog elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libx.so.1,libin.so rpath=$ORIGIN/../lib/demo:/build\ndemo-1.0.data/data/lib/demo/libin.so elf x86_64\ndemo-1.0.data/scripts/static elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libc.so.6",
			lib("libx.so.1"), repair.Options{}},
		{"needed_by_path", linuxWheel, module("needed=/opt/x/libx.so"),
			"opt/x/libx.so elf x86_64", repair.Options{}},
		{"libpython_and_signatures", "demo-1.0-7-cp311.cp312-abi3-linux_x86_64.whl", module("needed=libpython3.12.so.1.0") + "demo-1.0.dist-info/RECORD.jws text \"{}\"\ndemo/x.dll raw \"MZ\"",
			"", repair.Options{}},
		{"promised_library_grafted_by_choice", linuxWheel, module("needed=libstdc++.so.6 import=f@GLIBCXX_3.4.19:libstdc++.so.6"),
			lib("libstdc++.so.6", "export=f@GLIBCXX_3.4.19"), repair.Options{Audit: audit.Options{Options: linkage.Options{Graft: []string{"libstdc++*"}}}}},
		{"suffix_strip_no_sbom_keep_tags", linuxWheel, module("needed=libx.so.1 symtab"),
			lib("libx.so.1", "symtab"), repair.Options{LibSuffix: "/.libs", Strip: true, NoSBOM: true, KeepTags: true}},
		{"excluded_by_path_and_by_name", linuxWheel, module("needed=libx.so.1,liby.so.1,libw.so.1 rpath=/opt"),
			"opt/libx.so.1 elf x86_64\n" + lib("liby.so.1") + lib("libw.so.1", "needed=libv.so.1"), repair.Options{Audit: audit.Options{Options: linkage.Options{Exclude: []string{"*/opt/*", "liby.so.1", "libv*"}}}}},
		{"lowered_to_the_policy_asked_for", linuxWheel, module("needed=libx.so.1,libm.so.6,libc.so.6 import=pthread_create@GLIBC_2.34:libc.so.6,stat@GLIBC_2.33:libc.so.6,sysconf@GLIBC_2.2.5:libc.so.6,free@GLIBC_2.2.5:libc.so.6,pow@GLIBC_2.29:libm.so.6,__isoc23_strtol@GLIBC_2.38:libc.so.6 weak=new_thing@GLIBC_2.40:libc.so.6") + "demo/old.so elf x86_64 needed=libc.so.6 import=sysconf@GLIBC_2.2.5:libc.so.6",
			lib("libx.so.1", "needed=libc.so.6 import=getrandom@GLIBC_2.25:libc.so.6,dlopen@GLIBC_2.34:libc.so.6"), repair.Options{Lower: true, Platform: "manylinux_2_17_x86_64"}},
		{"lowered_to_the_floor", linuxWheel, module("needed=libc.so.6 relr markplt import=pthread_create@GLIBC_2.34:libc.so.6 need=libc.so.6:GLIBC_ABI_DT_RELR"),
			"", repair.Options{Lower: true}},
		{"nothing_to_lower", linuxWheel, module("needed=libc.so.6 import=free@GLIBC_2.2.5:libc.so.6"), "", repair.Options{Lower: true}},
		{"lowered_as_far_as_it_goes", linuxWheel, module("needed=libc.so.6,libm.so.6 import=pthread_create@GLIBC_2.34:libc.so.6,fmaximum@GLIBC_2.35:libm.so.6,strlcpy@GLIBC_2.38:libc.so.6"), "", repair.Options{Lower: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.filename, tt.wheel, tt.system)
			text, err := json.MarshalIndent(w.plan(t, tt.opts), "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden(t, tt.name+".json", withoutCompat(t, string(bytes.ReplaceAll(text, []byte(w.system), []byte("SYSTEM"))))+"\n")
			w.repair(t, tt.opts)
		})
	}
}

// withoutCompat leaves the digests of the compatibility libraries out of a text: they are
// others with each change of their sources.
func withoutCompat(t *testing.T, text string) string {
	t.Helper()
	for soname, word := range map[string]string{"libwheelmend_compat.so": "COMPAT", "libwheelmend_compat_cxx.so": "COMPATCXX"} {
		library, ok := lower.For(policy.X86_64).Library(soname)
		if !ok {
			t.Fatalf("there is no %s", soname)
		}
		digest := fmt.Sprintf("%x", sha256.Sum256(library.Content))
		text = strings.ReplaceAll(strings.ReplaceAll(text, digest, word), digest[:8], word)
	}
	return text
}

func TestTagsOfThePlan(t *testing.T) {
	old, newer := module("import=f@GLIBC_2.5"), module("import=f@GLIBC_2.28")
	for _, tt := range []struct {
		name, filename, wheel string
		opts                  repair.Options
		output                string // without name and version
		tags                  []string
	}{
		{"alias of the policy", linuxWheel, old, repair.Options{},
			"cp312-cp312-manylinux1_x86_64.manylinux_2_5_x86_64", []string{"cp312-cp312-manylinux_2_5_x86_64", "cp312-cp312-manylinux1_x86_64"}},
		{"build number and compressed tags", "demo-1.0-3-cp311.cp312-abi3.none-linux_x86_64.whl", newer, repair.Options{},
			"3-cp311.cp312-abi3.none-manylinux_2_28_x86_64", []string{"cp311-abi3-manylinux_2_28_x86_64", "cp311-none-manylinux_2_28_x86_64", "cp312-abi3-manylinux_2_28_x86_64", "cp312-none-manylinux_2_28_x86_64"}},
		{"tags of newer systems stay, and go first", "demo-1.0-cp312-cp312-manylinux_2_34_x86_64.whl", newer, repair.Options{},
			"cp312-cp312-manylinux_2_28_x86_64.manylinux_2_34_x86_64", []string{"cp312-cp312-manylinux_2_34_x86_64", "cp312-cp312-manylinux_2_28_x86_64"}},
		{"a tag that the wheel does not meet goes", "demo-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64.whl", newer, repair.Options{},
			"cp312-cp312-manylinux_2_28_x86_64", []string{"cp312-cp312-manylinux_2_28_x86_64"}},
		{"so does one between two policies", "demo-1.0-cp312-cp312-manylinux_2_20_x86_64.whl", newer, repair.Options{},
			"cp312-cp312-manylinux_2_28_x86_64", []string{"cp312-cp312-manylinux_2_28_x86_64"}},
		{"unless it is true", "demo-1.0-cp312-cp312-manylinux_2_29_x86_64.whl", newer, repair.Options{},
			"cp312-cp312-manylinux_2_28_x86_64.manylinux_2_29_x86_64", []string{"cp312-cp312-manylinux_2_29_x86_64", "cp312-cp312-manylinux_2_28_x86_64"}},
		{"any goes", "demo-1.0-py3-none-any.whl", old, repair.Options{},
			"py3-none-manylinux1_x86_64.manylinux_2_5_x86_64", []string{"py3-none-manylinux_2_5_x86_64", "py3-none-manylinux1_x86_64"}},
		{"a newer system is asked for, the older is met as well", linuxWheel, old, repair.Options{Platform: "manylinux_2_28_x86_64"},
			"cp312-cp312-manylinux1_x86_64.manylinux_2_28_x86_64.manylinux_2_5_x86_64",
			[]string{"cp312-cp312-manylinux_2_5_x86_64", "cp312-cp312-manylinux1_x86_64", "cp312-cp312-manylinux_2_28_x86_64"}},
		{"only the newer one", linuxWheel, old, repair.Options{Platform: "manylinux_2_28_x86_64", OnlyPlat: true},
			"cp312-cp312-manylinux_2_28_x86_64", []string{"cp312-cp312-manylinux_2_28_x86_64"}},
		{"without its architecture, by its alias", linuxWheel, old, repair.Options{Platform: "manylinux2014", OnlyPlat: true},
			"cp312-cp312-manylinux2014_x86_64.manylinux_2_17_x86_64", []string{"cp312-cp312-manylinux_2_17_x86_64", "cp312-cp312-manylinux2014_x86_64"}},
		{"kept", linuxWheel, old, repair.Options{KeepTags: true}, "cp312-cp312-linux_x86_64", []string{"cp312-cp312-linux_x86_64"}},
		{"static programs serve both C libraries", "demo-1.0-py3-none-manylinux_2_5_x86_64.musllinux_1_2_x86_64.whl", "demo/prog elf x86_64 type=exec", repair.Options{},
			"py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.musllinux_1_2_x86_64",
			[]string{"py3-none-manylinux_2_5_x86_64", "py3-none-musllinux_1_2_x86_64", "py3-none-manylinux1_x86_64"}},
		{"one C library of two is too old", "demo-1.0-py3-none-manylinux_2_36_x86_64.musllinux_1_1_x86_64.whl", "demo/prog elf x86_64 type=exec relr", repair.Options{},
			"py3-none-manylinux_2_36_x86_64", []string{"py3-none-manylinux_2_36_x86_64"}},
		{"a file name and Tag lines that disagree", "demo-1.0-cp312-cp312-manylinux_2_34_x86_64.whl",
			newer + "demo-1.0.dist-info/WHEEL text \"Wheel-Version: 1.0\" \"Root-Is-Purelib: false\" \"Tag: cp312-cp312-linux_x86_64\" \"Tag: cp312-cp312-manylinux_2_35_x86_64\"", repair.Options{},
			"cp312-cp312-manylinux_2_28_x86_64.manylinux_2_34_x86_64", []string{"cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-manylinux_2_34_x86_64"}},
		{"a claim of the other C library goes", "demo-1.0-py3-none-manylinux_2_5_x86_64.musllinux_1_2_x86_64.whl", old, repair.Options{},
			"py3-none-manylinux1_x86_64.manylinux_2_5_x86_64", []string{"py3-none-manylinux_2_5_x86_64", "py3-none-manylinux1_x86_64"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.filename, tt.wheel, lib("libc.so.6"))
			p := w.plan(t, tt.opts)
			got := strings.TrimSuffix(strings.TrimPrefix(p.Output, "demo-1.0-"), ".whl")
			if got != tt.output {
				t.Errorf("output\n got %s\nwant %s", got, tt.output)
			}
			if diff := cmp.Diff(tt.tags, p.Tags); diff != "" {
				t.Errorf("Tag lines (-want +got):\n%s", diff)
			}
			w.repair(t, tt.opts)
		})
	}
}

// Three reasons are told, and how many more there are.
func TestReasonsAreCounted(t *testing.T) {
	e := &repair.UnmetError{}
	for n, want := range []string{
		"cannot be repaired: a: no", "cannot be repaired: a: no; a: no", "cannot be repaired: a: no; a: no; a: no",
		"cannot be repaired: a: no; a: no; a: no; and 1 more",
		"cannot be repaired: a: no; a: no; a: no; and 2 more",
	} {
		e.Blockers = append(e.Blockers, audit.Blocker{File: "a", Reason: "no"})
		if got := e.Error(); got != want {
			t.Errorf("%d reasons: %q, want %q", n+1, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, tt := range []struct {
		name, filename, wheel string
		opts                  repair.Options
		want                  string
	}{
		{"pure", "demo-1.0-py3-none-any.whl", `demo.py text "x = 1"`, repair.Options{}, "a pure wheel"},
		{"macOS, with a tag of Linux", macWheel, "demo.so macho arch=arm64", repair.Options{Platform: "manylinux_2_28_x86_64"}, "its tag comes from its files"},
		{"macOS, stripped", macWheel, "demo.so macho arch=arm64", repair.Options{Strip: true}, "its files cannot be stripped"},
		{"macOS, a library that is not there", macWheel, "demo.so macho arch=arm64 loads=/gone/b.dylib", repair.Options{}, "demo.so: /gone/b.dylib was not found; searched "},
		{"macOS, a thin file", "demo-1.0-cp312-cp312-macosx_11_0_universal2.whl", "demo.so macho arch=arm64", repair.Options{}, "demo.so: it has no slice for x86_64, only for arm64; build it for arm64 and x86_64"},
		{"macOS, a target that is too old", macWheel, "demo.so macho arch=arm64 minos=12.3", repair.Options{Audit: audit.Options{MacOS: audit.MacOptions{Target: policy.MacVersion{Major: 12}}}}, "demo.so needs macOS 12.3 on arm64, the target is 12.0"},
		{"macOS, a folder that is none", macWheel, "demo.so macho arch=arm64", repair.Options{LibSuffix: "/../../x"}, "no folder for libraries"},
		{"missing", linuxWheel, module("needed=libx.so.1"), repair.Options{}, "cannot be repaired to manylinux_2_41_x86_64: demo/_core.so: libx.so.1 was not found; searched"},
		{"too new for what is asked", linuxWheel, module("import=f@GLIBC_2.28,g@GLIBC_2.27"), repair.Options{Platform: "manylinux_2_17_x86_64"},
			"cannot be repaired to manylinux_2_17_x86_64: demo/_core.so: GLIBC_2.28 is newer than manylinux_2_17 promises (f); demo/_core.so: GLIBC_2.27 is newer than manylinux_2_17 promises (g); it can become manylinux_2_28_x86_64"},
		{"another architecture", linuxWheel, module(), repair.Options{Platform: "manylinux_2_17_aarch64"}, "the wheel is for x86_64, it cannot be repaired to manylinux_2_17_aarch64"},
		{"another C library", linuxWheel, module(), repair.Options{Platform: "musllinux_1_2_x86_64"}, "the wheel is for glibc, it cannot be repaired to musllinux_1_2_x86_64"},
		{"no such tag", linuxWheel, module(), repair.Options{Platform: "manylinux_9_9_x86_64"}, "manylinux_9_9_x86_64"},
		{"an architecture without policies", "demo-1.0-cp312-cp312-linux_vax.whl", "demo.so elf armv7l", repair.Options{}, "no platform tag is known for its binaries (vax"},
		{"a folder outside the wheel", linuxWheel, module(), repair.Options{LibSuffix: "/../../x"}, `library folder suffix "/../../x"`},
		{"a folder with a dot in the path", linuxWheel, module(), repair.Options{LibSuffix: "/./libs"}, "library folder suffix"},
		{"a folder that ends a search path entry", linuxWheel, module(), repair.Options{LibSuffix: ":x"}, "library folder suffix"},
		{"a folder that is installed elsewhere", linuxWheel, module(), repair.Options{LibSuffix: "-1.0.data"}, "library folder suffix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.filename, tt.wheel, lib("liby.so")+"opt/libb.dylib macho arch=arm64 id=/opt/libb.dylib")
			out := t.TempDir()
			_, err := w.repairer(t, tt.opts).Repair(context.Background(), w.wheel, out)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if got := folder(t, out); got != nil {
				t.Errorf("%q were written", got)
			}
		})
	}
}

func TestUnmetErrorKeepsTheBlockers(t *testing.T) {
	w := newWorld(t, linuxWheel, module("import=f@GLIBC_2.28 needed=libx.so.1"), lib("libx.so.1"))
	_, err := w.repairer(t, repair.Options{Platform: "manylinux2014"}).Plan(context.Background(), w.wheel)
	var unmet *repair.UnmetError
	if !errors.As(err, &unmet) {
		t.Fatalf("got %v, want an UnmetError", err)
	}
	if len(unmet.Blockers) != 1 || unmet.Blockers[0].Version != "GLIBC_2.28" || unmet.Best != "manylinux_2_28_x86_64" {
		t.Errorf("got %+v, want the one version, not the library that a repair copies in", unmet)
	}
}

// Files that are left as they are: up to three of a kind are told one by one.
func TestForeignFilesAreTold(t *testing.T) {
	for _, tt := range []struct {
		name  string
		files string
		want  []string
	}{
		{"three", "demo/a.o demo/b.o demo/c.o", []string{"demo/a.o (object file) is left as it is", "demo/b.o (object file) is left as it is", "demo/c.o (object file) is left as it is"}},
		{"four", "demo/a.o demo/b.o demo/c.o demo/d.o", []string{"4 files (object file) are left as they are: demo/a.o, demo/b.o, demo/c.o and 1 more"}},
		{"four, and one of another kind", "demo/a.o demo/b.o demo/c.o demo/d.o demo/z.a", []string{"4 files (object file) are left as they are: demo/a.o, demo/b.o, demo/c.o and 1 more", "demo/z.a (static archive) is left as it is"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec := module()
			for _, file := range strings.Fields(tt.files) {
				kind := "macho arch=arm64 type=object"
				if strings.HasSuffix(file, ".a") {
					kind = `raw "!<arch>\n"`
				}
				spec += file + " " + kind + "\n"
			}
			got := newWorld(t, linuxWheel, spec, "").plan(t, repair.Options{}).Warnings
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], "Mach-O object file", "object file")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// Rows of RECORD are told by what is wrong with them.
func TestRowsWrittenAnewAreTold(t *testing.T) {
	const record = "demo-1.0.dist-info/RECORD text"
	for _, tt := range []struct {
		name, wheel string
		opts        repair.Options
		want        string
	}{
		{"no hash", module() + record + ` "demo/_core.so,," "demo-1.0.dist-info/METADATA,," "demo-1.0.dist-info/WHEEL,," "demo-1.0.dist-info/RECORD,,"`, repair.Options{}, "for 3 members whose row is malformed"},
		{"no rows", module() + record + ` "demo-1.0.dist-info/RECORD,,"`, repair.Options{Load: audit.LoadOptions{RewriteRecord: true}}, "for 3 members whose row is false"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := newWorld(t, linuxWheel, tt.wheel, "").plan(t, tt.opts).Warnings
			if len(got) != 1 || !strings.HasPrefix(got[0], "RECORD is written anew "+tt.want) {
				t.Errorf("warnings %q, want one about what is written anew %s", got, tt.want)
			}
		})
	}
}
