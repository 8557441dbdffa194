package repair_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/wheel"
)

// wheelsOfTheLaw is how many wheels each system's half of the law makes.
const wheelsOfTheLaw = 200

// What repair publishes, verify accepts; what it refuses leaves nothing behind, and is
// no defect. Repairing the result changes nothing.
func TestWhatIsRepairedIsVerified(t *testing.T) {
	for _, tt := range []struct {
		name   string
		system string
		make   func(*rand.Rand) (filename, spec string)
	}{
		{"Linux", linuxSystem, randomLinuxWheel},
		{"macOS", macSystem, randomMacWheel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			written := 0
			for seed := range uint64(wheelsOfTheLaw) {
				r := rand.New(rand.NewPCG(seed, 12))
				filename, spec := tt.make(r)
				w := newWorld(t, filename, spec, tt.system)
				if holdToLaw(t, w, randomOptions(r)) {
					written++
				}
				if t.Failed() {
					t.Fatalf("seed %d: %s\n%s", seed, filename, spec)
				}
			}
			if written < wheelsOfTheLaw/4 {
				t.Errorf("%d of %d wheels were repaired, too few to say something", written, wheelsOfTheLaw)
			}
			t.Logf("%d of %d wheels were repaired", written, wheelsOfTheLaw)
		})
	}
}

// randomOptions chooses what a user may say.
func randomOptions(r *rand.Rand) repair.Options {
	opts := repair.Options{NoSBOM: true}
	if r.IntN(4) == 0 {
		opts.Audit.Exclude = []string{pick(r, "libx*", "*libw*", "lib[xy].so.1")}
	}
	if r.IntN(6) == 0 {
		opts.Audit.Graft = []string{"libz*"}
	}
	if r.IntN(4) > 0 {
		opts.Audit.LibraryPath = []string{"/opt/deps"}
		opts.Audit.Dyld.LibraryPath = []string{"/opt/lib"}
	}
	opts.Strip = r.IntN(8) == 0
	opts.PlainStack = r.IntN(4) > 0
	return opts
}

// holdToLaw repairs the wheel and verifies the result. It reports whether there is one.
func holdToLaw(t *testing.T, w *world, opts repair.Options) bool {
	t.Helper()
	if strings.Contains(w.wheel, "macosx") {
		opts.Strip, opts.PlainStack = false, false
	}
	before := proofOf(t, w.wheel, opts)
	out := t.TempDir()
	result, err := w.repairer(t, opts).Repair(context.Background(), w.wheel, out)
	if err != nil {
		if left, _ := os.ReadDir(out); len(left) > 0 {
			t.Errorf("%v is left after: %v", left, err)
		}
		// Nothing but an executable stack is left for the user to decide.
		if claims := (*repair.ClaimError)(nil); errors.As(err, &claims) && !slices.Equal(claims.Topics(), []audit.Topic{audit.TopicStack}) {
			t.Error(err)
		}
		if strings.Contains(err.Error(), "defect") {
			t.Error(err)
		}
		return false
	}
	after := proofOf(t, result.Path, opts)
	for topic, outcome := range after {
		if outcome == audit.Fails {
			t.Errorf("what was %s about %s before fails afterwards", before[topic], topic)
		}
	}
	again := t.TempDir()
	second, err := w.repairer(t, opts).Repair(context.Background(), result.Path, again)
	if err != nil {
		t.Errorf("the result is not repaired again: %v", err)
		return true
	}
	if first, _ := os.ReadFile(result.Path); !bytes.Equal(first, mustRead(t, second.Path)) {
		t.Errorf("the repair of the result changes it: %v", diffMembers(t, result.Path, second.Path))
	}
	return true
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// diffMembers names the members in which two wheels differ.
func diffMembers(t *testing.T, a, b string) []string {
	t.Helper()
	var names []string
	before, after := contents(t, a), contents(t, b)
	for name, content := range before {
		if after[name] != content {
			names = append(names, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	return names
}

// proofOf verifies a wheel as the command does, and returns the worst outcome of each
// topic.
func proofOf(t *testing.T, path string, opts repair.Options) map[audit.Topic]audit.Outcome {
	t.Helper()
	f, err := wheel.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var v audit.VerifyOptions
	v.Exclude = opts.Audit.Exclude
	proof, err := audit.Verify(context.Background(), filepath.Base(path), f.Reader, v)
	if err != nil {
		t.Fatal(err)
	}
	defer proof.Close()
	worst := map[audit.Topic]audit.Outcome{}
	for _, c := range proof.Claims {
		if worst[c.Topic] != audit.Fails {
			worst[c.Topic] = c.Outcome
		}
	}
	return worst
}

// outside reports whether a member is installed outside site-packages.
func outside(member string) bool {
	return strings.Contains(member, ".data/scripts/") || strings.Contains(member, ".data/data/")
}

func pick(r *rand.Rand, words ...string) string { return words[r.IntN(len(words))] }

// some returns up to n different words.
func some(r *rand.Rand, n int, words ...string) []string {
	var out []string
	for _, i := range r.Perm(len(words))[:min(r.IntN(n+1), len(words))] {
		out = append(out, words[i])
	}
	return out
}

const linuxSystem = `
	usr/lib/libx.so.1 elf x86_64 soname=libx.so.1 needed=liby.so.1,libc.so.6 export=x
	usr/lib/liby.so.1 elf x86_64 soname=liby.so.1 needed=libc.so.6 export=y rpath=/opt/y
	usr/lib/libz.so.1 elf x86_64 soname=libz.so.1 needed=libc.so.6 export=deflate
	usr/lib/libstack.so.1 elf x86_64 soname=libstack.so.1 execstack
	opt/deps/libw.so.1.2 elf x86_64 soname=libw.so.1 needed=libx.so.1
	opt/deps/libw.so.1 elf x86_64 soname=libw.so.1 needed=libx.so.1`

// randomLinuxWheel makes modules, programs and libraries that need each other and the
// system, by search paths that lead there or not.
func randomLinuxWheel(r *rand.Rand) (filename, spec string) {
	filename = "demo-1.0-cp312-cp312-" + pick(r, "linux_x86_64", "linux_x86_64", "linux_x86_64", "manylinux_2_17_x86_64", "manylinux_2_28_x86_64.linux_x86_64", "any", "macosx_11_0_x86_64.linux_x86_64", "musllinux_1_2_x86_64", "freebsd_13_amd64.manylinux_2_17_x86_64") + ".whl"
	files := append([]string{"demo/_core.so"}, some(r, 3, "demo/sub/_other.cpython-312-x86_64-linux-gnu.so", "demo/liba.so.1", "demo/lib/libb.so", "demo.libs/libc-1.so", "top.so", "demo-1.0.data/platlib/demo/_p.abi3.so", "demo-1.0.data/scripts/tool", "demo-1.0.data/scripts/libs.so.1", "demo-1.0.data/data/lib/libd.so", "demo/_vendor/libx.so.1")...)
	sonames := map[string]string{"demo/liba.so.1": "liba.so.1", "demo/lib/libb.so": "libb.so.2", "demo.libs/libc-1.so": "libc-1.so", "demo-1.0.data/scripts/libs.so.1": "libs.so.1", "demo-1.0.data/data/lib/libd.so": "libd.so", "demo/_vendor/libx.so.1": "libx.so.1"}
	var inside []string
	for _, f := range files {
		if s := sonames[f]; s != "" {
			inside = append(inside, s)
		}
	}
	var lines []string
	for _, f := range files {
		// From outside site-packages no search path leads into it.
		reachable := slices.DeleteFunc(slices.Clone(inside), func(s string) bool { return outside(f) && s != "libs.so.1" && s != "libd.so" })
		needed := append(some(r, 2, reachable...), some(r, 2, "libx.so.1", "libw.so.1", "libz.so.1", "libm.so.6", "libstack.so.1")...)
		if r.IntN(25) == 0 {
			needed = append(needed, pick(r, "libgone.so.1", "libpython3.12.so.1.0", "ld-linux-x86-64.so.2"))
		}
		line := f + " elf x86_64 needed=" + strings.Join(append(needed, "libc.so.6"), ",")
		line += fmt.Sprintf(" import=f@GLIBC_%s:libc.so.6", pick(r, "2.2.5", "2.14", "2.17", "2.27", "2.34"))
		if s := sonames[f]; s != "" {
			line += " soname=" + s
		}
		if f == "demo-1.0.data/scripts/tool" {
			line += " interp=" + pick(r, "/lib64/ld-linux-x86-64.so.2", "/nix/store/x/ld-linux-x86-64.so.2")
		}
		if paths := some(r, 2, "$ORIGIN", "$ORIGIN/lib", "$ORIGIN/../demo.libs", "/opt/deps", "/build/lib", "$ORIGIN/../../..", ""); len(paths) > 0 && strings.Join(paths, "") != "" {
			line += " " + pick(r, "rpath", "runpath") + "=" + strings.Join(paths, ":")
		}
		if r.IntN(12) == 0 {
			line += " execstack"
		}
		lines = append(lines, line)
	}
	return filename, strings.Join(lines, "\n")
}

const macSystem = `
	opt/lib/libx.dylib macho arch=arm64 id=/opt/lib/libx.dylib loads=/usr/lib/libSystem.B.dylib,@rpath/liby.dylib rpaths=/opt/lib minos=11.0 arch=x86_64 id=/opt/lib/libx.dylib loads=/usr/lib/libSystem.B.dylib,@rpath/liby.dylib rpaths=/opt/lib minos=10.13
	opt/lib/liby.dylib macho arch=arm64 id=@rpath/liby.dylib minos=12.0 arch=x86_64 id=@rpath/liby.dylib minos=10.15
	usr/local/lib/libw.dylib macho arch=arm64 id=libw.dylib minos=11.0 signed=adhoc`

// randomMacWheel does the same for dyld.
func randomMacWheel(r *rand.Rand) (filename, spec string) {
	tag := pick(r, "macosx_11_0_arm64", "macosx_11_0_arm64", "macosx_10_13_x86_64", "macosx_10_9_universal2", "macosx_11_0_arm64.manylinux_2_28_x86_64", "any")
	filename = "demo-1.0-cp312-cp312-" + tag + ".whl"
	archs := []string{"arm64"}
	switch {
	case strings.Contains(tag, "universal2"):
		archs = []string{"arm64", "x86_64"}
	case strings.Contains(tag, "macosx_10_13"):
		archs = []string{"x86_64"}
	}
	files := append([]string{"demo/__init__.py", "demo/_core.so"}, some(r, 3, "demo/sub/_other.so", "demo/liba.dylib", "demo/.dylibs/libb.1.dylib", "top.so", "demo-1.0.data/platlib/demo/_p.so", "demo-1.0.data/scripts/tool", "demo-1.0.data/data/lib/libd.dylib")...)
	var inside []string
	for _, f := range files {
		if strings.HasSuffix(f, ".dylib") {
			base := filepath.Base(f)
			inside = append(inside, "@rpath/"+base, "/build/lib/"+base, base, "@loader_path/"+base)
		}
	}
	lines := []string{`demo/__init__.py text "x"`}
	for _, f := range files[1:] {
		reachable := slices.DeleteFunc(slices.Clone(inside), func(s string) bool { return outside(f) && !strings.HasSuffix(s, "libd.dylib") })
		loads := append(some(r, 2, reachable...), some(r, 2, "/opt/lib/libx.dylib", "@rpath/liby.dylib", "libw.dylib", "@rpath/libz.1.dylib", "weak:/gone/libweak.dylib")...)
		if r.IntN(25) == 0 {
			loads = append(loads, "/gone/libgone.dylib")
		}
		loads = append(loads, "/usr/lib/libSystem.B.dylib")
		rpaths := some(r, 3, "@loader_path", "@loader_path/.dylibs", "/opt/lib", "/usr/lib", "/build/lib", "@loader_path")
		line := f + " macho"
		minos := pick(r, "11.0", "11.0", "12.0", "14.2")
		for _, arch := range archs {
			kind := "bundle"
			switch {
			case strings.HasSuffix(f, ".dylib"):
				kind = "dylib"
			case strings.Contains(f, "/scripts/"):
				kind = "execute"
			}
			line += " arch=" + arch + " type=" + kind + " minos=" + minos + " loads=" + strings.Join(loads, ",")
			if kind == "dylib" {
				line += " id=" + pick(r, "@rpath/", "/build/lib/") + filepath.Base(f)
			}
			if len(rpaths) > 0 {
				line += " rpaths=" + strings.Join(rpaths, ",")
			}
			if arch == "arm64" || r.IntN(3) == 0 {
				line += " signed=adhoc"
			}
		}
		lines = append(lines, line)
	}
	return filename, strings.Join(lines, "\n")
}
