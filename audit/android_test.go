package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
)

// TestAndroidLevels raises the tag of a wheel to what its files need, and says why.
func TestAndroidLevels(t *testing.T) {
	const module = "demo/_core.so elf aarch64 page=0x4000 export=PyInit__core "
	for _, tt := range []struct {
		name, tag, spec string
		libs            string
		best, repaired  string
		want            []string // blockers of the tag of the name
	}{
		{"as promised", "android_21_arm64_v8a", module + "needed=libc.so import=malloc@LIBC:libc.so", "", "android_21_arm64_v8a", "android_21_arm64_v8a", nil},
		{"a tag is never lowered", "android_30_arm64_v8a", module + "needed=libc.so", "", "android_30_arm64_v8a", "android_30_arm64_v8a", nil},
		{"a level that is newer than all that are known", "android_40_arm64_v8a", module + "needed=libc.so", "", "android_36_arm64_v8a", "android_36_arm64_v8a", nil},
		{"the note of the NDK", "android_21_arm64_v8a", module + "needed=libc.so android=26", "", "android_26_arm64_v8a", "android_26_arm64_v8a",
			[]string{"version demo/_core.so: it is built for API level 26 (.note.android.ident), the tag promises 21"}},
		{"the note of the level that is promised", "android_26_arm64_v8a", module + "needed=libc.so android=26", "", "android_26_arm64_v8a", "android_26_arm64_v8a", nil},
		{"DT_RUNPATH at level 24", "android_24_arm64_v8a", module + "needed=libx.so runpath=$ORIGIN/l\ndemo/l/libx.so elf aarch64 page=0x4000", "", "android_24_arm64_v8a", "android_24_arm64_v8a", nil},
		{"the lowest level of several", "android_28_arm64_v8a.android_23_arm64_v8a", module + "needed=libc.so", "", "android_23_arm64_v8a", "android_23_arm64_v8a", nil},
		{"a tag of another family names no level", "android_24_arm64_v8a.linux_aarch64", module + "needed=libc.so import=malloc@LIBC:libc.so", "", "android_24_arm64_v8a", "android_24_arm64_v8a", nil},
		{"a symbol", "android_21_arm64_v8a", module + "needed=libc.so import=getrandom@LIBC_P:libc.so", "", "android_28_arm64_v8a", "android_28_arm64_v8a",
			[]string{"symbol demo/_core.so: Android of API level 21 does not have these symbols"}},
		{"a weak one may be missing", "android_21_arm64_v8a", module + "needed=libc.so weak=getrandom@LIBC_P:libc.so", "", "android_21_arm64_v8a", "android_21_arm64_v8a", nil},
		{"a library", "android_21_arm64_v8a", module + "needed=libaaudio.so", "", "android_26_arm64_v8a", "android_26_arm64_v8a",
			[]string{"missing demo/_core.so: libaaudio.so was not found; searched ROOT/system/lib64 (default directory), ROOT/odm/lib64 (default directory), ROOT/vendor/lib64 (default directory)"}},
		{"DT_RUNPATH", "android_23_arm64_v8a", module + "needed=libx.so runpath=$ORIGIN/l\ndemo/l/libx.so elf aarch64 page=0x4000", "", "android_24_arm64_v8a", "android_24_arm64_v8a",
			[]string{"version demo/_core.so: libx.so is found by DT_RUNPATH, which Android reads from API level 24 on; the tag promises 23"}},
		{"a graft", "android_23_arm64_v8a", module + "needed=libx.so", "system/lib64/libx.so elf aarch64", "", "android_24_arm64_v8a",
			[]string{"library demo/_core.so: android_23 does not promise libx.so", "version demo/_core.so: libx.so is found by DT_RUNPATH, which Android reads from API level 24 on; the tag promises 23"}},
		{"SSE4.2 is part of the baseline", "android_24_x86_64", "demo/_core.so elf x86_64 needed=libc.so isa=v2", "", "android_24_x86_64", "android_24_x86_64", nil},
		{"AVX is not", "android_24_x86_64", "demo/_core.so elf x86_64 needed=libc.so isa=v3", "", "", "",
			[]string{"isa demo/_core.so: it needs an x86-64-v3 processor, android_24_x86_64 promises the baseline; build without -march"}},
		{"Linux's own C library", "android_24_x86_64", "demo/_core.so elf x86_64 needed=libc.so.6", "", "", "",
			[]string{"system demo/_core.so: it is for Linux, the tag for Android"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, root := assess(t, "demo-1.0-cp313-cp313-"+tt.tag+".whl", tt.spec, tt.libs, audit.Options{})
			if diff := cmp.Diff([]string{tt.best, tt.repaired}, []string{rep.Tag(), rep.RepairableTag()}); diff != "" && rep.OS == audit.OSAndroid {
				t.Errorf("tag, and after a repair (-want +got):\n%s", diff)
			}
			var got []string
			for _, b := range judge(t, rep, strings.Split(tt.tag, ".")[0]).Blockers {
				got = append(got, fmt.Sprintf("%s %s: %s", b.Kind, b.File, strings.ReplaceAll(b.Reason, root, "ROOT")))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("blockers (-want +got):\n%s", diff)
			}
		})
	}
}

// TestAndroidPages: only 64-bit devices have pages of 16 KiB.
func TestAndroidPages(t *testing.T) {
	for _, tt := range []struct {
		tag, file string
		fails     bool
		basis     string
	}{
		{"android_24_arm64_v8a", "aarch64 page=0x4000", false, "1 64-bit ELF file"},
		{"android_24_arm64_v8a", "aarch64 page=0x2000", true, "1 64-bit ELF file"},
		{"android_24_x86_64", "x86_64 page=0x1000", true, "1 64-bit ELF file"},
		{"android_24_armeabi_v7a", "armv7l page=0x1000", false, "0 64-bit ELF files"},
	} {
		p := verify(t, "demo-1.0-cp313-cp313-"+tt.tag+".whl", "demo/_core.so elf "+tt.file+" export=PyInit__core needed=libc.so", audit.VerifyOptions{})
		found, fails := false, false
		for _, c := range p.Claims {
			if c.Topic == audit.TopicAlignment {
				found, fails = true, c.Outcome == audit.Fails
				if c.Basis != tt.basis || len(c.Faults) > 1 {
					t.Errorf("%s, %s: rests on %s, with %v; want %s, and one fault a file", tt.tag, tt.file, c.Basis, c.Faults, tt.basis)
				}
			}
		}
		if !found || fails != tt.fails {
			t.Errorf("%s, %s: claimed %v, fails %v, want true, %v", tt.tag, tt.file, found, fails, tt.fails)
		}
	}
}
