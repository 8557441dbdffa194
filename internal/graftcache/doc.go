// Package graftcache keeps compressed libraries between runs of the program, in a
// folder of the user: what five wheels of a project bundle is compressed once, though
// each is repaired by a call of its own.
//
// Start with [Open]. An entry is a file with the name of its key, which stands for the
// library, the edit, the level and the encoder. It appears complete, by a rename, so
// that several processes may share a folder; the entries that were not used for the
// longest time go when there are more bytes than the limit. Each entry has the SHA-256
// of each of its parts, and whoever uses a part inflates it and compares it with the
// content: an entry that is damaged, or made by somebody else, costs time and changes
// nothing. Nothing that goes wrong here is an error of a repair.
package graftcache
