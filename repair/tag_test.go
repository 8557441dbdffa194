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
