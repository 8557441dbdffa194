package policy

import "testing"

// TestAndroidPolicies holds what a policy says of libraries and symbols to the API level
// that was the first to have them.
func TestAndroidPolicies(t *testing.T) {
	for _, tt := range []struct {
		tag, library string
		want         bool
	}{
		{"android_23_x86_64", "libvulkan.so", false},
		{"android_24_x86_64", "libvulkan.so", true},
		{"android_24_armeabi_v7a", "libz.so", true},
		{"android_24_x86", "libz.so", true},
		{"android_21_arm64_v8a", "libpython3.13.so", true},
		{"android_21_arm64_v8a", "libpython3.14t.so", true},
		{"android_21_arm64_v8a", "libpython3.so", true},
		{"android_21_arm64_v8a", "libpython3.13.so.1.0", false},
		{"android_21_arm64_v8a", "libpython2.7.so", false},
		{"android_36_arm64_v8a", "libc++_shared.so", false},
	} {
		p, err := Lookup(tt.tag)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.AllowsLibrary(tt.library); got != tt.want {
			t.Errorf("%s promises %s is %v, want %v", tt.tag, tt.library, got, tt.want)
		}
	}
}

// TestAndroidSince: bionic's own lists of symbols (libc.map.txt) tell these levels.
func TestAndroidSince(t *testing.T) {
	for _, tt := range []struct {
		library, symbol string
		level           int
		listed, known   bool
	}{
		{"libc.so", "malloc", 21, true, true},
		{"libc.so", "getrandom", 28, true, true},
		{"libc.so", "aligned_alloc", 28, true, true},
		{"libc.so", "gnu_get_libc_version", 0, false, true},
		{"liblog.so", "__android_log_print", 0, false, false},
	} {
		level, listed, known := AndroidSince(AARCH64, tt.library, tt.symbol)
		if level != tt.level || listed != tt.listed || known != tt.known {
			t.Errorf("%s of %s: level %d, listed %v, known %v, want %d, %v, %v", tt.symbol, tt.library, level, listed, known, tt.level, tt.listed, tt.known)
		}
	}
}

// TestMachine: an architecture of Android's tags is one of Linux's, others are no such.
func TestMachine(t *testing.T) {
	for tag, want := range map[string]Arch{
		"android_24_arm64_v8a": AARCH64, "android_24_armeabi_v7a": ARMV7L, "android_24_x86": I686, "android_24_x86_64": X86_64,
		"android_24_riscv64": "", "manylinux_2_17_aarch64": AARCH64,
	} {
		p, err := ParsePlatform(tag)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Machine(); got != want {
			t.Errorf("%s is for %q, want %q", tag, got, want)
		}
	}
}
