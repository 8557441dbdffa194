package policy

import "testing"

// The answers are those of warehouse's _valid_platform_tag.
func TestWhatPyPITakes(t *testing.T) {
	for tag, want := range map[string]bool{
		"any": true, "win32": true, "win_amd64": true, "win_arm64": true, "win_arm32": false,
		"linux_x86_64": false, "linux_aarch64": false, "linux_armv6l": true, "linux_armv7l": true,
		"manylinux1_x86_64": true, "manylinux1_aarch64": false, "manylinux2010_i686": true,
		"manylinux2014_s390x": true, "manylinux2014_ppc64": true, "manylinux2014_riscv64": false,
		"manylinux_2_28_x86_64": true, "manylinux_2_39_riscv64": true, "manylinux_2_17_ppc64": true,
		"manylinux_2_38_loongarch64": false, "manylinux_2_17_armv6l": false,
		"musllinux_1_2_x86_64": true, "musllinux_1_2_ppc64": false, "musllinux_1_2_loongarch64": false,
		"macosx_10_9_universal2": true, "macosx_10_16_x86_64": true, "macosx_11_0_arm64": true, "macosx_11_3_arm64": false,
		"macosx_26_0_arm64": true, "macosx_16_0_arm64": false, "macosx_11_0_arm64e": false, "macosx_11_0_intel": true,
		"ios_13_0_arm64_iphoneos": true, "ios_13_0_armv7_iphoneos": false, "ios_13_0_x86_64_iphonesimulator": true,
		"android_24_arm64_v8a": true, "android_24_aarch64": false,
		"pyemscripten_2026_0_wasm32": true, "pyodide_2025_0_wasm32": false, "emscripten_4_0_9_wasm32": false,
		"freebsd_14_amd64": false, "manylinux_x86_64": false,
	} {
		ok, why := PyPITakes(tag)
		if ok != want || !ok && why == "" {
			t.Errorf("%s: %v (%s), want %v", tag, ok, why, want)
		}
	}
}
