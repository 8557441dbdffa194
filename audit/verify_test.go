package audit_test

import (
	"bytes"
	"context"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/wheel"
)

const (
	glibcWheel = "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"
	muslWheel  = "demo-1.0-cp312-cp312-musllinux_1_2_x86_64.whl"
)

// verify verifies a wheel that is described as for wheeltest.Build.
func verify(t *testing.T, filename, spec string, opts audit.VerifyOptions) *audit.Proof {
	t.Helper()
	p, err := audit.Verify(context.Background(), filename, reader(t, filename, spec), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// reader builds a wheel and opens it.
func reader(t *testing.T, filename, spec string) *wheel.Reader {
	t.Helper()
	image, err := wheeltest.Build(filename, spec)
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// told lists the faults of the claims with an outcome, each with its topic.
func told(p *audit.Proof, outcome audit.Outcome) []string {
	var out []string
	for _, c := range p.Claims {
		if c.Outcome != outcome {
			continue
		}
		for i := range c.Faults {
			out = append(out, string(c.Topic)+": "+c.Faults[i].Text(100))
		}
		if len(c.Faults) == 0 {
			out = append(out, string(c.Topic)+": "+c.Text)
		}
	}
	return out
}

// A verifyCase is a wheel with the faults that are to be found in it, and with
// nothing else wrong.
type verifyCase struct{ name, filename, spec, want string }

func runVerify(t *testing.T, outcome audit.Outcome, cases []verifyCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			p := verify(t, tt.filename, tt.spec, audit.VerifyOptions{})
			var want []string
			for line := range strings.Lines(tt.want) {
				if line = strings.TrimSpace(line); line != "" {
					want = append(want, line)
				}
			}
			if diff := cmp.Diff(want, told(p, outcome)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", outcome, diff)
			}
			if outcome == audit.Fails && p.Holds() != (want == nil) {
				t.Errorf("Holds() = %v", p.Holds())
			}
		})
	}
}

func TestVerifyHolds(t *testing.T) {
	runVerify(t, audit.Fails, []verifyCase{
		{"a module with a library of its own", glibcWheel, `
			demo/_core.so     elf x86_64 needed=libx-1.so,libc.so.6 import=f@X_1:libx-1.so,memcpy@GLIBC_2.14:libc.so.6,PyList_New rpath=$ORIGIN/../demo.libs export=PyInit__core
			demo.libs/libx-1.so elf x86_64 soname=libx-1.so needed=libc.so.6 export=f@X_1`, ""},
		{"a musl wheel", muslWheel, `
			demo/_core.so  elf x86_64 needed=libc.musl-x86_64.so.1 import=memcpy,PyList_New export=PyInit__core`, ""},
		{"a pure wheel", "demo-1.0-py3-none-any.whl", `demo/__init__.py text "x"`, ""},
		{"a build number", "demo-1.0-2-cp312-cp312-manylinux_2_17_x86_64.whl", module("needed=libc.so.6"), ""},
		{"compressed tags and aliases", "demo-1.0-cp311.cp312-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", module("needed=libc.so.6"), ""},
		{"a tag without a policy of its own", "demo-1.0-cp312-cp312-manylinux_2_18_x86_64.whl", module("needed=libc.so.6 import=f@GLIBC_2.17:libc.so.6"), ""},
		{"symbols of the process, of zlib, without versions", glibcWheel, module("needed=libz.so.1 import=malloc,fmax,dladdr,deflate"), ""},
		{"symbols of the loader in a library that needs nothing", glibcWheel, "demo/libx.so elf x86_64 soname=libx.so import=__tls_get_addr,_r_debug,malloc,pthread_create,dlopen", ""},
		{"symbols of the loader in a program", glibcWheel, "demo-1.0.data/scripts/tool elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libc.so.6 import=__libc_stack_end", ""},
		{"a symbol of the loader that is private to glibc", glibcWheel, module("needed=libc.so.6 import=__libc_enable_secure"), ""},
		{"of the loader for s390", "demo-1.0-cp312-cp312-manylinux_2_17_s390x.whl", "demo/libx.so elf s390x soname=libx.so import=__tls_get_offset", ""},
		{"a library that the tag promises, and another of its soname out of reach", glibcWheel, module("needed=libz.so.1,libc.so.6 import=f@ZLIB_1.2.2:libz.so.1") + "\n_vendor/libz.so elf x86_64 soname=libz.so.1 export=f@OLD_1", ""},
		{"a weak symbol that nobody has", glibcWheel, module("needed=libx.so weak=gone rpath=$ORIGIN") + "\ndemo/libx.so elf x86_64 soname=libx.so", ""},
		{"another name of the version", glibcWheel, `
			demo/__init__.py                    text "x"
			demo-1.0.dist-info/METADATA         text "Metadata-Version: 2.1" "Name: Demo" "Version: 1.0.0"`, ""},
	})
}

// TestDamagedFilesLeaveTagsOpen: what a file needs that cannot be read is not known, and a
// wheel that holds one is not without binaries.
func TestDamagedFilesLeaveTagsOpen(t *testing.T) {
	const (
		badELF   = `demo/_core.so raw "\x7fELF\x02\x01\x01"`
		badMachO = `demo/_core.so raw "\xcf\xfa\xed\xfe"`
	)
	runVerify(t, audit.Unchecked, []verifyCase{
		{"ELF for Linux", glibcWheel, badELF, "platform: what manylinux_2_17_x86_64 promises is met"},
		{"ELF for Android", "demo-1.0-cp313-cp313-android_24_arm64_v8a.whl", badELF, "platform: what android_24_arm64_v8a promises is met"},
		{"ELF for any system", "demo-1.0-py3-none-any.whl", badELF, "platform: what any promises is met"},
		{"Mach-O for macOS", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", badMachO, "platform: what macosx_11_0_arm64 promises is met"},
		{"nothing is damaged", "demo-1.0-py3-none-any.whl", `demo/__init__.py text "x"`, ""},
	})
}

func TestVerifyRecord(t *testing.T) {
	const good = "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"
	runVerify(t, audit.Fails, []verifyCase{
		{"wrong hash, wrong size, missing row, row without member, all at once", "demo-1.0-py3-none-any.whl", `
			demo/a.py                    text "x"
			demo/b.py                    raw ""
			demo/c.py                    raw ""
			demo-1.0.dist-info/METADATA  text "Metadata-Version: 2.1" "Name: demo" "Version: 1.0"
			demo-1.0.dist-info/WHEEL     text "Wheel-Version: 1.0" "Root-Is-Purelib: true" "Tag: py3-none-any"
			demo-1.0.dist-info/RECORD    text "demo/a.py,` + good + `" "demo/b.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,7" "demo/gone.py,` + good + `" "demo-1.0.dist-info/METADATA,," "demo-1.0.dist-info/WHEEL,md5=x,1" "demo-1.0.dist-info/RECORD,,"`, `
			record: demo/c.py: member has no row in RECORD (PEP 427)
			record: demo-1.0.dist-info/METADATA: RECORD row has no hash (PEP 427)
			record: demo/gone.py: RECORD has a row for this member, the archive does not have it
			record: demo/a.py: RECORD gives 0 bytes, the member has 2
			record: demo/b.py: RECORD gives 7 bytes, the member has 0
			record: demo-1.0.dist-info/WHEEL: RECORD hash "md5=x" is not one of sha256, sha384, sha512 (PEP 427)`},
		{"a row twice", "demo-1.0-py3-none-any.whl", `
			demo/b.py                    raw ""
			demo-1.0.dist-info/RECORD    text "demo/b.py,` + good + `" "demo/b.py,` + good + `"`, `
			record: demo-1.0.dist-info/RECORD: offset 0x3f: RECORD has a second row for "demo/b.py"`},
	})
}

func TestVerifyNames(t *testing.T) {
	const meta = `demo/__init__.py text "x"
		demo-1.0.dist-info/`
	runVerify(t, audit.Fails, []verifyCase{
		{"METADATA of another wheel", "demo-1.0-py3-none-any.whl", meta + `METADATA text "Metadata-Version: 2.1" "Name: other" "Version: 1.1"`, `
			names: demo-1.0.dist-info/METADATA: Name is other, the file name has demo
			names: demo-1.0.dist-info/METADATA: Version is 1.1, the file name has 1.0`},
		{"tags too many and too few", "demo-1.0-py2.py3-none-any.whl", meta + `WHEEL text "Wheel-Version: 1.0" "Root-Is-Purelib: true" "Tag: py3-none-any" "Tag: py4-none-any"`, `
			tags: demo-1.0.dist-info/WHEEL: it has no Tag line for py2-none-any, which the file name stands for
			tags: demo-1.0.dist-info/WHEEL: it has a Tag line for py4-none-any, which the file name does not stand for`},
		{"a build number in the file name alone", "demo-1.0-2-py3-none-any.whl", meta + `WHEEL text "Wheel-Version: 1.0" "Root-Is-Purelib: true" "Tag: py3-none-any"`, `
			names: demo-1.0.dist-info/WHEEL: Build is "", the file name has "2"`},
		{"no WHEEL that can be read", "demo-1.0-py3-none-any.whl", meta + `WHEEL text "Wheel-Version: 2.0"`, `
			names: demo-1.0.dist-info/WHEEL: Wheel-Version is "2.0", 1.0 was expected`},
		{"the folder of another version", "demo-1.0-py3-none-any.whl", `
			demo/__init__.py             text "x"
			demo-1.0.dist-info/METADATA  absent
			demo-1.0.dist-info/WHEEL     absent
			demo-1.0.dist-info/RECORD    absent
			demo-2.0.dist-info/METADATA  text "Metadata-Version: 2.1" "Name: demo" "Version: 1.0"
			demo-2.0.dist-info/WHEEL     text "Wheel-Version: 1.0" "Root-Is-Purelib: true" "Tag: py3-none-any"
			demo-2.0.dist-info/RECORD    raw ""`, `
			record: demo/__init__.py: member has no row in RECORD (PEP 427)
			record: demo-2.0.dist-info/METADATA: member has no row in RECORD (PEP 427)
			record: demo-2.0.dist-info/WHEEL: member has no row in RECORD (PEP 427)
			record: demo-2.0.dist-info/RECORD: RECORD has no row for itself, which installer refuses
			names: demo-2.0.dist-info: it is the folder of version 2.0, the file name is for 1.0`},
	})
}

func TestVerifyPlatform(t *testing.T) {
	runVerify(t, audit.Fails, []verifyCase{
		{"a version that is too new", glibcWheel, module("needed=libc.so.6 import=f@GLIBC_2.28:libc.so.6,g@GLIBC_2.28:libc.so.6"), `
			platform: demo/_core.so: GLIBC_2.28 of libc.so.6: GLIBC_2.28 is newer than manylinux_2_17 promises (f, g)`},
		{"of two tags, the one that is too old", "demo-1.0-cp312-cp312-manylinux_2_12_x86_64.manylinux_2_17_x86_64.whl", module("needed=libc.so.6 import=f@GLIBC_2.14:libc.so.6"), `
			platform: demo/_core.so: GLIBC_2.14 of libc.so.6: GLIBC_2.14 is newer than manylinux_2_12 promises (f)`},
		{"another architecture", glibcWheel, module("needed=libc.so.6") + "\ndemo/_arm.so elf aarch64 needed=libc.so.6", `
			platform: demo/_arm.so: it is for aarch64, the wheel for x86_64`},
		{"another architecture than the linux tag", linuxWheel, "demo/_arm.so elf aarch64 needed=libc.so.6", `
			pypi: linux_x86_64: PyPI takes manylinux and musllinux wheels: repair it first
			platform: demo/_arm.so: it is for aarch64, the wheel for x86_64`},
		{"two architectures", "demo-1.0-cp312-cp312-manylinux_2_17_aarch64.manylinux_2_17_x86_64.whl", module("needed=libc.so.6"), `
			platform: the file name names two architectures, aarch64 and x86_64; a Linux wheel has one`},
		{"any platform", "demo-1.0-py3-none-any.whl", "demo/lib.so elf x86_64 needed=libc.so.6", `
			platform: demo/lib.so: an ELF file runs on Linux alone`},
		{"a newer processor", glibcWheel, module("needed=libc.so.6 isa=v3"), `
			platform: demo/_core.so: it needs an x86-64-v3 processor, manylinux_2_17_x86_64 promises the baseline; build without -march`},
		{"a forbidden symbol", glibcWheel, module("needed=libz.so.1 import=inflate_table"), `
			platform: demo/_core.so: libz.so.1: manylinux_2_17 rules out symbols that are internal to libz.so.1 (inflate_table)`},
		{"a tag that is none", "demo-1.0-cp312-cp312-manylinux_2_x86_64.whl", module("needed=libc.so.6"), `
			pypi: manylinux_2_x86_64: PyPI does not know this platform
			platform: platform tag "manylinux_2_x86_64" is of no known form; expected one like manylinux_2_28_x86_64, linux_x86_64, macosx_11_0_arm64, win_amd64 or any`},
		{"a damaged binary", glibcWheel, module("needed=libc.so.6") + "\ndemo/_cut.so cut=30 elf x86_64", `
			binaries: demo/_cut.so: offset 0x0: ELF header of 64 bytes runs past the end of the file (30 bytes); the file looks truncated`},
	})
}

func TestVerifyPlaces(t *testing.T) {
	runVerify(t, audit.Fails, []verifyCase{
		{"a binary in the purelib folder", glibcWheel, "demo-1.0.data/purelib/demo/lib.so elf x86_64 needed=libc.so.6", `
			purelib: demo-1.0.data/purelib/demo/lib.so: a binary may not lie in the purelib folder`},
		{"an extension module at a pure root", glibcWheel, module("needed=libc.so.6") + `
			demo/libplain.so          elf x86_64 needed=libc.so.6
			demo-1.0.dist-info/WHEEL  text "Wheel-Version: 1.0" "Root-Is-Purelib: true" "Tag: cp312-cp312-manylinux_2_17_x86_64"`, `
			purelib: demo/_core.so: Root-Is-Purelib is true, so this extension module is installed as pure Python`},
		{"a module for another Python", glibcWheel, `
			demo/_a.cpython-311-x86_64-linux-gnu.so  elf x86_64 export=PyInit__a
			demo/_b.cpython-311-x86_64-linux-gnu.so  elf x86_64 export=PyInit__b
			demo/_b.cpython-312-x86_64-linux-gnu.so  elf x86_64 export=PyInit__b
			demo/_c.cpython-312t-x86_64-linux-gnu.so elf x86_64 export=PyInit__c
			demo/_d.pypy310-pp73-x86_64-linux-gnu.so elf x86_64 export=PyInit__d
			demo/_e.abi3.so                          elf x86_64 export=PyInit__e
			demo/_f.so                               elf x86_64 export=PyInit__f`, `
			abi: demo/_a.cpython-311-x86_64-linux-gnu.so: its name is for another Python than the tags
			abi: demo/_c.cpython-312t-x86_64-linux-gnu.so: its name is for another Python than the tags
			abi: demo/_d.pypy310-pp73-x86_64-linux-gnu.so: its name is for another Python than the tags`},
		{"PyPy and free-threaded Python", "demo-1.0-pp310.cp312-pypy310_pp73.cp312t-manylinux_2_17_x86_64.whl", `
			demo/_c.cpython-312t-x86_64-linux-gnu.so elf x86_64 export=PyInit__c
			demo/_d.pypy310-pp73-x86_64-linux-gnu.so elf x86_64 export=PyInit__d`, ""},
		{"a name for another architecture", glibcWheel, `
			demo/_a.cpython-312-aarch64-linux-gnu.so elf x86_64 export=PyInit__a`, `
			abi: demo/_a.cpython-312-aarch64-linux-gnu.so: its name is for aarch64, Python on x86_64 does not look for it`},
		{"a name for another C library", glibcWheel, `
			demo/_a.cpython-312-x86_64-linux-musl.so elf x86_64 export=PyInit__a`, `
			abi: demo/_a.cpython-312-x86_64-linux-musl.so: its name is for musl, Python on glibc does not look for it`},
		{"search paths", glibcWheel, module("needed=libc.so.6 rpath=/build/lib:$ORIGIN/x::lib") + "\ndemo/_b.so elf x86_64 runpath=${ORIGIN}:/usr/lib", `
			paths: demo/_b.so: DT_RUNPATH entry "/usr/lib" is a path of the machine that built it
			paths: demo/_core.so: DT_RPATH entry "/build/lib" is a path of the machine that built it
			paths: demo/_core.so: DT_RPATH entry "" means the working directory
			paths: demo/_core.so: DT_RPATH entry "lib" depends on the working directory`},
		{"an executable stack", glibcWheel, module("needed=libc.so.6 execstack"), `
			stack: demo/_core.so: its PT_GNU_STACK asks for an executable stack, which glibc from 2.41 on and hardened systems refuse; link with -z noexecstack`},
	})
}

func TestVerifyLibraries(t *testing.T) {
	runVerify(t, audit.Fails, []verifyCase{
		{"not in the wheel, not promised", glibcWheel, module("needed=libx.so,libc.so.6 rpath=$ORIGIN/lib"), `
			libraries: demo/_core.so: libx.so: it is not in the wheel, and manylinux_2_17_x86_64 does not promise it; searched demo/lib (DT_RPATH $ORIGIN/lib of demo/_core.so)`},
		{"promised by the newer tag alone", "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl", module("needed=libmvec.so.1"), `
			libraries: demo/_core.so: libmvec.so.1: it is not in the wheel, and manylinux_2_17_x86_64 does not promise it`},
		{"libpython", glibcWheel, module("needed=libpython3.12.so.1.0"), `
			libraries: demo/_core.so: libpython3.12.so.1.0: extension modules must not load libpython (PEP 513)`},
		{"another C library", glibcWheel, module("needed=libc.so.6") + "\ndemo/libm.so elf x86_64 needed=libc.musl-x86_64.so.1", `
			libraries: demo/libm.so: libc.musl-x86_64.so.1: it belongs to musl, manylinux_2_17_x86_64 is for glibc`},
		{"in the wheel, with no search path to it anywhere", glibcWheel, module("needed=libx.so") + "\nx.libs/libx.so elf x86_64 soname=libx.so", `
			order: demo/_core.so: libx.so: no file of the wheel leads to x.libs/libx.so`},
		{"for another machine than the module", glibcWheel, module("needed=libx.so rpath=$ORIGIN") + "\ndemo/libx.so elf i686", `
			platform: demo/libx.so: it is for i686, the wheel for x86_64
			libraries: demo/_core.so: libx.so: it is not in the wheel, and manylinux_2_17_x86_64 does not promise it; searched demo (DT_RPATH $ORIGIN of demo/_core.so)`},
	})
}

func TestVerifySymbols(t *testing.T) {
	const needsX = "needed=libx.so rpath=$ORIGIN "
	runVerify(t, audit.Fails, []verifyCase{
		{"a version that the library does not have", glibcWheel, module(needsX+"import=f@X_2:libx.so,g@X_1:libx.so") + "\ndemo/libx.so elf x86_64 soname=libx.so export=f@X_1,g@X_1", `
			symbols: demo/_core.so: X_2 of libx.so: demo/libx.so does not define this version (f)`},
		{"a version without the symbol", glibcWheel, module(needsX+"import=f@X_1:libx.so") + "\ndemo/libx.so elf x86_64 soname=libx.so export=g@X_1", `
			symbols: demo/_core.so: X_1 of libx.so: demo/libx.so does not define it with this version (f)`},
		{"a symbol that nobody has", glibcWheel, module(needsX+"import=f,g") + "\ndemo/libx.so elf x86_64 soname=libx.so export=g", `
			symbols: demo/_core.so: no loaded file defines it (f)`},
		{"a symbol that libc does not have", glibcWheel, module("needed=libc.so.6,libstdc++.so.6 import=f"), `
			symbols: demo/_core.so: no loaded file defines it (f)`},
		{"a symbol that came with a later libc", glibcWheel, module("needed=libc.so.6 import=statx"), `
			symbols: demo/_core.so: no loaded file defines it (statx)`},
		{"a symbol of Python's libm in a program", glibcWheel, `
			demo-1.0.data/scripts/tool elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libc.so.6 import=malloc,fmax`, `
			symbols: demo-1.0.data/scripts/tool: no loaded file defines it (fmax)`},
		{"a symbol of the loader for another machine", glibcWheel, module("needed=libc.so.6 import=__tls_get_offset"), `
			symbols: demo/_core.so: no loaded file defines it (__tls_get_offset)`},
		{"a symbol of a later loader", glibcWheel, module("needed=libc.so.6 import=__rseq_offset"), `
			symbols: demo/_core.so: no loaded file defines it (__rseq_offset)`},
		{"a symbol that musl does not have", muslWheel, module("needed=libc.musl-x86_64.so.1 import=memcpy,gnu_get_libc_version"), `
			symbols: demo/_core.so: no loaded file defines it (gnu_get_libc_version)`},
		{"a library without any version, of which one is wanted", glibcWheel, module(needsX+"import=f@X_1:libx.so") + "\ndemo/libx.so elf x86_64 soname=libx.so export=f", `
			symbols: demo/_core.so: X_1 of libx.so: demo/libx.so does not define it with this version (f)`},
		{"a version of a library that is not loaded", glibcWheel, module(needsX+"need=liby.so:Y_1") + "\ndemo/libx.so elf x86_64 soname=libx.so", `
			symbols: demo/_core.so: Y_1 of liby.so: no library of that name is loaded`},
		{"a library that finds its symbol with one of its users only", glibcWheel, `
			demo/_a.so    elf x86_64 needed=libx.so,liby.so rpath=$ORIGIN export=PyInit__a
			demo/_b.so    elf x86_64 needed=libx.so rpath=$ORIGIN export=PyInit__b
			demo/libx.so  elf x86_64 soname=libx.so import=f
			demo/liby.so  elf x86_64 soname=liby.so export=f`, `
			symbols: demo/libx.so: no loaded file defines it, when demo/_b.so loads it (f)`},
		{"Python's symbols in a program", glibcWheel, `
			demo-1.0.data/scripts/tool elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 import=PyList_New`, `
			symbols: demo-1.0.data/scripts/tool: no loaded file defines it (PyList_New)`},
		{"Python's symbols in the library of a program", glibcWheel, `
			demo-1.0.data/scripts/tool elf x86_64 interp=/lib64/ld-linux-x86-64.so.2 needed=libx.so rpath=$ORIGIN
			demo-1.0.data/scripts/libx.so elf x86_64 soname=libx.so import=PyList_New`, `
			symbols: demo-1.0.data/scripts/libx.so: no loaded file defines it, when demo-1.0.data/scripts/tool loads it (PyList_New)`},
		{"libraries that only need each other", glibcWheel, `
			demo/liba.so elf x86_64 needed=libb.so rpath=$ORIGIN import=f
			demo/libb.so elf x86_64 needed=liba.so rpath=$ORIGIN import=g export=f`, `
			symbols: demo/libb.so: no loaded file defines it, when demo/liba.so loads it (g)`},
		{"musl looks at no version", muslWheel, module(needsX+"import=f@X_2:libx.so") + "\ndemo/libx.so elf x86_64 soname=libx.so export=f@X_1", ""},
	})
}

func TestVerifyUnchecked(t *testing.T) {
	runVerify(t, audit.Unchecked, []verifyCase{
		{"a linux tag promises nothing", linuxWheel, module("needed=libc.so.6,libx.so import=f@GLIBC_2.2.5:libc.so.6"), `
			libraries: demo/_core.so: needs libc.so.6, libx.so of the system
			symbols: demo/_core.so: GLIBC_2.2.5 of libc.so.6: left to the system (f)`},
		{"packed relocations, for musl", muslWheel, "demo/_core.so elf x86_64 needed=libc.musl-x86_64.so.1 relr export=PyInit__core\ndemo/b.so elf x86_64 needed=libc.musl-x86_64.so.1", `
			platform: demo/_core.so: its relocations are packed (DT_RELR)`},
		{"an architecture that no policy speaks of", "demo-1.0-cp312-cp312-linux_armv6l.whl", "demo/_core.so elf armv7l flags=0x05000200 needed=libgone.so", `
			libraries: demo/_core.so: needs libgone.so of the system`},
		{"an architecture that nobody knows", "demo-1.0-cp312-cp312-linux_vax.whl", "demo/_core.so elf armv7l needed=libgone.so", `
			pypi: linux_vax: PyPI takes manylinux and musllinux wheels: repair it first
			platform: the ELF files are for vax
			libraries: the ELF files load`},
		{"a system that nobody knows", "demo-1.0-cp312-cp312-pyodide_2024_0_wasm32.whl", `demo/_core.so raw "\x00asm"`, `
			binaries: demo/_core.so: WebAssembly
			platform: what pyodide_2024_0_wasm32 promises is met`},
		{"Windows", "demo-1.0-cp312-cp312-win_amd64.whl", "demo/_core.pyd pe x64 needed=KERNEL32.dll:Sleep,python312.dll export=PyInit__core", `
			symbols: Windows and Python export what is imported from them`},
		{"symbols of a promised library that nobody has a list of", glibcWheel, module("needed=libX11.so.6,libz.so.1 import=deflate,XOpenDisplay"), `
			symbols: demo/_core.so: left to the system (XOpenDisplay)`},
		{"symbols that GCC's libraries may have, through another library", glibcWheel, module("needed=libx.so,libc.so.6 import=f rpath=$ORIGIN") + "\ndemo/libx.so elf x86_64 soname=libx.so needed=libstdc++.so.6", `
			symbols: demo/_core.so: left to the system (f)`},
		{"a tag without a policy of its own, that may be met or not", "demo-1.0-cp312-cp312-manylinux_2_18_x86_64.whl", module("needed=libc.so.6 import=f@GLIBC_2.18:libc.so.6"), `
			platform: demo/_core.so: GLIBC_2.18 of libc.so.6: GLIBC_2.18 is newer than manylinux_2_17 promises (f)
			libraries: demo/_core.so: needs libc.so.6 of the system
			symbols: demo/_core.so: GLIBC_2.18 of libc.so.6: left to the system (f)`},
		{"a search path that only another module has", glibcWheel, module("needed=libx.so") + `
			demo/_other.so  elf x86_64 needed=libx.so rpath=$ORIGIN/../x.libs export=PyInit__other
			x.libs/libx.so  elf x86_64 soname=libx.so`, `
			order: demo/_core.so: libx.so: no search path leads from it to x.libs/libx.so`},
	})
	t.Run("what is left out", func(t *testing.T) {
		opts := audit.VerifyOptions{}
		opts.Exclude = []string{"libx*"}
		p := verify(t, glibcWheel, module("needed=libx.so import=f"), opts)
		want := []string{"libraries: demo/_core.so: libx.so: left out as asked", "symbols: demo/_core.so: left to the system (f)"}
		if diff := cmp.Diff(want, told(p, audit.Unchecked)); diff != "" || !p.Holds() {
			t.Errorf("holds: %v; unchecked (-want +got):\n%s", p.Holds(), diff)
		}
	})
}

// With a system to look at, what is left to it is looked up there. What is not
// promised stays unpromised, though the system has it.
func TestVerifyOnASystem(t *testing.T) {
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := wheeltest.WriteLibs(root, `
		usr/lib/libz.so.1  elf x86_64 soname=libz.so.1 export=deflate
		usr/lib/libx.so    elf x86_64 soname=libx.so import=f@GLIBC_2.99:libc.so.6 needed=libc.so.6
		usr/lib/libc.so.6  elf x86_64 soname=libc.so.6 export=memcpy@GLIBC_2.14`); err != nil {
		t.Fatal(err)
	}
	opts := audit.VerifyOptions{System: true}
	opts.Sysroot = root
	p := verify(t, glibcWheel, module("needed=libz.so.1,libc.so.6,libx.so import=deflate,inflate,memcpy@GLIBC_2.14:libc.so.6,memset@GLIBC_2.14:libc.so.6"), opts)
	want := []string{
		"libraries: demo/_core.so: libx.so: it is not in the wheel, and manylinux_2_17_x86_64 does not promise it",
		"symbols: demo/_core.so: no loaded file defines it (inflate)",
		"symbols: demo/_core.so: GLIBC_2.14 of libc.so.6: " + root + "/usr/lib/libc.so.6 does not define it with this version (memset)",
	}
	if diff := cmp.Diff(want, told(p, audit.Fails)); diff != "" {
		t.Errorf("fails (-want +got):\n%s", diff)
	}
	if open := told(p, audit.Unchecked); len(open) > 0 {
		t.Errorf("unchecked: %q, want nothing", open)
	}
}

// A claim that holds says what it was checked by: the numbers are those of the wheel.
func TestVerifyTellsItsBasis(t *testing.T) {
	const needsX = "needed=libx.so,libc.so.6 rpath=$ORIGIN "
	for _, tt := range []struct {
		name, filename, spec string
		want                 []string // in one of the claims
	}{
		{"symbols, each where it was found", glibcWheel, module(needsX+"import=f,g,malloc,PyList_New,PyList_Append,PyList_Size") + "\ndemo/libx.so elf x86_64 soname=libx.so export=f,g",
			[]string{"2 symbols found, 1 promised by manylinux_2_17_x86_64, 3 of Python's own"}},
		{"a build number", "demo-1.0-2-cp312-cp312-manylinux_2_17_x86_64.whl", module("needed=libc.so.6"), []string{"Build: 2"}},
		{"no build number", glibcWheel, module("needed=libc.so.6"), []string{"the file name has none"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := verify(t, tt.filename, tt.spec, audit.VerifyOptions{})
			var seen []string
			for _, c := range p.Claims {
				seen = append(seen, string(c.Topic)+": "+c.Text+" ("+c.Basis+")")
			}
			for _, want := range tt.want {
				if !slices.ContainsFunc(p.Claims, func(c audit.Claim) bool { return strings.Contains(c.Basis, want) }) {
					t.Errorf("no claim with %q among %q", want, seen)
				}
			}
		})
	}
}
