package audit_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/wheel"
)

func TestFormats(t *testing.T) {
	for _, tt := range []struct {
		name, filename, wheel string
		format                audit.Format
		tag                   string
		foreign               []string
	}{
		{"pure", "demo-1.0-py3-none-any.whl", `demo/__init__.py text "x = 1"`, audit.Pure, "any", nil},
		{"Mach-O", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "demo/_core.so macho arch=arm64 type=bundle minos=11.0\ndemo/fake.so text \"x\"\ndemo/x.o macho arch=arm64 type=object\ndemo/y.so elf x86_64\ndemo/libz.a raw \"!<arch>\\n\"", audit.MachO, "macosx_11_0_arm64",
			[]string{"demo/fake.so not Mach-O, in spite of its name", "demo/libz.a static archive", "demo/x.o Mach-O object file", "demo/y.so ELF"}},
		{"a universal static archive", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "demo/_core.so macho arch=arm64 type=bundle minos=11.0\ndemo/libz.a raw \"\\xca\\xfe\\xba\\xbe\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x07\\x00\\x00\\x00\\x03\\x00\\x00\\x00\\x1c\\x00\\x00\\x00\\x08\\x00\\x00\\x00\\x03!<arch>\\n\"", audit.MachO, "macosx_11_0_arm64", []string{"demo/libz.a static archive"}},
		{"data that begins like a binary", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "demo/_core.so macho arch=arm64 type=bundle minos=11.0\ndemo/a.bin raw \"\\xcf\\xfa\\xed\\xfe\"\ndemo/b.dat raw \"\\xca\\xfe\\xba\\xbe\\x00\\x00\\x00\\x02\"\ndemo/c raw \"\\xfe\\xed\\xfa\\xce and so on\"\ndemo/d raw \"\\x7fELF and so on\"\ndemo/e.class raw \"\\xca\\xfe\\xba\\xbe\\x00\\x00\\x00\\x34\"", audit.MachO, "macosx_11_0_arm64",
			[]string{"demo/a.bin data that begins like a Mach-O file", "demo/b.dat data that begins like a Mach-O file", "demo/c data that begins like a Mach-O file", "demo/d data that begins like an ELF file"}},
		{"kinds that dyld does not load", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", "demo/_core.so macho arch=arm64 type=bundle minos=11.0\ndemo/_core.so.dSYM/Contents/Resources/DWARF/_core.so macho arch=arm64 type=dsym\ndemo/a.o macho arch=arm64 type=object\ndemo/core.1 macho arch=x86_64 type=core\ndemo/k macho arch=x86_64 type=kext\ndemo/s.tbd macho arch=x86_64 type=stub", audit.MachO, "macosx_11_0_arm64",
			[]string{"demo/_core.so.dSYM/Contents/Resources/DWARF/_core.so Mach-O debug symbols", "demo/a.o Mach-O object file", "demo/core.1 Mach-O core file", "demo/k Mach-O kernel extension", "demo/s.tbd Mach-O library stub"}},
		{"Mach-O for any platform", "demo-1.0-py3-none-any.whl", "demo/_core.so macho arch=x86_64 type=bundle minos=10.13", audit.MachO, "macosx_10_13_x86_64", nil},
		{"Mach-O beside ELF", linuxWheel, module("needed=libc.so.6") + "demo/x.dylib macho arch=arm64 minos=11.0", audit.ELF, "manylinux_2_5_x86_64", []string{"demo/x.dylib Mach-O"}},
		{"Mach-O in a Linux wheel", linuxWheel, "demo/x.dylib macho arch=arm64 minos=11.0", audit.MachO, "macosx_11_0_arm64", nil},
		{"ELF in a macOS wheel", "demo-1.0-cp312-cp312-macosx_11_0_arm64.whl", module("needed=libc.so.6"), audit.ELF, "manylinux_2_5_x86_64", nil},
		{"launchers in a wheel for any platform", "demo-1.0-py3-none-any.whl", `demo/t64.exe raw "MZ\x90"`, audit.Pure, "any", []string{"demo/t64.exe PE"}},
		{"a DLL in a wheel for any platform", "demo-1.0-py3-none-any.whl", `demo/x.dll pe x64`, audit.PE, "win_amd64", nil},
		{"Windows", "demo-1.0-cp312-cp312-win_amd64.whl", "demo/x.exe pe x64 program needed=KERNEL32.dll\ndemo/y.exe raw \"MZ\"", audit.PE, "win_amd64", []string{"demo/y.exe data that begins like a PE file"}},
		{"Pyodide", "demo-1.0-cp312-cp312-pyodide_2024_0_wasm32.whl", `demo/x.so raw "\x00asm"`, audit.Wasm, "", []string{"demo/x.so WebAssembly"}},
		{"WebAssembly for any platform", "demo-1.0-py3-none-any.whl", `demo/core.wasm raw "\x00asm"`, audit.Wasm, "", []string{"demo/core.wasm WebAssembly"}},
		{"ELF and Mach-O for any platform", "demo-1.0-py3-none-any.whl", module("needed=libc.so.6") + "demo/x.dylib macho arch=arm64 minos=11.0", audit.Several, "", []string{"demo/_core.so ELF", "demo/x.dylib Mach-O"}},
		{"a tag for each of two systems", "demo-1.0-cp312-cp312-macosx_11_0_arm64.manylinux_2_28_x86_64.whl", module("needed=libc.so.6") + "demo/x.dylib macho arch=arm64 minos=11.0", audit.Several, "", []string{"demo/_core.so ELF", "demo/x.dylib Mach-O"}},
		{"Linux files under a tag of FreeBSD", "demo-1.0-cp312-cp312-freebsd_13_amd64.whl", module("needed=libc.so.6"), audit.ELF, "", []string{"demo/_core.so ELF"}},
		{"FreeBSD", "demo-1.0-cp312-cp312-freebsd_13_amd64.whl", module("needed=libc.so.7 osabi=9"), audit.ELF, "", []string{"demo/_core.so ELF"}},
		{"Android", "demo-1.0-cp313-cp313-android_21_x86_64.whl", module("needed=libc.so"), audit.ELF, "android_21_x86_64", nil},
		{"a tag of Android for another architecture", "demo-1.0-cp313-cp313-android_21_arm64_v8a.whl", module("needed=libc.so"), audit.ELF, "", nil},
		{"Android under a tag of Linux", linuxWheel, module("needed=libc.so import=malloc@LIBC:libc.so"), audit.ELF, "", []string{"demo/_core.so ELF"}},
		{"Android beside Linux", linuxWheel, module("needed=libc.so.6") + "demo/gadget-14.so elf aarch64 needed=libc.so import=malloc@LIBC:libc.so", audit.ELF, "manylinux_2_5_x86_64", nil},
		{"iOS", "demo-1.0-cp313-cp313-ios_13_0_arm64_iphoneos.whl", "demo/x.so macho arch=arm64 type=bundle minos=13.0 platform=2", audit.MachO, "", []string{"demo/x.so Mach-O"}},
		{"fat Mach-O, not a Java class", "demo-1.0-py3-none-any.whl", "demo/a raw \"\\xca\\xfe\\xba\\xbe\\x00\\x00\\x00\\x02\"\ndemo/b.class raw \"\\xca\\xfe\\xba\\xbe\\x00\\x00\\x00\\x34\"", audit.Pure, "any", []string{"demo/a Mach-O"}},
		{"files of other systems beside ELF", linuxWheel, module("needed=libc.so.6") + `
			demo/a.dll raw "MZ\x90"
			demo/notes.txt raw "MZ is how it begins"
			demo/libx.a raw "!<arch>\n"
			demo/empty.so raw ""
			demo/fake.so text "not a library"
			demo/script.so text "#!/bin/sh"`, audit.ELF, "linux_x86_64",
			[]string{"demo/a.dll PE", "demo/empty.so not ELF, in spite of its name", "demo/fake.so not ELF, in spite of its name", "demo/libx.a static archive"}},
		{"linker scripts and a file that Python does not import", linuxWheel, module("needed=libc.so.6") + `
			demo/libx.so text "/* GNU ld script */ INPUT(libx.so.1)"
			demo/liby.so text "INPUT (liby.so.1)"
			demo-1.0.data/data/share/fake.so text "not a library"
			demo/plug-ins/fake.so text "not a library"
			demo/script.so text "#!/bin/sh"`, audit.ELF, "manylinux_2_5_x86_64",
			[]string{"demo-1.0.data/data/share/fake.so not ELF, in spite of its name", "demo/libx.so linker script", "demo/liby.so linker script", "demo/plug-ins/fake.so not ELF, in spite of its name"}},
		{"nothing but a Java class that is called a module", linuxWheel, `demo/_core.so raw "\xca\xfe\xba\xbe\x00\x00\x00\x34"`, audit.ELF, "linux_x86_64", []string{"demo/_core.so not ELF, in spite of its name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			rep, _ := assess(t, tt.filename, tt.wheel, "", audit.Options{})
			var foreign []string
			for _, f := range rep.Foreign {
				foreign = append(foreign, f.Path+" "+f.Kind)
			}
			if rep.Format != tt.format || rep.Tag() != tt.tag {
				t.Errorf("format %q, tag %q; want %q, %q", rep.Format, rep.Tag(), tt.format, tt.tag)
			}
			if diff := cmp.Diff(tt.foreign, foreign); diff != "" {
				t.Errorf("foreign files (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDamagedBinariesAreNamed(t *testing.T) {
	for _, tt := range []struct{ name, spec string }{
		{"an extension cut to 30 bytes", "demo/_core.so cut=30 elf x86_64 needed=libc.so.6"},
		{"cut behind its headers", "demo/_core.so cut=500 elf x86_64 needed=libc.so.6,libx.so.1"},
		{"nothing but the magic number", `demo/_core.so raw "\x7fELF"`},
		{"damaged under any name", `demo/data.bin raw "\x7fELF\x02\x01\x01" "rubbish rubbish rubbish"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			name, _, _ := strings.Cut(tt.spec, " ")
			c, err := load(linuxWheel, tt.spec+"\n"+"demo/ok.so elf x86_64")
			if err == nil {
				c.Close()
				t.Fatalf("got no error, want one that names %s", name)
			}
			if !strings.HasPrefix(err.Error(), name+": ") {
				t.Errorf("got %q, want an error of %s", err, name)
			}
		})
	}
}

// Who has the name of a library, or the place of a program, is going to be loaded.
func TestDamagedMachOFilesAreErrors(t *testing.T) {
	for name, want := range map[string]string{
		`demo/_core.so raw "\xcf\xfa\xed\xfe"`:                        "demo/_core.so: offset 0x0: 28 bytes are wanted here",
		`demo/libx.1.dylib raw "\xca\xfe\xba\xbe\x00\x00\x00\x02"`:    "demo/libx.1.dylib: offset 0x8: 40 bytes are wanted here",
		`demo/libx.so.1.2 raw "\xfe\xed\xfa\xcf and so on"`:           "demo/libx.so.1.2: offset 0x0: 28 bytes",
		`demo-1.0.data/scripts/tool raw "\xcf\xfa\xed\xfe and so on"`: "demo-1.0.data/scripts/tool: ",
		"demo/_core.so macho arch=arm64 type=object":                  "demo/_core.so: offset 0xc: it is called like a library, and is of a kind that dyld does not load: Mach-O object file (MH_OBJECT)",
		"demo/libx.dylib macho arch=arm64 type=dsym":                  "demo/libx.dylib: offset 0xc: it is called like a library, and is of a kind that dyld does not load: Mach-O debug symbols (MH_DSYM)",
	} {
		c, err := load(macName("macosx_11_0_arm64"), name+"\ndemo/ok.so macho arch=arm64")
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", name, err, want)
		}
	}
}

func TestCodeOfOtherProcessorsIsLeftAlone(t *testing.T) {
	// eBPF (247) and CUDA (190) are data to a Linux wheel.
	for _, machine := range []int{247, 190} {
		image := otherMachine(t, uint16(machine))
		rep, _ := assess(t, linuxWheel, module("needed=libc.so.6")+fmt.Sprintf("demo/kernel.o raw %q", image), "", audit.Options{})
		if got := rep.Tag(); got != "manylinux_2_5_x86_64" {
			t.Errorf("machine %d: tag %s, blockers %v", machine, got, rep.Blockers())
		}
	}
}

// otherMachine returns an ELF image with that e_machine and no dynamic table.
func otherMachine(t *testing.T, machine uint16) string {
	t.Helper()
	header := make([]byte, 64)
	copy(header, "\x7fELF\x02\x01\x01")
	header[16], header[18], header[19], header[20] = 1, byte(machine), byte(machine>>8), 1
	header[52] = 64
	return string(header)
}

func TestDeriveReadsTheChangedMembersOnly(t *testing.T) {
	const spec = "demo/a.so elf x86_64 needed=libc.so.6\ndemo/b.so elf x86_64 needed=libc.so.6\n"
	c, err := load(linuxWheel, spec)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The new wheel has other bytes at both names; only b.so is said to differ.
	image, err := wheeltest.Build(linuxWheel, "demo/a.so elf x86_64 needed=libnew.so\ndemo/b.so elf x86_64 needed=libnew.so\n")
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	d, err := c.Derive(context.Background(), linuxWheel, r, audit.LoadOptions{}, map[string]linkage.Content{"demo/a.so": c.Files[0].Content})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	var got []string
	for _, b := range d.Files {
		got = append(got, b.Member.Name+" "+strings.Join(b.ELF().Needed(), ","))
	}
	if diff := cmp.Diff([]string{"demo/a.so libc.so.6", "demo/b.so libnew.so"}, got); diff != "" {
		t.Errorf("binaries (-want +got):\n%s", diff)
	}
}

func TestLargeBinariesGoToFiles(t *testing.T) {
	image, err := wheeltest.Build(linuxWheel, module("needed=libc.so.6"))
	if err != nil {
		t.Fatal(err)
	}
	r, err := wheel.NewReader(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := audit.Load(context.Background(), linuxWheel, r, audit.LoadOptions{Memory: 1, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	file := c.Files[0].ELF()
	if n, err := io.Copy(io.Discard, io.NewSectionReader(file, 0, file.Size())); err != nil || n != file.Size() {
		t.Errorf("read %d of %d bytes, %v", n, file.Size(), err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := file.ReadAt(make([]byte, 1), 0); err == nil {
		t.Error("the binary can be read after Close, so it was in memory")
	}
}

func TestWrongNames(t *testing.T) {
	for _, tt := range []struct{ name, filename, want string }{
		{"two architectures", "demo-1.0-cp312-cp312-linux_x86_64.linux_aarch64.whl", "the file name names two architectures"},
	} {
		c, err := load(tt.filename, module("needed=libc.so.6"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = audit.Assess(context.Background(), c, audit.Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", tt.name, err, tt.want)
		}
		c.Close()
	}
}
