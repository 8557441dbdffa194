package macho

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// universal has libraries and rpaths of which some are in one slice only.
const universal = "arch=x86_64 loads=/usr/lib/a.dylib,@rpath/intel.dylib rpaths=@loader_path,/opt/intel " +
	"arch=arm64 loads=/usr/lib/a.dylib,@rpath/arm.dylib rpaths=@loader_path,/opt/arm"

func TestEditWhereItApplies(t *testing.T) {
	b := edit(t, made(t, universal), ReplaceDylib("@rpath/arm.dylib", "@rpath/b.dylib"), RemoveRPath("/opt/intel"), RemoveDylib("@rpath/intel.dylib"))
	f := open(t, b)
	intel, arm := f.Slice("x86_64"), f.Slice("arm64")
	if got := names(intel); !slices.Equal(got, []string{"/usr/lib/a.dylib"}) || !slices.Equal(intel.RPaths, []string{"@loader_path"}) {
		t.Errorf("x86_64: %q, %q", got, intel.RPaths)
	}
	if got := names(arm); !slices.Equal(got, []string{"/usr/lib/a.dylib", "@rpath/b.dylib"}) || !slices.Equal(arm.RPaths, []string{"@loader_path", "/opt/arm"}) {
		t.Errorf("arm64: %q, %q", got, arm.RPaths)
	}
	for want, e := range map[string]Edit{
		`"/none.dylib" is not loaded: the x86_64 slice loads`:       ReplaceDylib("/none.dylib", "b"),
		`the x86_64 slice has no rpath "/none"; it has ["@loader_p`: RemoveRPath("/none"),
	} {
		if _, err := open(t, b).Edit(context.Background(), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestSetRPaths(t *testing.T) {
	const text = "arch=x86_64 id=a.dylib loads=/usr/lib/a.dylib rpaths=/a,/b"
	for _, tt := range []struct {
		name  string
		paths []string
		want  []string
	}{
		{"as they are", []string{"/a", "/b"}, []string{"/a", "/b"}},
		{"another order", []string{"/b", "/a"}, []string{"/b", "/a"}},
		{"fewer", []string{"/b"}, []string{"/b"}},
		{"twice the same", []string{"/c", "/c", "/d"}, []string{"/c", "/d"}},
		{"none", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			was := made(t, text)
			now := edit(t, was, SetRPaths(tt.paths...))
			if got := open(t, now).Slices[0].RPaths; !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
			if same := bytes.Equal(was, now); same != (tt.name == "as they are") {
				t.Errorf("same bytes: %v", same)
			}
		})
	}
	bare := edit(t, made(t, "arch=x86_64"), SetRPaths("/a", "/b"))
	if got := open(t, bare).Slices[0].RPaths; !slices.Equal(got, []string{"/a", "/b"}) {
		t.Errorf("where there was none: %q", got)
	}
}

// Whether something changes is seen at the end, not at each step.
func TestThereAndBack(t *testing.T) {
	b := fixture(t, "zig-arm64-mod.so")
	again := edit(t, b, SetID("other"), ReplaceDylib(libdep, "x"), AddRPath("/y"), SetID("@rpath/mod.so"), RemoveRPath("/y"), ReplaceDylib("x", libdep))
	if !bytes.Equal(b, again) {
		t.Error("edits that take themselves back changed the file")
	}
	signed := edit(t, b, Sign("a"))
	o, err := open(t, signed).Edit(context.Background(), Sign(""))
	if err != nil || o.Edited() {
		t.Errorf("signing the same again is an edit: %v, %v", o.Edited(), err)
	}
}

func TestCheckWritten(t *testing.T) {
	f := open(t, fatOf(t, false, fixture(t, "zig-x86_64-mod.so"), fixture(t, "zig-arm64-mod.so")))
	o, err := f.Edit(context.Background(), ClearRPaths())
	if err != nil {
		t.Fatal(err)
	}
	good := contents(t, o)
	arm := open(t, good).Slice("arm64")
	for _, tt := range []struct {
		name string
		at   int64 // of the bit that flips, -1 to cut the file
		want string
	}{
		{"as it is", 0, ""},
		{"cut", -1, "bytes are written, want"},
		{"a load command", arm.Off + 40, "something else"},
		{"the last digest", arm.Off + int64(arm.u32(arm.signed, 8)) + 200, "something else"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := bytes.Clone(good)
			switch {
			case tt.at < 0:
				b = b[:len(b)-1]
			case tt.at > 0:
				b[tt.at] ^= 1
			}
			path := filepath.Join(t.TempDir(), "x")
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
			file, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			err = CheckWritten(o, file)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
