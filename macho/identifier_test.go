package macho

import "testing"

// The wants with a version or a UUID are what codesign gave the libraries of
// pillow 13.0.0 and psycopg2-binary 2.9.13 for macOS.
func TestIdentifier(t *testing.T) {
	const uuid = "FE70B23E-16CC-342B-B8CF-EC73BD40261C"
	const mark = "-55554944fe70b23e16cc342bb8cfec73bd40261c"
	for _, tt := range []struct{ name, want string }{
		{"_webp.cpython-312-darwin.so", "_webp.cpython-312-darwin"},
		{"libbrotlicommon.1.2.0.dylib", "libbrotlicommon.1"},
		{"libfreetype.6.dylib", "libfreetype.6"},
		{"liblcms2.2.dylib", "liblcms2" + mark},
		{"libpng16.16.dylib", "libpng16" + mark},
		{"libopenjp2.2.5.4.dylib", "libopenjp2" + mark},
		{"libkrb5.3.3.dylib", "libkrb5" + mark},
		{"libz.1.3.1.zlib-ng.dylib", "libz.1.3.1.zlib-ng"},
		{"/opt/lib/libcom_err.3.0.dylib", "libcom_err.3"},
		{"tool", "tool" + mark},
		{"libdemo.2", "libdemo.2"},
		{".hidden", ".hidden"},
		{"1.2.3.so", "1" + mark},
		{`C:\out\mod.pyd`, "mod" + mark},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := (&Slice{UUID: uuid}).identifier(tt.name); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
	if got := (&Slice{}).identifier("tool"); got != "tool" {
		t.Errorf("without a UUID: got %q, want %q", got, "tool")
	}
}
