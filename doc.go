// Package wheelmend is the root of a module that audits and repairs Python
// wheels for Linux, macOS and Android, from any host, offline. It holds no code; this
// is the map. A package imports only packages that stand above it:
//
//	overlay   holds an edited image: the original bytes with replaced ranges
//	elf       reads ELF images and edits their dynamic linking data
//	macho     reads, edits, signs and merges Mach-O images
//	pe        reads Windows images and renames the libraries that they load
//	policy    states what each platform tag promises, as tables
//	policy/lower  states what stands in for a symbol that is too new
//	wheel     reads wheel archives and writes them reproducibly
//	sbom      describes grafted libraries, their origin and licence
//	linkage   works out which file each needed library resolves to
//	audit     reports what a wheel needs, and verifies what it claims
//	repair    plans, then applies, what makes a wheel self-contained
//	report    renders audits and plans for people and for programs
//	cmd       holds the wheelmend command: flags, wording, exit codes
//
// Called by the name of another tool, the program is that of internal/dropin; what both
// share is in internal/console (what is said, and the exit codes), internal/command (from
// flags to options) and internal/patch (one file on disk).
//
// A wrong tag is a matter for policy, a wrong or missing library for linkage,
// a file that no longer loads for elf or macho, a complaint about RECORD or the archive
// for wheel, and a library too much or too few for the plan in repair.
package wheelmend
