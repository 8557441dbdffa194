package audit

import (
	"fmt"
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// wheelArch returns the architecture that the file name names, or else that of
// the first binary that has one.
func wheelArch(c *Contents, os OS) (policy.Arch, error) {
	arch := policy.Arch("")
	for _, p := range c.platforms("") {
		if tagSystem(p.Tag) != os {
			continue
		}
		machine := p.Machine()
		if arch != "" && machine != arch {
			return "", &archError{os, string(arch), string(machine)}
		}
		arch = machine
	}
	if arch != "" {
		return arch, nil
	}
	for _, b := range c.of(ELF) {
		if name, _ := b.ELF().Arch(); name != "" {
			return policy.Arch(name), nil
		}
	}
	return "", nil
}

// An archError reports a file name with tags for two architectures.
type archError struct {
	os   OS
	a, b string
}

func (e *archError) Error() string {
	return fmt.Sprintf("the file name names two architectures, %s and %s; %s %v wheel has one", e.a, e.b, article(e.os.String()), e.os)
}

func linuxFamily(f policy.Family) bool {
	return f == policy.Linux || f == policy.Manylinux || f == policy.Musllinux
}

// wheelLibc returns the C library that the wheel was built for: what its file
// name says, else what its binaries say, "" when neither does. A wheel of
// static programs may name both manylinux and musllinux.
func wheelLibc(c *Contents) policy.Libc {
	named := map[policy.Libc]bool{}
	for _, p := range c.platforms("") {
		if p.Libc() != "" {
			named[p.Libc()] = true
		}
	}
	if len(named) == 1 {
		for libc := range named {
			return libc
		}
	}
	for _, b := range c.of(ELF) {
		if libc := linkage.LibcOf(b.ELF(), b.Member.Name); libc != "" {
			return policy.Libc(libc)
		}
	}
	return ""
}

// forLinuxAlone reports whether the file name says that the wheel is for Linux, and
// for no other system.
func (c *Contents) forLinuxAlone() bool {
	all := c.platforms("")
	return len(all) > 0 && len(all) == len(c.Filename.Platform) && !slices.ContainsFunc(all, func(p policy.Platform) bool { return !linuxFamily(p.Family) })
}
