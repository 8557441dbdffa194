package macho

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wheelmend/wheelmend/internal/machotest"
)

func made(tb testing.TB, text string) []byte {
	tb.Helper()
	spec, err := machotest.Parse(text)
	if err != nil {
		tb.Fatal(err)
	}
	return machotest.Build(spec)
}

func TestMadeImages(t *testing.T) {
	const text = "arch=i386 id=/a.dylib loads=/usr/lib/x.dylib minos=10.9 " +
		"arch=x86_64 type=bundle loads=@rpath/b.dylib,weak:@loader_path/c.dylib,reexport:/d.dylib,upward:/e.dylib,lazy:/f.dylib rpaths=@loader_path,/opt/lib minos=10.13.4 sdk=14.2 " +
		"arch=arm64 type=execute pad=0 " +
		"arch=arm64e"
	f := open(t, made(t, text))
	type facts struct {
		Arch, Type, ID string
		Dylibs         []Dylib
		RPaths         []string
		Min, SDK       string
	}
	var got []facts
	for _, s := range f.Slices {
		got = append(got, facts{s.Arch.String(), s.Type.String(), s.ID, s.Dylibs, s.RPaths, s.MinOS.String(), s.SDK.String()})
	}
	one := MakeVersion(1, 0, 0)
	want := []facts{
		{"i386", "MH_DYLIB", "/a.dylib", []Dylib{{"/usr/lib/x.dylib", Load, one, one}}, nil, "10.9", "10.9"},
		{"x86_64", "MH_BUNDLE", "", []Dylib{
			{"@rpath/b.dylib", Load, one, one}, {"@loader_path/c.dylib", Weak, one, one}, {"/d.dylib", Reexport, one, one},
			{"/e.dylib", Upward, one, one}, {"/f.dylib", Lazy, one, one},
		}, []string{"@loader_path", "/opt/lib"}, "10.13.4", "14.2"},
		{"arm64", "MH_EXECUTE", "", nil, nil, "0.0", "0.0"},
		{"arm64e", "MH_DYLIB", "", nil, nil, "0.0", "0.0"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestEditOfOldImages(t *testing.T) {
	b := edit(t, made(t, "arch=i386 loads=/old.dylib rpaths=/opt"), ReplaceDylib("/old.dylib", "@loader_path/.dylibs/new.dylib"), ClearRPaths())
	s := open(t, b).Slices[0]
	if got := names(s); len(got) != 1 || got[0] != "@loader_path/.dylibs/new.dylib" || s.RPaths != nil || s.signed != nil {
		t.Errorf("libraries %q, rpaths %q, signature %v", got, s.RPaths, s.signed)
	}
	full := open(t, made(t, "arch=i386 loads=/old.dylib pad=0"))
	if _, err := full.Edit(context.Background(), AddRPath(roomy)); err == nil || !strings.Contains(err.Error(), "i386 code has absolute addresses") {
		t.Errorf("got %v, want a refusal to move i386 code", err)
	}
}

func TestObjectFilesAreNotEdited(t *testing.T) {
	f := open(t, made(t, "arch=arm64 type=object"))
	if _, err := f.Edit(context.Background(), AddRPath("a")); err == nil || !strings.Contains(err.Error(), "MH_OBJECT") {
		t.Errorf("got %v, want one that names MH_OBJECT", err)
	}
}

// The signatures of machotest are made by other code than those of this package.
func TestMadeSignatures(t *testing.T) {
	f := open(t, made(t, "arch=x86_64 signed=adhoc arch=arm64 signed=certificate size=70000 arch=i386"))
	for i, want := range []*Signature{{Flags: AdHoc, PageSize: 0x1000}, {Certificate: true, PageSize: 0x4000}, nil} {
		s := f.Slices[i]
		g, err := s.Signature()
		if err != nil {
			t.Fatal(err)
		}
		if (g == nil) != (want == nil) {
			t.Fatalf("%v: signature %v", s.Arch, g)
		}
		if g == nil {
			continue
		}
		if g.Identifier != "made" || g.Flags != want.Flags || g.PageSize != want.PageSize || g.Certificate != want.Certificate {
			t.Errorf("%v: identifier %q, flags %#x, pages of %d bytes, certificate %v", s.Arch, g.Identifier, g.Flags, g.PageSize, g.Certificate)
		}
		if err := s.VerifySignature(context.Background(), 1); err != nil {
			t.Errorf("%v: %v", s.Arch, err)
		}
	}
	g, err := open(t, edit(t, made(t, "arch=arm64 signed=certificate"), AddRPath("/a"))).Slices[0].Signature()
	if err != nil || g.Certificate || g.Flags != AdHoc || g.Identifier != "made" {
		t.Errorf("after an edit: %+v, %v", g, err)
	}
}
