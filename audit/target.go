package audit

import (
	"debug/elf"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// wheelArch returns the architecture that the file name names, or else that of
// the first binary that has one.
func wheelArch(c *Contents) (policy.Arch, error) {
	arch := ""
	for _, tag := range c.Filename.Platform {
		p, err := policy.ParsePlatform(tag)
		if err != nil || !linuxFamily(p.Family) {
			continue
		}
		if arch != "" && p.Arch != arch {
			return "", &archError{arch, p.Arch}
		}
		arch = p.Arch
	}
	if arch != "" {
		return policy.Arch(arch), nil
	}
	for _, b := range c.Binaries {
		if name, _ := b.File.Arch(); name != "" {
			return policy.Arch(name), nil
		}
	}
	return "", nil
}

// An archError reports a file name with tags for two architectures.
type archError struct{ a, b string }

func (e *archError) Error() string {
	return fmt.Sprintf("the file name names two architectures, %s and %s; a Linux wheel has one", e.a, e.b)
}

func linuxFamily(f policy.Family) bool {
	return f == policy.Linux || f == policy.Manylinux || f == policy.Musllinux
}

// wheelLibc returns the C library that the wheel was built for: what its file
// name says, else what its binaries say, "" when neither does. A wheel of
// static programs may name both manylinux and musllinux.
func wheelLibc(c *Contents) policy.Libc {
	named := map[policy.Libc]bool{}
	for _, tag := range c.Filename.Platform {
		if p, err := policy.ParsePlatform(tag); err == nil && p.Libc() != "" {
			named[p.Libc()] = true
		}
	}
	if len(named) == 1 {
		for libc := range named {
			return libc
		}
	}
	for _, b := range c.Binaries {
		if libc := binaryLibc(b); libc != "" {
			return libc
		}
	}
	return ""
}

// binaryLibc tells the C library of one binary by its interpreter, what it
// needs, or at last its name.
func binaryLibc(b Binary) policy.Libc {
	if interp, err := b.File.Interpreter(); err == nil && interp != "" {
		return loaderLibc(path.Base(interp))
	}
	for _, needed := range b.File.Needed() {
		if libc := loaderLibc(needed); libc != "" {
			return libc
		}
	}
	return nameLibc(b.Member)
}

// loaderLibc tells the C library of the loader or libc called name. Binaries
// that zig links for musl ask for "libc.so", which no glibc system has.
func loaderLibc(name string) policy.Libc {
	switch {
	case strings.HasPrefix(name, "libc.musl-"), strings.HasPrefix(name, "ld-musl-"), name == "libc.so":
		return policy.MUSL
	case name == "libc.so.6", strings.HasPrefix(name, "ld-linux"), strings.HasPrefix(name, "ld64.so."):
		return policy.GLIBC
	}
	return ""
}

// soabi matches the platform triplet in the name of an extension module, such
// as cpython-311-x86_64-linux-gnu (PEP 3149).
var soabi = regexp.MustCompile(`\.cpython-3(\d+)[a-z]*-[a-z0-9_]+-linux-(gnu|musl)[a-z]*\.so$`)

// nameLibc reads the C library from the name of an extension module. Before
// Python 3.11 modules for musl were called gnu too.
func nameLibc(m *wheel.Member) policy.Libc {
	match := soabi.FindStringSubmatch(m.Name)
	if match == nil {
		return ""
	}
	if match[2] == "musl" {
		return policy.MUSL
	}
	if minor, err := strconv.Atoi(match[1]); err == nil && minor >= 11 {
		return policy.GLIBC
	}
	return ""
}

// machine returns the e_machine of the wheel's architecture, as one of its
// binaries has it.
func (r *Report) machine() elf.Machine {
	for _, b := range r.Contents.Binaries {
		if arch, _ := b.File.Arch(); arch == string(r.Arch) {
			return b.File.Machine
		}
	}
	return elf.EM_NONE
}

// loadable reports whether ld.so could be asked to load the file: it is dynamic
// and for a Linux architecture. Object files and the code of other processors
// (eBPF, GPU) are data to a wheel.
func (b *Binary) loadable() bool {
	arch, _ := b.File.Arch()
	return arch != "" && (b.File.Type == elf.ET_DYN || b.File.Type == elf.ET_EXEC)
}
