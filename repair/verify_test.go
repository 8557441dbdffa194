package repair

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/policy"
)

// TestWrongPlansAreCaught carries out plans that are wrong on purpose. What the
// final check finds must keep the wheel from getting its name.
func TestWrongPlansAreCaught(t *testing.T) {
	mustLookup := func(tag string) *policy.Policy {
		p, err := policy.Lookup(tag)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tt := range []struct {
		name  string
		spoil func(*Plan)
		want  string // "" if the plan is right
	}{
		{"nothing", func(*Plan) {}, ""},
		{"a module without its search path", func(p *Plan) { p.Edits[0].RPath = "" }, "no file of the wheel leads to demo.libs/libx-"},
		{"a search path that leads nowhere", func(p *Plan) { p.Edits[0].RPath = "$ORIGIN/demo.libs" }, "no file of the wheel leads to demo.libs/libx-"},
		{"a graft without its search path", func(p *Plan) {
			p.Edits[0].RPath, p.Edits[0].RunPath = "", p.Edits[0].RPath // which serves the module alone
			p.Grafts[0].RPath = ""
		}, "no file of the wheel leads to demo.libs/liby-"},
		{"a module whose NEEDED is not renamed", func(p *Plan) { p.Edits[0].Needed = nil }, "demo/_core.so: libx.so.1: it is not in the wheel"},
		{"a graft whose NEEDED is not renamed", func(p *Plan) { p.Grafts[0].Needed = nil }, "liby.so.1: it is not in the wheel"},
		{"a graft that is left out", func(p *Plan) { p.Grafts = p.Grafts[:1] }, "liby-"},
		{"a policy that is not met", func(p *Plan) { p.policy = mustLookup("manylinux_2_12_x86_64") }, "GLIBC_2.14 is newer than manylinux_2_12 promises"},
		{"a tag that is not met", func(p *Plan) {
			p.Tags = []string{"cp312-cp312-manylinux_2_12_x86_64"}
			p.Output = "demo-1.0-cp312-cp312-manylinux_2_12_x86_64.whl"
		}, "GLIBC_2.14 is newer than manylinux_2_12 promises"},
		{"a tag for another architecture", func(p *Plan) {
			p.Tags = append(p.Tags, "cp312-cp312-manylinux_2_17_aarch64")
			p.Output = "demo-1.0-cp312-cp312-manylinux2014_x86_64.manylinux_2_17_aarch64.manylinux_2_17_x86_64.whl"
		}, "names two architectures"},
		{"a file name without one of the tags", func(p *Plan) { p.Output = "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl" }, "the file name stands for"},
		{"an excluded library that is not", func(p *Plan) { p.excluded = nil }, "libcuda.so.1: it is not in the wheel"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := carryOut(t, tt.spoil)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v, want no error", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want an error with %q", err, tt.want)
			}
			if left, _ := os.ReadDir(out); len(left) > 0 && tt.want != "" {
				t.Errorf("%v was written", left)
			}
		})
	}
}

// carryOut plans the repair of a wheel, spoils the plan, and applies it.
func carryOut(t *testing.T, spoil func(*Plan)) (string, error) {
	t.Helper()
	system, dir, out := t.TempDir(), t.TempDir(), t.TempDir()
	if err := wheeltest.WriteLibs(system, `
		usr/lib/libx.so.1 elf x86_64 soname=libx.so.1 needed=liby.so.1
		usr/lib/liby.so.1 elf x86_64 soname=liby.so.1
		opt/libcuda.so.1  elf x86_64`); err != nil {
		t.Fatal(err)
	}
	const name = "demo-1.0-cp312-cp312-linux_x86_64.whl"
	image, err := wheeltest.Build(name, "demo/_core.so elf x86_64 needed=libx.so.1,libc.so.6,libcuda.so.1 import=f@GLIBC_2.14 rpath=/opt")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	var opts Options
	opts.Audit.Sysroot, opts.Audit.Exclude = system, []string{"*/opt/*"}
	r := NewRepairer(opts)
	defer r.Close()
	_, err = r.open(context.Background(), path, NewPlan, func(p *Plan) (*Result, error) {
		spoil(p)
		return r.apply(context.Background(), p, path, out)
	})
	return out, err
}
