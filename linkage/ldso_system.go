package linkage

import (
	stdelf "debug/elf"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// The systems that an ELF file can tell that it is built for.
const (
	Linux   = "linux"
	Android = "android"
	FreeBSD = "freebsd"
	NetBSD  = "netbsd"
	OpenBSD = "openbsd"
	Solaris = "solaris"
)

// systemABIs are the values of e_ident[EI_OSABI] that name a system. Zero (System
// V) and GNU do not: Linux, Android and others have both.
var systemABIs = map[stdelf.OSABI]string{
	stdelf.ELFOSABI_FREEBSD: FreeBSD,
	stdelf.ELFOSABI_NETBSD:  NetBSD,
	stdelf.ELFOSABI_OPENBSD: OpenBSD,
	stdelf.ELFOSABI_SOLARIS: Solaris,
}

// noteOwners are the owners of notes that the linkers or start files of a system
// put into what they make.
var noteOwners = map[string]string{"Android": Android, "FreeBSD": FreeBSD, "NetBSD": NetBSD, "OpenBSD": OpenBSD}

// SystemOf tells the system that a file is built for, as far as the file shows it:
// by EI_OSABI, its interpreter, its notes, or the C library that it needs. It is ""
// where nothing tells.
func SystemOf(f *elf.File) string {
	if system := systemABIs[f.OSABI]; system != "" {
		return system
	}
	if interp, err := f.Interpreter(); err == nil && interp != "" {
		return interpreterSystem(interp)
	}
	if notes, err := f.Notes(); err == nil {
		for _, n := range notes {
			if system := noteOwners[n.Name]; system != "" {
				return system
			}
		}
	}
	if isBionic(f) {
		return Android
	}
	// libc.so is musl's name, as zig writes it, and Android's.
	if slices.ContainsFunc(f.Needed(), func(name string) bool { return name != "libc.so" && LoaderLibc(name) != "" }) {
		return Linux
	}
	return ""
}

// interpreterSystem tells the system of a program by its loader.
func interpreterSystem(interp string) string {
	switch {
	case strings.HasPrefix(interp, "/system/bin/linker"):
		return Android
	case strings.HasPrefix(interp, "/libexec/ld-elf"):
		return FreeBSD
	case strings.HasPrefix(interp, "/usr/libexec/ld.elf_so"):
		return NetBSD
	case strings.HasPrefix(interp, "/usr/libexec/ld.so"):
		return OpenBSD
	}
	return Linux
}

// isBionic reports whether a file wants symbols of Android's C library, all of which
// have the version LIBC. Its name, libc.so, is musl's as well, which has none.
func isBionic(f *elf.File) bool {
	if !slices.Contains(f.Needed(), "libc.so") {
		return false
	}
	needs, err := f.VersionNeeds()
	return err == nil && slices.ContainsFunc(needs, func(n elf.VersionNeed) bool {
		return n.Library == "libc.so" && slices.ContainsFunc(n.Versions, func(v elf.NeededVersion) bool { return v.Name == "LIBC" })
	})
}
