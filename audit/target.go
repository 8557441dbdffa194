package audit

import (
	"debug/elf"
	"fmt"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
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
		if libc := linkage.LibcOf(b.File, b.Member.Name); libc != "" {
			return policy.Libc(libc)
		}
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
