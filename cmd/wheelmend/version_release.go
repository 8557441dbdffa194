//go:build release

package main

// archived is empty in what `make dist` builds, so that a checkout and an archive of
// one commit give the same bytes; the version is in release.
const archived = ""
