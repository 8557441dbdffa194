package repair_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/repair"
)

func TestTag(t *testing.T) {
	const both = "manylinux_2_17_x86_64.musllinux_1_2_x86_64"
	for _, tt := range []struct {
		name, platforms, wheel string
		opts                   repair.TagOptions
		want                   string // platform tags
		warning                string
	}{
		{"the best", "linux_x86_64", module(), repair.TagOptions{}, "manylinux1_x86_64.manylinux_2_5_x86_64", ""},
		{"an older tag that is true stays", "manylinux_2_17_x86_64", module(), repair.TagOptions{Platforms: []string{"manylinux_2_28_x86_64"}}, "manylinux_2_17_x86_64.manylinux_2_28_x86_64", ""},
		{"the same twice", "linux_x86_64", module(), repair.TagOptions{Platforms: []string{"manylinux_2_28", "manylinux_2_28_x86_64"}}, "manylinux_2_28_x86_64", ""},
		{"any is not true of binaries", "any", module(), repair.TagOptions{Platforms: []string{"linux_x86_64"}}, "linux_x86_64", "platform tag any is removed"},
		{"tags of two C libraries", both, module("import=memcpy@GLIBC_2.14"), repair.TagOptions{Platforms: []string{"manylinux_2_28_x86_64"}}, "manylinux_2_17_x86_64.manylinux_2_28_x86_64", "platform tag musllinux_1_2_x86_64 is removed"},
		{"a static program serves both", both, "demo-1.0.data/scripts/tool elf x86_64 type=exec", repair.TagOptions{Platforms: []string{"musllinux_1_1_x86_64"}}, both + ".musllinux_1_1_x86_64", ""},
		{"one C library's systems have what it needs", both, "demo/x.so elf x86_64 needed=libexpat.so.1", repair.TagOptions{Platforms: []string{"manylinux_2_28_x86_64"}}, "manylinux_2_17_x86_64.manylinux_2_28_x86_64", "platform tag musllinux_1_2_x86_64 is removed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, macName(tt.platforms), tt.wheel, "")
			tagger := repair.NewTagger(tt.opts)
			defer tagger.Close()
			result, err := tagger.Tag(context.Background(), w.wheel, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Split(tt.want, ".")
			slices.Sort(want)
			if got := filepath.Base(result.Path); got != macName(strings.Join(want, ".")) {
				t.Errorf("the result is %s, want %s", got, tt.want)
			}
			if got := strings.Join(result.Plan.Warnings, "\n"); (tt.warning == "") != (got == "") || !strings.Contains(got, tt.warning) {
				t.Errorf("warnings %q, want %q", got, tt.warning)
			}
		})
	}
}

func TestTagErrors(t *testing.T) {
	w := newWorld(t, linuxWheel, module("import=memcpy@GLIBC_2.14"), "")
	tagger := repair.NewTagger(repair.TagOptions{Platforms: []string{"manylinux_2_5_x86_64"}})
	defer tagger.Close()
	_, err := tagger.Tag(context.Background(), w.wheel, t.TempDir())
	var unmet *repair.TagError
	if !errors.As(err, &unmet) || unmet.Tag != "manylinux_2_5_x86_64" || len(unmet.Reasons) != 1 {
		t.Errorf("error %v", err)
	}
	// The results of two wheels do not replace each other.
	again := repair.NewTagger(repair.TagOptions{Replace: true})
	defer again.Close()
	dir, other := t.TempDir(), w.write(t, macName("manylinux_2_28_x86_64"), module("import=memcpy@GLIBC_2.14"))
	if _, err := again.Tag(context.Background(), w.wheel, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := again.Tag(context.Background(), other, dir); err == nil || !strings.Contains(err.Error(), "would replace that of") {
		t.Errorf("error %v", err)
	}
}

// Each reason begins with the file, three are told, and a library from outside is told
// with the way in.
func TestTagReasons(t *testing.T) {
	const others = "demo/_d.so elf x86_64 needed=libd.so,libc.so.6\ndemo/_e.so elf x86_64 needed=libc.so.6 import=f@GLIBC_2.28\n"
	for _, tt := range []struct{ name, filename, wheel, tag, want string }{
		{"on Linux", linuxWheel, module("needed=liba.so"), "manylinux_2_17_x86_64", `does not meet manylinux_2_17_x86_64: demo/_core.so: "liba.so" is neither promised nor in the wheel`},
		{"on macOS", macName("macosx_11_0_arm64"), "demo/_core.so macho arch=arm64 type=bundle minos=11.0 signed=adhoc loads=/opt/liba.dylib", "macosx_11_0_arm64", `does not meet macosx_11_0_arm64: demo/_core.so: "/opt/liba.dylib" is neither part of macOS nor in the wheel`},
		{"a system of another kind", linuxWheel, module(), "macosx_11_0_arm64", "does not meet macosx_11_0_arm64: demo/_core.so: it is for Linux, the tag for macOS"},
		{"three", linuxWheel, module("needed=liba.so") + others, "manylinux_2_17_x86_64", "in the wheel; demo/_e.so: GLIBC_2.28 is newer than manylinux_2_17 promises (f)"},
		{"four", linuxWheel, module("needed=liba.so") + others + "demo/_f.so elf x86_64 needed=libd.so", "manylinux_2_17_x86_64", "promises (f); and 1 more"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, tt.filename, tt.wheel, "")
			tagger := repair.NewTagger(repair.TagOptions{Platforms: []string{tt.tag}})
			defer tagger.Close()
			_, err := tagger.Tag(context.Background(), w.wheel, t.TempDir())
			if err == nil || !strings.HasPrefix(err.Error(), "does not meet "+tt.tag+": demo/_core.so: ") || !strings.HasSuffix(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

// The tags that are true stay unless they are to be replaced, and signatures of the old
// RECORD and rows that it lacks are told as by a repair.
func TestTagReplacesAndTells(t *testing.T) {
	spec := module() + "demo-1.0.dist-info/RECORD.jws text \"{}\"\n"
	for _, tt := range []struct {
		name    string
		replace bool
		want    string
	}{
		{"kept", false, "manylinux_2_17_x86_64.manylinux_2_28_x86_64"},
		{"replaced", true, "manylinux_2_28_x86_64"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, macName("manylinux_2_17_x86_64"), spec, "")
			tagger := repair.NewTagger(repair.TagOptions{Platforms: []string{"manylinux_2_28"}, Replace: tt.replace})
			defer tagger.Close()
			result, err := tagger.Tag(context.Background(), w.wheel, t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if got := filepath.Base(result.Path); got != macName(tt.want) {
				t.Errorf("the result is %s, want %s", got, macName(tt.want))
			}
			if got := result.Plan.Warnings; len(got) != 1 || !strings.Contains(got[0], "RECORD.jws is dropped") {
				t.Errorf("warnings %q, want one about the signature", got)
			}
			if _, left := contents(t, result.Path)["demo-1.0.dist-info/RECORD.jws"]; left {
				t.Error("the signature of the old RECORD is still there")
			}
		})
	}
}
