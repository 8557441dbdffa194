// Package patch edits one ELF, Mach-O or PE file on disk as flags ask for it, and prints what
// the loader reads of it: `wheelmend patch` and the drop-in for patchelf. The edits
// themselves are those of packages elf and macho. Start with [Open] or [File].
package patch
