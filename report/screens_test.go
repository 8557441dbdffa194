package report_test

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
)

// assessWith audits a wheel on a system without libraries.
func assessWith(t *testing.T, name, spec string, opts audit.Options) *audit.Report {
	t.Helper()
	contents, err := audit.Load(context.Background(), name, open(t, story{wheel: name, spec: spec}), audit.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { contents.Close() })
	opts.Options = linkage.Options{Sysroot: t.TempDir()}
	rep, err := audit.Assess(context.Background(), contents, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rep.Close() })
	return rep
}

func textOf(t *testing.T, rep *audit.Report, all bool) string {
	t.Helper()
	var out bytes.Buffer
	if err := report.WriteAudit(&out, rep, wide, all); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestATagThatIsNoneIsTold(t *testing.T) {
	rep := assessWith(t, "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux_x86_64.whl", "demo/_core.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14:libc.so.6 export=PyInit__core", audit.Options{})
	const want = "The name claims manylinux_2_17_x86_64, which holds, and manylinux_x86_64, which does not: it is no platform tag."
	if got := textOf(t, rep, false); !strings.Contains(got, want) {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// Ten symbols of a cause are shown, and all of them with -v.
func TestSymbolsOfACause(t *testing.T) {
	var imports []string
	for c := 'a'; c <= 'l'; c++ {
		imports = append(imports, string(c)+"@GLIBC_2.34:libc.so.6")
	}
	rep := assessWith(t, linux, "demo/_core.so  elf x86_64 needed=libc.so.6 import="+strings.Join(imports, ",")+" export=PyInit__core", audit.Options{})
	const ten = "GLIBC_2.34 (libc.so.6)  a, b, c, d, e, f, g, h, i, j"
	if got := textOf(t, rep, false); !strings.Contains(got, ten+" and 2 more (-v)") {
		t.Errorf("not ten of twelve symbols: %s", got)
	}
	if got := textOf(t, rep, true); !strings.Contains(got, ten+", k, l\n") {
		t.Errorf("not all symbols with -v: %s", got)
	}
}

// A lowering is told with the command that carries it out, and the way out of a blocked
// policy names it where it reaches that policy, unless it has been told.
func TestLoweringIsTold(t *testing.T) {
	const spec = "demo/_core.so  elf x86_64 needed=libc.so.6 import=pthread_create@GLIBC_2.34:libc.so.6 export=PyInit__core"
	const way = "have the symbols lowered: wheelmend repair --lower --plat manylinux_2_31_x86_64"
	plain := textOf(t, assessWith(t, linux, spec, audit.Options{}), false)
	if !strings.Contains(plain, "build in quay.io/pypa/manylinux_2_28_x86_64, or "+way) {
		t.Errorf("the way out is not told: %s", plain)
	}
	lowered := textOf(t, assessWith(t, linux, spec, audit.Options{Lower: true}), false)
	for _, want := range []string{"  manylinux_2_31  1 symbol relabelled\n", "  manylinux_2_5  1 symbol relabelled\n", "help: wheelmend repair --lower --plat manylinux_2_5_x86_64 " + linux} {
		if !strings.Contains(lowered, want) {
			t.Errorf("lacks %q: %s", want, lowered)
		}
	}
	if strings.Contains(lowered, way) {
		t.Errorf("lowering is told twice: %s", lowered)
	}
	musl := textOf(t, assessWith(t, "demo-1.0-cp312-cp312-linux_x86_64.whl", "demo/_core.so  elf x86_64 needed=libc.musl-x86_64.so.1 export=PyInit__core", audit.Options{}), false)
	if strings.Contains(musl, "--lower") {
		t.Errorf("musl has no versions to lower: %s", musl)
	}
}

func TestPageOfAWheelThatNeedsNoRepair(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{"demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", "demo/_core.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14:libc.so.6 export=PyInit__core",
			"<dt>after repair</dt><dd>the same, no repair is needed</dd>\n<dt>holds</dt><dd>1 extension module for x86_64, glibc</dd>"},
		{"demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "demo/_core.so macho arch=arm64 type=bundle minos=11.0 signed=adhoc loads=/usr/lib/libSystem.B.dylib\nread.me  text \"x\"",
			"<dt>after repair</dt><dd>the same, no repair is needed</dd>\n<dt>holds</dt><dd>1 extension module for arm64</dd>"},
	} {
		var out bytes.Buffer
		page := report.NewHTMLPage(&out)
		page.Add(assessWith(t, tt.name, tt.spec, audit.Options{}), 1234)
		if err := page.Close(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(out.String(), tt.want) {
			t.Errorf("%s: no %q in %s", tt.name, tt.want, out.String())
		}
		if strings.Contains(tt.spec, "read.me") && !strings.Contains(out.String(), "files at the top") {
			t.Errorf("%s: files that are in no folder are not counted", tt.name)
		}
	}
}

// Edges come in order and once, whatever the order of DT_NEEDED.
func TestGraphIsInOrder(t *testing.T) {
	rep := assessWith(t, linux, `
		demo/_core.so     elf x86_64 needed=libz.so,liby.so,libx.so,liby.so export=PyInit__core
		demo/libx.so      elf x86_64 soname=libx.so needed=libz.so
		demo/liby.so      elf x86_64 soname=liby.so needed=libx.so,libz.so
		demo/libz.so      elf x86_64 soname=libz.so`, audit.Options{})
	var out bytes.Buffer
	if err := report.WriteAuditMarkdown(&out, rep); err != nil {
		t.Fatal(err)
	}
	edges := regexp.MustCompile(`n\d+ --> n\d+`).FindAllString(out.String(), -1)
	if len(edges) != 6 || !slices.IsSorted(edges) || len(slices.Compact(slices.Clone(edges))) != len(edges) {
		t.Errorf("edges %q, want six in order", edges)
	}
}

func TestTableOfSeveralRepairs(t *testing.T) {
	wheels := []report.Repaired{
		{Wheel: "a.whl", Result: &repair.Result{Tag: "any", After: 10}},
		{Wheel: "b.whl", Result: &repair.Result{Tag: "tag_b", After: 20, Unchanged: true, Plan: &repair.Plan{}}},
		{Wheel: "c.whl", Result: &repair.Result{Tag: "tag_c", After: 30, Plan: &repair.Plan{Policy: "tag_d", Grafts: make([]repair.Graft, 2)}}},
		{Wheel: "d.whl"},
	}
	const want = `
  wheel  tag before  tag after  copied in  size
  a.whl  any         any        0          10 B
  b.whl  tag_b       the same   0          20 B
  c.whl  tag_c       tag_d      2          30 B
  d.whl              failed
1 repaired, 1 unchanged, 1 copied, 1 failed
`
	var out bytes.Buffer
	if err := report.WriteRepairTable(&out, wheels, report.Style{}); err != nil || out.String() != want {
		t.Errorf("%v: got %s\nwant %s", err, out.String(), want)
	}
}

func TestPlanTellsEachChange(t *testing.T) {
	rep := assessWith(t, linux, "demo/_core.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.14:libc.so.6 rpath=/build export=PyInit__core", audit.Options{})
	plan, err := repair.NewPlan(context.Background(), rep, &repair.Options{Strip: true})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := report.WritePlan(&out, plan, report.Style{}); err != nil {
		t.Fatal(err)
	}
	const want = "  edit     demo/_core.so\n           search path removed, stripped\n"
	if !strings.Contains(out.String(), want) {
		t.Errorf("got %s\nwant %s", out.String(), want)
	}
}

// The interpreter of a program is among what it loads, as auditwheel has it.
func TestLddtreeHasTheInterpreter(t *testing.T) {
	loader := &audit.Need{Name: "/lib64/ld-linux-x86-64.so.2", Status: linkage.Missing.String()}
	root := &audit.Node{Path: "tool", Interp: loader, Needs: []audit.Need{{Name: "libc.so.6", Status: linkage.Missing.String()}}}
	tree := report.NewLddtree("tool", &audit.Process{Format: audit.ELF, Arch: "x86_64", Libc: "glibc", Roots: []*audit.Node{root}, Nodes: []*audit.Node{root}})
	for _, name := range []string{"ld-linux-x86-64.so.2", "libc.so.6"} {
		if l, ok := tree.Libraries[name]; !ok || l.Path != nil {
			t.Errorf("%s: %+v, want one that was not found", name, l)
		}
	}
	if len(root.Needs) != 1 {
		t.Errorf("the needs of the file have become %d", len(root.Needs))
	}
}

// A failure without an explanation is told as it is.
func TestProblemOfAFailure(t *testing.T) {
	if p := report.FailureProblem(errors.New("no zip archive")); p.Level != report.LevelError || p.Text != "no zip archive" || p.Help != "" {
		t.Errorf("%+v", p)
	}
}
