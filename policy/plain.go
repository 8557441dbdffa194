package policy

// plainArchs are architectures of Linux that no manylinux or musllinux policy
// speaks of, as sysconfig.get_platform() names them. A wheel for one is tagged
// linux_ARCH, as those of piwheels.org for the Raspberry Pi (linux_armv6l). The
// second name is that of the architecture whose list of libraries serves it, too.
var plainArchs = map[Arch]Arch{
	"armv5tel": ARMV7L, "armv6l": ARMV7L, "armv8l": ARMV7L,
	"i386": I686, "i586": I686,
	"ppc": PPC64, "mips": "", "mipsel": "", "mips64": "", "mips64el": "",
	"riscv32": RISCV64, "sparc64": "", "alpha": "", "parisc": "", "m68k": "", "sh4": "", "ia64": "",
}

// Plain reports whether the policy is that of a linux_ARCH tag, which there is for
// architectures that have no other: it promises no version of anything, but a wheel
// leaves the same libraries to the system as under the newest policy that has a
// list.
func (p *Policy) Plain() bool { return p.plain }

// addPlain files the policies of linux_ARCH tags. They are not among All.
func (c *catalog) addPlain(t *table, libc Libc) {
	for arch, kin := range plainArchs {
		if len(c.archs[arch]) > 0 {
			continue
		}
		p := &Policy{Name: "linux", Libc: libc, Arch: arch, table: t, rank: len(t.policies) - 1, plain: true, kin: kin}
		c.pairs[pair{libc, arch}] = []*Policy{p}
		if c.tags[p.Tag()] == nil {
			c.tags[p.Tag()] = p
		}
	}
}
