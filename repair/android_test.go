package repair_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/repair"
)

// TestAndroidPlan: the level of the name is kept, raised to what files need or as asked,
// and what comes in is found by DT_RUNPATH.
func TestAndroidPlan(t *testing.T) {
	const module = "demo/_core.so elf aarch64 page=0x4000 export=PyInit__core needed=libc.so"
	for _, tt := range []struct {
		name, tag, wheel, system string
		opts                     repair.Options
		policy, output           string
		runPath                  string // of the module
	}{
		{"as promised", "android_24_arm64_v8a", module, "", repair.Options{}, "android_24_arm64_v8a", "android_24_arm64_v8a", ""},
		{"auto is no level", "android_24_arm64_v8a", module, "", repair.Options{Platform: "auto"}, "android_24_arm64_v8a", "android_24_arm64_v8a", ""},
		{"raised", "android_24_arm64_v8a", module + " android=28", "", repair.Options{}, "android_28_arm64_v8a", "android_28_arm64_v8a", ""},
		{"a level that nothing is known of yet", "android_99_arm64_v8a", module, "", repair.Options{}, "android_99_arm64_v8a", "android_99_arm64_v8a", ""},
		{"a later level is asked for", "android_24_arm64_v8a", module, "", repair.Options{Platform: "android_30_arm64_v8a", OnlyPlat: true}, "android_30_arm64_v8a", "android_30_arm64_v8a", ""},
		{"a library comes in", "android_24_arm64_v8a", module + ",libx.so", "system/lib64/libx.so elf aarch64 page=0x4000 soname=libx.so", repair.Options{}, "android_24_arm64_v8a", "android_24_arm64_v8a", "$ORIGIN/../demo.libs"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, "demo-1.0-cp313-cp313-"+tt.tag+".whl", tt.wheel, tt.system)
			p := w.plan(t, tt.opts)
			if p.Policy != tt.policy || p.Output != "demo-1.0-cp313-cp313-"+tt.output+".whl" || !slices.Equal(p.Tags, strings.Fields("cp313-cp313-"+strings.ReplaceAll(tt.output, ".", " cp313-cp313-"))) {
				t.Errorf("%s, %s, %q; want %s, %s", p.Policy, p.Output, p.Tags, tt.policy, tt.output)
			}
			runPath := ""
			for _, e := range p.Edits {
				if runPath += e.RunPath; e.RPath != "" {
					t.Errorf("%s gets a DT_RPATH, which bionic does not read", e.Member)
				}
			}
			if runPath != tt.runPath {
				t.Errorf("DT_RUNPATH %q, want %q", runPath, tt.runPath)
			}
			w.repair(t, tt.opts)
		})
	}
}

// A wheel that meets no level is not told to be held to the newest, unless that was asked.
func TestAndroidRefused(t *testing.T) {
	const spec = "demo/_core.so elf aarch64 page=0x4000 export=PyInit__core needed=libgone.so"
	for platform, want := range map[string]string{"": "cannot be repaired: demo/_core.so: libgone.so was not found", "android_30_arm64_v8a": "cannot be repaired to android_30_arm64_v8a: demo/_core.so: libgone.so was not found"} {
		w := newWorld(t, "demo-1.0-cp313-cp313-android_24_arm64_v8a.whl", spec, "")
		_, err := w.repairer(t, repair.Options{Platform: platform}).Plan(context.Background(), w.wheel)
		var unmet *repair.UnmetError
		if !errors.As(err, &unmet) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v, want %q", platform, err, want)
		}
	}
}
