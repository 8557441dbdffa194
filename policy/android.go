package policy

import (
	_ "embed"
	"regexp"
	"sync"
)

// BIONIC is Android's C library; its tags begin with android (PEP 738).
const BIONIC Libc = "bionic"

//go:embed data/android.txt
var androidTable string

//go:embed data/android-symbols.txt
var androidSymbolsText string

// androidArchs are the architectures of Android, as its platform tags spell them
// (PEP 738; https://developer.android.com/ndk/guides/abis).
var androidArchs = map[Arch]string{AARCH64: "arm64_v8a", ARMV7L: "armeabi_v7a", I686: "x86", X86_64: "x86_64"}

// tagged spells the architecture as the tags of a C library's system do.
func (a Arch) tagged(l Libc) string {
	if l == BIONIC {
		return androidArchs[a]
	}
	return string(a)
}

// Machine returns the architecture of the tag as Linux spells it, "" for one that has
// none: arm64_v8a of Android is aarch64.
func (p Platform) Machine() Arch {
	if p.Family != Android {
		return Arch(p.Arch)
	}
	for arch, tagged := range androidArchs {
		if tagged == p.Arch {
			return arch
		}
	}
	return ""
}

// androidPython matches the library of Python, which an app has loaded already
// (PEP 738, "Extension modules").
var androidPython = regexp.MustCompile(`^libpython3(\.\d+t?)?\.so$`)

// androidSymbols reads the embedded list when it is first asked for.
var androidSymbols = sync.OnceValue(func() map[string]map[string]Version {
	symbols, err := parseSymbols(androidSymbolsText)
	if err != nil {
		panic("policy: embedded list of Android's symbols: " + err.Error())
	}
	return symbols
})

// AndroidSince returns the API level that was the first at which a library of Android
// had a symbol, for the architecture; 21 stands for all up to it. listed tells whether
// it ever had it, known whether anything is known of the library.
func AndroidSince(a Arch, soname, symbol string) (level int, listed, known bool) {
	symbols, known := androidSymbols()[soname]
	since, listed := symbols[symbol]
	if !listed {
		since, listed = androidSymbols()[soname+"-"+string(a)][symbol]
	}
	return since.Major, listed, known
}
