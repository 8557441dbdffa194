package linkage_test

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/elf"
	"github.com/wheelmend/wheelmend/internal/elftest"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
)

func TestShrinkPath(t *testing.T) {
	dir := t.TempDir()
	err := wheeltest.WriteLibs(dir, `
		a/liba.so       elf x86_64
		b/liba.so       elf x86_64
		b/libb.so       elf x86_64
		arm/libb.so     elf aarch64
		text/libb.so    raw "INPUT(-lb)"
		none/libc.so    elf x86_64`)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, prefixes, want string }{
		{"only what serves", "DIR/none:DIR/a:DIR/b:/gone", "", "DIR/a:DIR/b"},
		{"the first one is enough", "DIR/b:DIR/a", "", "DIR/b"},
		{"another machine, and no library", "DIR/arm:DIR/text:DIR/b", "", "DIR/b"},
		{"names with variables stay", "$ORIGIN/../x:DIR/none:rel", "", "$ORIGIN/../x:rel"},
		{"prefixes", "DIR/a:DIR/b", "DIR/b:/nix", "DIR/b"},
		{"nothing is left", "DIR/none", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			spec, err := elftest.Parse("x86_64 needed=liba.so,libb.so runpath=" + strings.ReplaceAll(tt.path, "DIR", dir))
			if err != nil {
				t.Fatal(err)
			}
			image := elftest.Build(spec)
			f, err := elf.NewFile(bytes.NewReader(image), int64(len(image)))
			if err != nil {
				t.Fatal(err)
			}
			var prefixes []string
			if tt.prefixes != "" {
				prefixes = strings.Split(strings.ReplaceAll(tt.prefixes, "DIR", dir), ":")
			}
			got, err := linkage.ShrinkPath(f, prefixes)
			if got = strings.ReplaceAll(filepath.ToSlash(got), dir, "DIR"); err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}
