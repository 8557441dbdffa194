package linkage

import (
	"slices"
	"strings"
)

// hwcapsDir holds the libraries of a directory for newer processors, below the
// name of each level (ld.so(8), Hardware capabilities).
const hwcapsDir = "glibc-hwcaps"

// levels are the levels of x86-64 above the baseline and the flags, as Linux
// names them, that each asks for on top of the one before (x86-64 psABI, table
// 3.1). They are in ascending order.
var levels = []struct {
	name  string
	flags []string
}{
	{"x86-64-v2", []string{"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"}},
	{"x86-64-v3", []string{"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}},
	{"x86-64-v4", []string{"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
}

// HWCaps returns the glibc-hwcaps subdirectories that ld.so searches on the
// machine whose /proc/cpuinfo is given, best first. Those of other architectures
// than x86_64 are not known.
func HWCaps(cpuinfo string) []string {
	var has []string
	for line := range strings.Lines(cpuinfo) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "flags" {
			has = strings.Fields(value)
			break
		}
	}
	var names []string
	for _, level := range levels {
		if slices.ContainsFunc(level.flags, func(f string) bool { return !slices.Contains(has, f) }) {
			break
		}
		names = append(names, level.name)
	}
	slices.Reverse(names)
	return names
}

// capDirs returns the subdirectories of a directory for one level, if there is one.
func (r *resolver) capDirs(d dir, level string) []dir {
	d.name += "/" + hwcapsDir + "/" + level
	d.shown += "/" + hwcapsDir + "/" + level
	info, err := d.root.fs().Stat(d.name)
	if err != nil {
		r.disk.whyNot(err)
		return nil
	}
	if !info.IsDir() {
		return nil
	}
	return []dir{d}
}

// eachWithCaps puts before each directory its subdirectories for this processor.
func (r *resolver) eachWithCaps(dirs []dir) []dir {
	if len(r.hwcaps) == 0 {
		return dirs
	}
	var out []dir
	for _, d := range dirs {
		for _, level := range r.hwcaps {
			out = append(out, r.capDirs(d, level)...)
		}
		out = append(out, d)
	}
	return out
}

// cachedWithCaps does the same for the default directories. Those of ld.so.conf
// are looked up in ld.so.cache, which has all libraries of a name at once: there
// a better level in a later directory goes before a lower one.
func (r *resolver) cachedWithCaps(dirs []dir) []dir {
	builtin := slices.IndexFunc(dirs, func(d dir) bool { return !d.listed })
	if builtin < 0 {
		builtin = len(dirs)
	}
	var out []dir
	for _, level := range r.hwcaps {
		for _, d := range dirs[:builtin] {
			out = append(out, r.capDirs(d, level)...)
		}
	}
	return slices.Concat(out, dirs[:builtin], r.eachWithCaps(dirs[builtin:]))
}
