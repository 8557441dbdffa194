package audit_test

import (
	"bytes"
	"context"
	debugmacho "debug/macho"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/macho"
)

// machoFixture is a file that zig made, edited.
func machoFixture(t *testing.T, name string, edits ...macho.Edit) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "macho", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return editMachO(t, b, edits...)
}

func editMachO(t *testing.T, b []byte, edits ...macho.Edit) []byte {
	t.Helper()
	f, err := macho.NewFile(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	o, err := f.Edit(context.Background(), edits...)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(io.NewSectionReader(o, 0, o.Size()))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// reexporting makes a library re-export another one, which it does not load yet.
func reexporting(t *testing.T, b []byte, name string) []byte {
	t.Helper()
	b = editMachO(t, b, macho.AddDylib(name))
	const stringAt, reexportDylib = 24, 0x8000001f
	command := bytes.Index(b, append([]byte(name), 0)) - stringAt
	binary.LittleEndian.PutUint32(b[command:], reexportDylib)
	return editMachO(t, b, macho.Sign(""))
}

func TestVerifyMacOSSymbols(t *testing.T) {
	const (
		reason = "symbols: demo/mod.so: @rpath/libdep.1.dylib: demo/lib/libdep.1.dylib does not define what is bound to it "
		fails  = reason + "(_dep_pointer)"
		late   = reason + "(_dep_value)"
	)
	for _, arch := range []string{"arm64", "x86_64"} {
		module := machoFixture(t, "zig-"+arch+"-mod.so", macho.SetRPaths("@loader_path/lib"), macho.SetID("/DLC/mod.so"))
		library := machoFixture(t, "zig-"+arch+"-libdep.dylib", macho.SetID("/DLC/libdep.1.dylib"))
		other := machoFixture(t, "zig-"+arch+"-mod.so", macho.SetRPaths(), macho.SetID("/DLC/x.dylib"), macho.ReplaceDylib("@rpath/libdep.1.dylib", "@loader_path/real.dylib"))
		system := reexporting(t, other, "/usr/lib/libc++.1.dylib")
		through := reexporting(t, other, "@loader_path/real2.dylib")
		for _, tt := range []struct {
			name                 string
			library, real, real2 []byte
			fails, open          string
		}{
			{"defined", library, nil, nil, "", ""},
			{"in another library", other, library, nil, fails, late},
			{"re-exported", through, library, library, "", ""},
			{"re-exported from one that lacks them", through, library, other, fails, late},
			{"re-exported from macOS", system, library, nil, "", "symbols: demo/mod.so: @rpath/libdep.1.dylib: not looked up (_dep_pointer, _dep_value)"},
		} {
			t.Run(arch+" "+tt.name, func(t *testing.T) {
				var spec strings.Builder
				for name, b := range map[string][]byte{"demo/mod.so": module, "demo/lib/libdep.1.dylib": tt.library, "demo/lib/real.dylib": tt.real, "demo/lib/real2.dylib": tt.real2} {
					if b != nil {
						spec.WriteString(name + " raw " + strconv.Quote(string(b)) + "\n")
					}
				}
				p := verify(t, "demo-1.0-cp312-cp312-macosx_12_0_"+arch+".whl", spec.String(), audit.VerifyOptions{})
				if got := strings.Join(told(p, audit.Fails), "\n"); got != tt.fails {
					t.Errorf("fails:\n%s\nwant\n%s", got, tt.fails)
				}
				open := slices.DeleteFunc(told(p, audit.Unchecked), func(line string) bool { return strings.HasPrefix(line, "symbols: macOS defines") })
				if got := strings.Join(open, "\n"); got != tt.open {
					t.Errorf("unchecked:\n%s\nwant\n%s", got, tt.open)
				}
			})
		}
	}
}

// What is looked for in the whole process is told, but for what Python brings.
func TestVerifyMacOSFlatSymbols(t *testing.T) {
	image := machoFixture(t, "zig-arm64-mod.so", macho.SetRPaths("@loader_path"), macho.SetID("/DLC/mod.so"))
	library := machoFixture(t, "zig-arm64-libdep.dylib", macho.SetID("/DLC/libdep.1.dylib"))
	f, err := debugmacho.NewFile(bytes.NewReader(image))
	if err != nil {
		t.Fatal(err)
	}
	symbols, names := int(f.ByteOrder.Uint32(f.Symtab.Raw()[8:])), int(f.ByteOrder.Uint32(f.Symtab.Raw()[16:]))
	for i, symbol := range f.Symtab.Syms {
		const symbolSize, descriptionAt, dynamicLookup = 16, 6, 0xfe00
		at := symbols + symbolSize*i + descriptionAt
		switch symbol.Name {
		case "_dep_value":
			binary.LittleEndian.PutUint16(image[at:], dynamicLookup)
		case "_dep_pointer":
			binary.LittleEndian.PutUint16(image[at:], dynamicLookup)
			copy(image[names+bytes.Index(image[names:], []byte(symbol.Name+"\x00")):], "_PyDep_Point")
		}
	}
	image = editMachO(t, image, macho.Sign(""))
	p := verify(t, "demo-1.0-cp312-cp312-macosx_12_0_arm64.whl", "demo/mod.so raw "+strconv.Quote(string(image))+"\ndemo/libdep.1.dylib raw "+strconv.Quote(string(library)), audit.VerifyOptions{})
	if got, want := told(p, audit.Unchecked), "symbols: demo/mod.so: not looked up (_dep_value)"; !slices.Contains(got, want) || !p.Holds() {
		t.Errorf("unchecked %q, want %q; failed %v", got, want, p.Failed())
	}
	held := slices.IndexFunc(p.Claims, func(c audit.Claim) bool { return c.Topic == audit.TopicSymbols && c.Outcome == audit.Holds })
	if held < 0 || !strings.HasSuffix(p.Claims[held].Basis, ", 1 of Python's own") {
		t.Errorf("the claims: %+v", p.Claims)
	}
}
