package audit_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/machotest"
	"github.com/wheelmend/wheelmend/linkage"
)

const (
	armWheel   = "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl"
	intelWheel = "demo-1.0-cp312-cp312-macosx_10_9_x86_64.whl"
	fatWheel   = "demo-1.0-cp312-cp312-macosx_10_9_universal2.whl"

	armSlice   = " arch=arm64 type=bundle minos=11.0 signed=adhoc"
	intelSlice = " arch=x86_64 type=bundle minos=10.9"
	libSystem  = "/usr/lib/libSystem.B.dylib"
)

func TestVerifyMacOSHolds(t *testing.T) {
	for _, tt := range []struct{ name, filename, spec string }{
		{"one architecture", armWheel, "demo/a.cpython-312-darwin.so macho" + armSlice + " loads=" + libSystem},
		{"two slices", fatWheel, "demo/a.abi3.so macho" + intelSlice + armSlice},
		{"a slice more than the tag, newer than it", intelWheel, "demo/a.so macho" + intelSlice + " arch=arm64 minos=14.0 signed=adhoc"},
		{"libraries of the wheel, by each kind of name", fatWheel, `
			demo/a.so               macho` + intelSlice + ` loads=@rpath/x.dylib rpaths=@loader_path/.dylibs` + armSlice + ` loads=@loader_path/.dylibs/x.dylib
			demo/.dylibs/x.dylib    macho arch=x86_64 id=/DLC/demo/x.dylib minos=10.9 loads=weak:@rpath/none.dylib,/System/Library/x arch=arm64 id=/DLC/demo/x.dylib signed=certificate`},
		{"an rpath of macOS", armWheel, "demo/a.so macho" + armSlice + " rpaths=/usr/lib/swift"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := verify(t, tt.filename, tt.spec, audit.VerifyOptions{})
			for _, c := range p.Claims {
				if c.Outcome != audit.Holds && !strings.Contains(c.Text, "stable ABI") {
					t.Errorf("%s: %s: %v (%s)", c.Outcome, c.Text, c.Faults, c.Basis)
				}
			}
		})
	}
}

// That slices are not signed is told: macOS asks for it on arm64 alone.
func TestSlicesWithoutASignatureAreCounted(t *testing.T) {
	for _, tt := range []struct{ name, spec, want string }{
		{intelWheel, "demo/a.so macho" + intelSlice, "; 1 slice without, which macOS asks for on arm64 only"},
		{intelWheel, "demo/a.so macho" + intelSlice + "\ndemo/b.so macho" + intelSlice, "; 2 slices without, which macOS asks for on arm64 only"},
		{armWheel, "demo/a.so macho" + armSlice, "who signed is not checked"},
	} {
		p := verify(t, tt.name, tt.spec, audit.VerifyOptions{})
		i := slices.IndexFunc(p.Claims, func(c audit.Claim) bool { return strings.HasPrefix(c.Text, "signed code is") })
		if i < 0 || !strings.HasSuffix(p.Claims[i].Basis, tt.want) {
			t.Errorf("%s: no claim on %q: %+v", tt.spec, tt.want, p.Claims)
		}
	}
}

func TestVerifyMacOSFails(t *testing.T) {
	const signed = "signatures: "
	runVerify(t, audit.Fails, []verifyCase{
		{"a newer macOS", intelWheel, "demo/a.so macho arch=x86_64 type=bundle minos=10.13", `
			platform: demo/a.so: it needs macOS 10.13 on x86_64, the tag promises 10.9`},
		{"an architecture that is not there", fatWheel, "demo/a.so macho" + armSlice, `
			platform: demo/a.so: it has no slice for x86_64, only for arm64; build it for arm64 and x86_64`},
		{"each tag on its own", "demo-1.0-cp312-cp312-macosx_10_9_x86_64.macosx_11_0_arm64.whl", "demo/a.so macho" + armSlice, `
			platform: demo/a.so: it has no slice for x86_64, only for arm64; build it for x86_64`},
		{"any platform", "demo-1.0-py3-none-any.whl", "demo/a.so macho" + armSlice, `
			platform: demo/a.so: a Mach-O file runs on macOS alone
			purelib: demo/a.so: Root-Is-Purelib is true, so this extension module is installed as pure Python`},
		{"a module for another Python", armWheel, "demo/a.cpython-311-darwin.so macho" + armSlice, `
			abi: demo/a.cpython-311-darwin.so: its name is for another Python than the tags`},
		{"a module that Python on macOS does not look for", armWheel, "demo/a.cpython-312-aarch64-linux-gnu.so macho" + armSlice, `
			abi: demo/a.cpython-312-aarch64-linux-gnu.so: its name is for Linux, Python on macOS does not look for it`},
		{"a binary in the purelib folder", armWheel, "demo-1.0.data/purelib/a.so macho" + armSlice, `
			purelib: demo-1.0.data/purelib/a.so: a binary may not lie in the purelib folder`},
		{"a library of the build machine", armWheel, "demo/a.so macho" + armSlice + " loads=/opt/b.dylib", `
			libraries: demo/a.so: /opt/b.dylib: it is neither in the wheel nor part of macOS; searched /opt (install name /opt/b.dylib: outside the wheel)
			paths: demo/a.so: /opt/b.dylib: its install name is a path of the machine that built it`},
		{"a library in one slice only", fatWheel, `
			demo/a.so     macho` + intelSlice + ` loads=@loader_path/b.dylib` + armSlice + ` loads=@loader_path/b.dylib
			demo/b.dylib  macho arch=x86_64 id=b.dylib`, `
			libraries: demo/a.so (arm64): @loader_path/b.dylib: it is neither in the wheel nor part of macOS; searched demo (install name @loader_path/b.dylib: x86_64, not arm64)`},
		{"a library that nothing leads to", armWheel, `
			demo/a.so          macho` + armSlice + ` loads=@rpath/b.dylib
			demo/lib/b.dylib   macho arch=arm64 id=@rpath/b.dylib signed=adhoc`, `
			order: demo/a.so: @rpath/b.dylib: no file of the wheel leads to demo/lib/b.dylib`},
		{"search paths", armWheel, "demo/a.so macho" + armSlice + " rpaths=/opt/lib,lib,@loader_path,@executable_path/..", `
			paths: demo/a.so: LC_RPATH "/opt/lib" is a path of the machine that built it
			paths: demo/a.so: LC_RPATH "lib" depends on the working directory`},
		{"arm64 code without a signature", fatWheel, "demo/a.so macho" + intelSlice + " arch=arm64 minos=11.0", signed + `demo/a.so (arm64): it has no signature, and macOS kills what loads such arm64 code; sign it (codesign -s -)`},
		{"a page that was changed", armWheel, "demo/a.so raw " + changed(t, 0x3f00), signed + `demo/a.so: offset 0x0: page 0 (16384 bytes) does not match the SHA-256 digest in the signature`},
		{"a slice of many that was changed", fatWheel, "demo/a.so raw " + changedSlice(t), signed + `demo/a.so (arm64): offset 0x8000: page 0 (16384 bytes) does not match the SHA-256 digest in the signature`},
	})
}

// changed returns a signed image with a byte changed, as a word of a spec.
func changed(t *testing.T, at int) string {
	t.Helper()
	return changedImage(t, armSlice, at)
}

func changedSlice(t *testing.T) string {
	t.Helper()
	return changedImage(t, intelSlice+armSlice, 0x8000+0x3f00)
}

func changedImage(t *testing.T, text string, at int) string {
	t.Helper()
	spec, err := machotest.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	b := machotest.Build(spec)
	b[at] ^= 0x20
	return strconv.Quote(string(b))
}

func TestVerifyMacOSUnchecked(t *testing.T) {
	runVerify(t, audit.Unchecked, []verifyCase{
		{"the order of imports", armWheel, `
			demo/a.so          macho` + armSlice + ` loads=@rpath/b.dylib
			demo/c.so          macho` + armSlice + ` loads=@rpath/b.dylib rpaths=@loader_path/lib
			demo/lib/b.dylib   macho arch=arm64 id=@rpath/b.dylib signed=adhoc`,
			"order: demo/a.so: @rpath/b.dylib: no name or rpath leads from it to demo/lib/b.dylib"},
		{"names of the build machine", fatWheel, "demo/a.dylib macho arch=x86_64 id=/opt/a.dylib arch=arm64 id=/DLC/a.dylib signed=adhoc",
			"paths: demo/a.dylib (x86_64): LC_ID_DYLIB \"/opt/a.dylib\" is a path of the machine that built it"},
		{"a weak library outside the wheel", armWheel, "demo/a.so macho" + armSlice + " loads=weak:/opt/b.dylib",
			"paths: demo/a.so: /opt/b.dylib: its install name is a path of the machine that built it"},
		{"what dyld does not load", armWheel, "demo/a.so macho" + armSlice + "\ndemo/a.o macho arch=arm64 type=object\ndemo/b.so elf aarch64",
			"binaries: demo/a.o: Mach-O object file\nbinaries: demo/b.so: ELF"},
	})
	p := verify(t, armWheel, "demo/a.so macho"+armSlice+" loads=/opt/b.dylib", audit.VerifyOptions{Options: audit.Options{Options: linkage.Options{Exclude: []string{"*/opt/*"}}}})
	if got := told(p, audit.Unchecked); len(got) != 1 || got[0] != "libraries: demo/a.so: /opt/b.dylib: left out as asked" || !p.Holds() {
		t.Errorf("excluded: unchecked %q, failed %v", got, p.Failed())
	}
}

// A damaged Mach-O file is named, and the others are still held to all.
func TestVerifyDamagedMachO(t *testing.T) {
	p := verify(t, armWheel, `demo/a.so raw "\xcf\xfa\xed\xfe\x0c\x00\x00\x01"`+"\ndemo/b.so macho"+armSlice+" rpaths=/opt", audit.VerifyOptions{})
	want := []string{
		"binaries: demo/a.so: offset 0x0: 28 bytes are wanted here, the file ends at 0x8; it looks truncated",
		`paths: demo/b.so: LC_RPATH "/opt" is a path of the machine that built it`,
	}
	if got := told(p, audit.Fails); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", got, want)
	}
}
