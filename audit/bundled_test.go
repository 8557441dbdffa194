package audit_test

import (
	"slices"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
)

func TestBundledLibrariesAreNamedWithWhatIsKnownOfThem(t *testing.T) {
	rep, _ := assess(t, "demo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", `
		demo/_core.so  elf x86_64 needed=libcrypto-0a1b2c3d.so.3,libown-9f8e7d6c.so.1,libplain.so rpath=$ORIGIN/../demo.libs:$ORIGIN export=PyInit__core
		demo/libplain.so  elf x86_64 soname=libplain.so
		demo/libextra.so  elf x86_64 soname=libextra.so
		demo.libs/libcrypto-0a1b2c3d.so.3  elf x86_64 soname=libcrypto-0a1b2c3d.so.3
		demo.libs/libown-9f8e7d6c.so.1  elf x86_64 soname=libown-9f8e7d6c.so.1
		demo.libs/libopened-11223344.so.1  elf x86_64 soname=libopened-11223344.so.1
		demo-1.0.dist-info/sboms/auditwheel.cdx.json  text "{\"components\": [{\"name\": \"openssl-libs\", \"version\": \"1.1.1k-9.el8\"}, {\"name\": \"other\", \"version\": \"9\"}]}"
		demo-1.0.dist-info/sboms/wheelmend.cdx.json  text "{\"components\": [{\"name\": \"libown.so.1\", \"version\": \"1.2\", \"purl\": \"pkg:deb/debian/own1@1.2?arch=amd64\", \"evidence\": {\"occurrences\": [{\"location\": \"demo.libs/libown-9f8e7d6c.so.1\"}]}}]}"
		demo-1.0.dist-info/sboms/broken.json  text "{"
		`, "", audit.Options{})
	var got []string
	for _, b := range rep.Bundled() {
		if b.Size == 0 {
			t.Errorf("%s has no size", b.Path)
		}
		by := ""
		for _, name := range b.NeededBy {
			by += " " + name
		}
		got = append(got, b.Name+"|"+b.Package+"|"+b.Version+"|"+by)
	}
	want := []string{
		"libcrypto.so.3|openssl-libs|1.1.1k-9.el8| demo/_core.so",
		"libopened.so.1|||",
		"libown.so.1|own1|1.2| demo/_core.so",
		"libplain.so||| demo/_core.so",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestThePlainNameOfALibrary(t *testing.T) {
	for name, want := range map[string]string{
		"libz-9c0b2d1e.so.1.2.13":                "libz.so.1.2.13",
		"libgfortran-040039e1-0352e75f.so.5.0.0": "libgfortran.so.5.0.0",
		"libscipy_openblas64_-4b78795a.so":       "libscipy_openblas64_.so",
		"libfoo-1234567.so":                      "libfoo-1234567.so", // seven digits
		"libfoo-12345678x.so":                    "libfoo-12345678x.so",
		"libfoo.5.dylib":                         "libfoo.5.dylib",
		"libbar-deadbeef":                        "libbar",
	} {
		if got := audit.PlainName(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
