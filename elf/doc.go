// Package elf reads ELF images and edits their dynamic linking data; code and
// data that are already mapped never move.
//
// Reading follows the loader: program headers and the dynamic table decide,
// section headers are optional and never trusted. Start with [NewFile], then
// ask [File.Needed], [File.Symbols] or [File.VersionNeeds]. Editing starts with
// [File.Edit], which checks and lays out a list of edits and returns an
// [overlay.Overlay]: the original bytes with replaced ranges, ready to be streamed.
// What cannot be edited with certainty is refused, never damaged. What needs more
// room than it has goes behind the last segment, or into a new one; then tables
// that the loader finds through the headers may make way for the larger header.
//
// The package leaves out what dynamic linking does not need: relocations are
// looked at only to count symbols and to see that none points at what moves, and
// .symtab only so that its symbols follow their sections.
//
// Input is untrusted. Numbers from a file are compared with its size before
// they are used; a broken rule is a [*FormatError] with the offset of the
// field. Bytes that are not ELF at all give [ErrNotELF].
//
// Specifications: System V gABI chapters 4 and 5 with the processor supplements,
// the LSB symbol versioning chapter, the x86-64 psABI (.note.gnu.property), and
// ld.so of glibc and musl where they decide what a file means.
package elf
