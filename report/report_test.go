package report_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/report"
	"github.com/wheelmend/wheelmend/wheel"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata")

// golden compares a whole output with the file of that name in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s\nif that is meant: go test ./report -update", name, diff)
	}
}

// Lines of golden files are not wrapped: a temporary directory is as long as it likes.
var wide, wideColor = report.Style{Width: 500}, report.Style{Width: 500, Color: true}

// A story is one wheel, with the system that it is audited on.
type story struct {
	name, wheel, spec, libs string
}

const linux = "demo-1.0-cp312-cp312-linux_x86_64.whl"

func stories() []story {
	return []story{
		{"graft", linux, `
			demo/_core.so               elf x86_64 needed=libdep.so.3,libc.so.6 import=memcpy@GLIBC_2.2.5 rpath=/build export=PyInit__core
			demo/libplain.so            elf x86_64 needed=libc.so.6 rpath=/build
			demo/_embed.so              elf x86_64 needed=libpython3.12.so.1.0,libc.so.6 export=PyInit__embed
			demo-1.0.data/scripts/tool  elf x86_64 type=exec interp=/lib64/ld-linux-x86-64.so.2 needed=libdep.so.3,libc.so.6
			demo-1.0.dist-info/RECORD.jws  text "{}"`, `
			usr/lib/libdep.so.3.1  elf x86_64 soname=libdep.so.3 needed=libinner.so.1,libc.so.6 import=getrandom@GLIBC_2.25,memcpy@GLIBC_2.14
			usr/lib/libdep.so.3    symlink libdep.so.3.1
			usr/lib/libinner.so.1  elf x86_64 soname=libinner.so.1 needed=libc.so.6`},
		{"meets", "demo-1.0-cp312-cp312-manylinux1_x86_64.manylinux_2_5_x86_64.whl", `
			demo/_core.so  elf x86_64 needed=libc.so.6 import=memcpy@GLIBC_2.2.5 export=PyInit__core`, ""},
		{"missing", linux, `
			demo/_core.so  elf x86_64 needed=libdep.so.3,libc.so.6 runpath=$ORIGIN/lib export=PyInit__core`, `
			usr/lib/libdep.so.3  text "INPUT(-ldep)"`},
		{"blockers", linux, `
			demo/_core.so  elf x86_64 needed=libz.so.1,libc.so.6 import=a@GLIBC_2.34,b@GLIBC_2.34,c@GLIBC_2.34,d@GLIBC_2.34,e@GLIBC_2.34,f@GLIBC_2.34,g@GLIBC_2.34,h@GLIBC_2.28 export=PyInit__core
			demo/_fast.so  elf x86_64 needed=libc.so.6 import=x@GLIBC_2.17 export=PyInit__fast
			demo/x.dll     raw "MZ"`, ""},
		{"hostile", linux, `
			"demo/red\u202e.so"  elf x86_64 needed=libc.so.6,lib` + "\x1b" + `.so export=PyInit_red`, ""},
		{"pure", "demo-1.0-py3-none-any.whl", `demo/__init__.py  text "x"`, ""},
		{"windows", "demo-1.0-cp312-cp312-win_amd64.whl", "demo/_core.pyd  pe x64 needed=KERNEL32.dll:Sleep,python312.dll:PyLong_FromLong,MSVCP140.dll:throw export=PyInit__core", ""},
		{"macos", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", `
			demo/_core.so  macho arch=arm64 type=bundle minos=11.0 loads=/opt/lib/libdep.3.dylib,@rpath/libgone.dylib,/usr/lib/libSystem.B.dylib rpaths=/opt/none
			demo/_new.so   macho arch=arm64 type=bundle minos=12.3 loads=/usr/lib/libSystem.B.dylib
			demo/_thin.so  macho arch=x86_64 type=bundle minos=10.9 loads=/usr/lib/libSystem.B.dylib
			demo/x.o       macho arch=arm64 type=object`, `
			opt/lib/libdep.3.1.dylib  macho arch=arm64 id=/opt/lib/libdep.3.dylib minos=13.0 loads=/usr/lib/libSystem.B.dylib
			opt/lib/libdep.3.dylib    symlink libdep.3.1.dylib`},
		{"universal2", "demo-1.0-cp312-cp312-macosx_10_9_universal2.whl", `
			demo/_core.so  macho arch=x86_64 type=bundle minos=10.9 loads=/opt/lib/liba.dylib arch=arm64 type=bundle minos=11.0 loads=/opt/lib/libb.dylib`, `
			opt/lib/liba.dylib  macho arch=x86_64 id=/opt/lib/liba.dylib minos=10.13
			opt/lib/libb.dylib  macho arch=arm64 id=/opt/lib/libb.dylib minos=11.0`},
	}
}

// open reads the wheel of a story.
func open(t *testing.T, s story) *wheel.Reader {
	t.Helper()
	data, err := wheeltest.Build(s.wheel, s.spec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// assess audits the wheel of a story. root is the directory of its libraries.
func assess(t *testing.T, s story) (rep *audit.Report, root string) {
	t.Helper()
	root = t.TempDir()
	if err := wheeltest.WriteLibs(root, s.libs); err != nil {
		t.Fatal(err)
	}
	contents, err := audit.Load(context.Background(), s.wheel, open(t, s), audit.LoadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { contents.Close() })
	rep, err = audit.Assess(context.Background(), contents, audit.Options{
		Options: linkage.Options{Sysroot: root},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rep.Close() })
	return rep, root
}

// portable replaces what differs from one run of the tests to the next.
func portable(text, root string) string { return strings.ReplaceAll(text, root, "/ROOT") }

func indented(t *testing.T, document any) string {
	t.Helper()
	b, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestAuditGolden(t *testing.T) {
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			rep, root := assess(t, s)
			var short, full bytes.Buffer
			if err := report.WriteAudit(&short, rep, wide, false); err != nil {
				t.Fatal(err)
			}
			if err := report.WriteAudit(&full, rep, wideColor, true); err != nil {
				t.Fatal(err)
			}
			document := report.NewAudit(rep)
			golden(t, s.name+".audit.txt", tables(portable(short.String(), root)))
			golden(t, s.name+".audit-v-color.txt", tables(portable(full.String(), root)))
			golden(t, s.name+".audit.json", portable(indented(t, document), root))
		})
	}
}

// tables takes the padding out of tables: their width depends on the length of
// the name of a temporary directory.
func tables(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
		lines[i] = indent + strings.Join(strings.Fields(line), " ")
	}
	return strings.Join(lines, "\n")
}

func TestVerifyGolden(t *testing.T) {
	for _, s := range append(stories(), story{
		name: "untrue", wheel: "demo-1.0-cp312-cp312-manylinux_2_5_x86_64.whl", spec: `
			demo/_core.so  elf x86_64 needed=libz.so.1,libc.so.6,libx.so import=a@GLIBC_2.34,b@GLIBC_2.34,c@GLIBC_2.34,d@GLIBC_2.34,e@GLIBC_2.34,f@GLIBC_2.34,g@GLIBC_2.34,h@GLIBC_2.28 rpath=/a:/b:/c:/d:/e:/f:/g:/h:/i export=PyInit__core execstack`,
	}) {
		t.Run(s.name, func(t *testing.T) {
			proof, err := audit.Verify(context.Background(), s.wheel, open(t, s), audit.VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			defer proof.Close()
			var short, full bytes.Buffer
			if err := report.WriteVerify(&short, proof, wide, false); err != nil {
				t.Fatal(err)
			}
			if err := report.WriteVerify(&full, proof, wideColor, true); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+".verify.txt", short.String())
			golden(t, s.name+".verify-v-color.txt", full.String())
			golden(t, s.name+".verify.json", indented(t, report.NewVerify(proof)))
		})
	}
}

func TestPlanGolden(t *testing.T) {
	var planned []story
	for _, s := range stories() {
		if slices.Contains([]string{"graft", "meets", "universal2"}, s.name) {
			planned = append(planned, s)
		}
	}
	for _, s := range planned {
		t.Run(s.name, func(t *testing.T) {
			rep, root := assess(t, s)
			plan, err := repair.NewPlan(context.Background(), rep, &repair.Options{Tool: repair.Tool{Name: "wheelmend", Version: "1.0"}})
			if err != nil {
				t.Fatal(err)
			}
			var text bytes.Buffer
			if err := report.WritePlan(&text, plan, wide); err != nil {
				t.Fatal(err)
			}
			result := &repair.Result{Plan: plan, Path: "wheelhouse/" + plan.Output, Tag: rep.Tag()}
			if err := report.WriteRepaired(&text, s.wheel, result, report.Style{}); err != nil {
				t.Fatal(err)
			}
			golden(t, s.name+".plan.txt", portable(text.String(), root))
			golden(t, s.name+".plan.json", portable(indented(t, report.NewRepair(result, false)), root))
		})
	}
}

func TestPoliciesGolden(t *testing.T) {
	all := policy.For(policy.MUSL, "x86_64")
	if len(all) == 0 {
		t.Fatal("no policy for musl on x86_64")
	}
	var text bytes.Buffer
	if err := report.WritePolicies(&text, policy.All(), report.Style{}); err != nil {
		t.Fatal(err)
	}
	golden(t, "policies.txt", text.String())
	golden(t, "policies-musl.json", indented(t, report.NewPolicies(all)))
}

func TestWriteRepairedPure(t *testing.T) {
	for _, tt := range []struct{ path, want string }{
		{"out/demo.whl", "demo.whl: a pure wheel, copied to out/demo.whl\n"},
		{"", "demo.whl: a pure wheel, to be copied as it is\n"},
	} {
		var b bytes.Buffer
		if err := report.WriteRepaired(&b, "demo.whl", &repair.Result{Path: tt.path, Tag: "any"}, report.Style{}); err != nil {
			t.Fatal(err)
		}
		if got := b.String(); got != tt.want {
			t.Errorf("with path %q: got %q, want %q", tt.path, got, tt.want)
		}
	}
}
