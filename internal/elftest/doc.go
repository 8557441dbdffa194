// Package elftest builds small, valid ELF shared objects and programs in
// memory, so that a test can state the library that it needs on one line
// instead of keeping a binary.
//
// Start with [ForArch] and [Build] in Go, or with [Parse] for the text form
// that test scripts use. What comes out has the segments and sections of an
// ordinary linker's output: a read-only segment with the headers and the tables
// of the dynamic linker, a segment with a little code, a writable one with the
// dynamic table and data. Hash tables, symbol versions and relocations are
// right, so that a native image loads.
//
// It leaves out what no caller asked for yet: thread-local storage, RELRO,
// lazy binding (there is no PLT), the function descriptors of ppc64's ELFv1
// (symbols there lead straight to code), and static programs.
//
// It is meant for tests: an impossible [Spec] panics. It imports nothing of
// this module, since the package elf is what its images are there to test.
//
// Rules followed: System V gABI chapters 4 and 5, the psABI of each machine,
// the symbol versioning chapter of the LSB, and binutils for DT_GNU_HASH.
package elftest
