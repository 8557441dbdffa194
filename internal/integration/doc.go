// Package integration tests the wheelmend command on real wheels, against the
// machine's own loader and against other tools. It has no code to import: all
// of it are tests behind the build tag "integration", which `make integration`
// runs after scripts/setup-integration has collected what they need.
//
//	real_test.go    well-known packages, built from their sdists, repaired and used
//	corpus_test.go  audits of published wheels beside the answers of auditwheel
//	made_*_test.go  small wheels made with gcc, one trap each
//	cross_*_test.go wheels for other architectures, run by their own loaders
//	tree_*_test.go  trees beside what ld.so and musl say of programs and libraries
//	macos_*_test.go wheels for macOS, beside delocate and run on an emulator
//	hostile_test.go wheels that were made to do harm
//	bad_test.go     kills, full disks, read-only folders: nothing half-written
//
// Every wheel is run by the machine's Python, or by a small program that takes its
// place on other systems, with the libraries that it was linked to taken away;
// what the tests believe is what the process then maps.
// A part of the set-up that is missing fails the tests, with the command to run.
package integration
