package sbom

// A Graft is a library that was copied into a wheel.
type Graft struct {
	Member string // path in the wheel, slash separated; no two grafts share one
	Soname string // name it has there; "" when it has none
	SHA256 string // of the source file, lower-case hex; "" when unknown
	// Source is the path of the source file on its system, such as
	// /usr/lib/x86_64-linux-gnu/libpq.so.5.15. It goes into the document; leave it
	// empty for a path that says more about the builder than about the library.
	Source  string
	Version string   // that the file tells of itself; "" when unknown, and where there is a package
	Package *Package // that owns the source file; nil when unknown
}

// A Package is an installed package of an operating system.
type Package struct {
	Type     string // "deb", "apk" or "rpm"
	Distro   string // ID of os-release: "debian", "alpine"; "" when unknown
	Name     string
	Version  string // with the release, and for deb with the epoch: "1:9.2-1"
	Epoch    string // of rpm, where the version does not hold it; "" for none
	Arch     string // as the package manager spells it: "amd64"; "" when unknown
	Licenses []License
}

// A License is one that a package states, with the file that says so.
type License struct {
	Name   string // as the package writes it, often but not always an SPDX expression; "" when only a file is known
	File   string // absolute path on the source system; "" when the database itself names the licence
	SHA256 string // of File, lower-case hex
}

// A Wheel is the wheel that grafts were copied into.
type Wheel struct {
	Name, Version, Filename string

	// Lowered has one line for each symbol of its files that another one stands in for.
	Lowered []string
}

// A Tool is the program that did it.
type Tool struct{ Name, Version string }
