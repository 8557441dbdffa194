package linkage

import (
	"fmt"
	"strings"
)

// A Rule is what led a loader to a library, or to a place where it is not.
type Rule struct {
	Kind RuleKind
	Text string // the entry, name, folder or file that Kind speaks of, "" if of none
	Of   *Image // the image whose search path has the entry
}

// A RuleKind is one way in which a library is sought.
type RuleKind int

// The ways in which a library is found, or sought in vain.
const (
	NoRule RuleKind = iota

	Loaded        // in memory when it is needed
	ByRPath       // an entry of DT_RPATH
	ByRunPath     // an entry of DT_RUNPATH
	ByLCRPath     // an LC_RPATH, of any image of the chain
	NoLCRPath     // there is no LC_RPATH
	BySearchPath  // a folder that the user named
	ByLibraryPath // LD_LIBRARY_PATH or DYLD_LIBRARY_PATH, which Text has
	ByLDPaths     // a folder that the user named in the place of the loader's own
	ByDefault     // one of the loader's own folders
	ByConfig      // a folder that ld.so.conf, or what it includes, lists
	ByPath        // a DT_NEEDED that is a path
	ByInstallName // the install name itself is a path
	ByFallback    // a folder where dyld looks at last
	ByInterpreter // PT_INTERP
	PartOfMusl    // a library that is part of musl's loader
	PartOfMacOS   // a library of macOS, by its path
	PartOfWindows // a library of every Windows that is supported, by its name
	APISet        // a name that stands for functions of Windows, whatever library has them
	PartOfPython  // a library that comes with Python, by its name
	ByFolder      // PE: the folder of the file that began the load, which Text names
	ByAddedDir    // PE: a folder that the Python file of Text adds to the search, or loads from

	// The following take what lies in the wheel, though no search path of the file
	// leads there.

	ByName      // another file of the wheel leads there, and has loaded it before
	Stranded    // nothing leads there: no loader finds it
	ByFileName  // likewise on macOS: it is called so, and a repair has to lead there
	OwnCopy     // likewise, of a library that was found outside
	NameOfFiles // several are called so

	ForbiddenByFlags // PE: it lies in a folder where the flags of the image do not let Windows look
)

// String words the rule.
func (r Rule) String() string {
	switch r.Kind {
	case ByRPath, ByRunPath, ByLCRPath:
		tag := map[RuleKind]string{ByRPath: "DT_RPATH", ByRunPath: "DT_RUNPATH", ByLCRPath: "LC_RPATH"}[r.Kind]
		return tag + " " + r.Text + " of " + r.Of.describe()
	}
	if r.Kind == ForbiddenByFlags {
		return "DependentLoadFlags " + r.Text + " of " + r.Of.describe() + " keep Windows from its folder"
	}
	text := ruleTexts[r.Kind]
	if strings.Contains(text, "%s") {
		return fmt.Sprintf(text, r.Text)
	}
	return text
}

// Owner names whose library it is that a need with the status [System] comes to.
func (r Rule) Owner() string {
	switch r.Kind {
	case PartOfWindows, APISet:
		return "Windows"
	case PartOfPython:
		return "Python"
	}
	return "macOS"
}

// ruleTexts words the rules that are not about a search path.
var ruleTexts = map[RuleKind]string{
	Loaded:        "already loaded",
	NoLCRPath:     "LC_RPATH",
	BySearchPath:  "given search path",
	ByLibraryPath: "%s",
	ByLDPaths:     "given default directory",
	ByDefault:     "default directory",
	ByConfig:      "listed in %s",
	ByPath:        "DT_NEEDED with a path",
	ByInstallName: "install name %s",
	ByFallback:    "dyld's fallback %s",
	ByInterpreter: "program interpreter",
	PartOfMusl:    "part of musl's loader",
	PartOfMacOS:   "part of macOS",
	PartOfWindows: "part of Windows",
	APISet:        "API set of Windows",
	PartOfPython:  "part of Python",
	ByFolder:      "folder of %s",
	ByAddedDir:    "folder that %s adds",
	ByName:        "in the wheel under this name",
	Stranded:      "in the wheel, but no search path leads there",
	ByFileName:    "in the wheel under this file name",
	OwnCopy:       "the wheel's own copy",
	NameOfFiles:   "name of its files",
	notTold:       "not listed",
}

// notTold is the rule of places that are not told one by one.
const notTold RuleKind = -1

// Leads reports whether a loader comes to the library by this rule in whatever
// process it is: the other rules take what lies in the wheel.
func (r Rule) Leads() bool { return r.Kind < ByName }
