// Package policy states, as tables, what each platform tag promises, and which
// tags a set of requirements meets. It sees names and versions only, as strings,
// and knows nothing of the files that they come from.
//
// A [Policy] is one platform tag for one architecture, such as
// manylinux_2_17_x86_64: which libraries a wheel may expect from the system,
// which symbol versions it may need of them, and which of their symbols it must
// leave alone. Start with [For], which lists the policies of an architecture from
// the oldest system to the newest, or with [Lookup] when there is a tag.
// [ParsePlatform] takes any platform tag apart, also those without a policy.
//
// The tables lie in data, one for each libc, with facts from auditwheel's
// policies; scripts/policy-table writes them again. For Android, whose policies are API
// levels, [AndroidSince] tells the first that had a symbol. macOS and Windows have no
// policies here; for Windows there is a table of the DLLs that it has, see [SystemDLL],
// [PythonDLL] and [RuntimeDLL]. The tags are specified by PEP 600 (manylinux), PEP 656
// (musllinux), PEP 738 (Android) and, for the older names, PEP 513, 571 and 599. Two
// things are ours: a musllinux policy also allows the soname libc.so, which is what the
// linker of zig writes for musl's libc, and [Policy.AllowsSymbol] knows which functions
// musl 1.1 does not have yet, since musl's symbols carry no versions that could tell.
//
// [Policy.Exports] answers from a list of its own, data/exports.txt: what glibc,
// zlib and musl define for references without a version.
//
// Everything is read-only and safe for concurrent use. Names from hostile files
// are only looked up and compared: they cost no memory and cannot fail.
package policy
