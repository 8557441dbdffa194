package linkage

import "github.com/wheelmend/wheelmend/elf"

// bionic has the rules of Android's loader (bionic/linker/linker.cpp). A wheel for
// Android is built on another system: nothing of that is ever searched, but what the
// user names.
type bionic struct{ ldso }

// ownPath: DT_RPATH is not read; DT_RUNPATH is from API level 24 on (soinfo::prelink_image,
// android-changes-for-ndk-developers.md).
func (bionic) ownPath(f *elf.File) (RuleKind, string) { return ByRunPath, f.RunPath() }

// handsOn: the DT_RUNPATH of a file serves that file (open_library_on_paths).
func (bionic) handsOn(*elf.File) bool { return false }

func (bionic) environment() (counts, tokens bool) { return false, false }

func (bionic) onHost() bool { return false }

func (bionic) withholds(*elf.File, dir) bool { return false }

// python: an app has loaded the library of Python itself, and modules are linked to it
// (PEP 738).
func (bionic) python(string) bool { return false }

// systemDirs are the directories of the default namespace (linker.cpp,
// kDefaultLdPaths), below a root that the user names.
func (bionic) systemDirs(root Root, arch string) ([]systemDir, error) {
	if root == (Root{}) {
		return nil, nil
	}
	lib := "lib64"
	if arch == "armv7l" || arch == "i686" {
		lib = "lib"
	}
	return []systemDir{{dir: "/system/" + lib}, {dir: "/odm/" + lib}, {dir: "/vendor/" + lib}}, nil
}
