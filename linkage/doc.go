// Package linkage works out which file each needed library resolves to, as the
// target's loader would. It reads no environment and never loads code. Start
// with [Resolve], which takes the ELF or the Mach-O members of a wheel and returns a
// [Graph], or with [NewLoader] and [LoadDyld] for files as they lie in a file system.
// [Graph.Reach] walks from files to what they load. One engine does the walking
// (engine.go); each loader says where a name is sought and what refuses a candidate.
//
// The rules are those of ld.so(8) for glibc (ldso.go), of ldso/dynlink.c for musl
// (musl.go) and of linker/linker.cpp for Android's bionic (bionic.go), applied for any
// target on any host: a sysroot stands in for the target's file system, its loader
// configuration and its symbolic links included. Three rules go beyond a single run of
// the loader. A directory of the wheel goes before those of the host. A library that lies in the wheel is found by its soname when the
// search path of another module leads to it, since that has loaded it before or
// will: before one of the system's own directories, not before a different one
// that the user or the search path names. And a library of the wheel to which
// nothing leads is found at last, so that a repair can lead there ([Stranded]).
//
// A [Loader] has none of these rules: it says what ld.so says, for this machine's files
// or those of a sysroot.
//
// What is left out: ld.so.cache, which is made from ld.so.conf and the directories
// read here; that musl's loader gives up at a library for another machine, where
// glibc's passes over it, as is done here for both; LD_PRELOAD, LD_AUDIT and
// /etc/ld.so.preload; DT_FILTER and DT_AUXILIARY; and the directories for the processor that glibc before 2.37
// searched besides glibc-hwcaps. For wheels glibc-hwcaps is left out too: its
// libraries need a newer processor than the tag promises. $LIB stands for each of
// the names that distributions give it.
//
// On Android no file of the machine is looked at but below the folders that the user
// names: wheels for it are built elsewhere. What the system has is for others to know.
//
// A library is identified by the file it resolves to, never by its soname.
//
// For macOS wheels the same is done for each slice, by the rules of dyld(1) (dyld.go).
// Libraries below /usr/lib and /System are macOS's own and
// are not sought.
package linkage
