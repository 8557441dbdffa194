package linkage

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

	"github.com/wheelmend/wheelmend/elf"
)

// musl has the rules of musl's loader (ldso/dynlink.c).
type musl struct{ ldso }

// ownPath: musl drops a path with another token than $ORIGIN as a whole (fixup_rpath).
func (m musl) ownPath(f *elf.File) (RuleKind, string) {
	kind, text := m.ldso.ownPath(f)
	if strings.Contains(muslTokens.ReplaceAllString(text, ""), "$") {
		text = ""
	}
	return kind, text
}

// handsOn: DT_RPATH and DT_RUNPATH make no difference (load_library).
func (musl) handsOn(*elf.File) bool { return true }

func (musl) pathFirst() bool { return false }

// bySoname: a library has no name but the one that it was asked for by (load_library,
// shortname).
func (musl) bySoname() bool { return false }

func (musl) environment() (counts, tokens bool) { return true, false }

func (musl) trims() bool { return false }

func (musl) withholds(*elf.File, dir) bool { return false }

func (musl) itself(name, arch string) string {
	if !muslOwn.MatchString(name) {
		return ""
	}
	return "/lib/ld-musl-" + muslArch(arch) + ".so.1"
}

func (musl) systemDirs(root Root, arch string) ([]systemDir, error) { return muslDirs(root, arch) }

// muslTokens matches the only string token that musl knows.
var muslTokens = regexp.MustCompile(`\$(\{ORIGIN\}|ORIGIN)`)

// muslOwn matches the names that musl answers to itself: the libraries that
// other systems split their C library into (ldso/dynlink.c, load_library).
var muslOwn = regexp.MustCompile(`^lib(c|pthread|rt|m|dl|util|xnet)\.`)

// muslArch returns the architecture as musl's file names spell it.
func muslArch(arch string) string {
	names := map[string]string{"i686": "i386", "armv7l": "armhf", "ppc64le": "powerpc64le"}
	if musl, ok := names[arch]; ok {
		return musl
	}
	return arch
}

// muslDirs reads /etc/ld-musl-ARCH.path, whose entries end with a newline or a
// colon, or returns musl's built-in directories (ldso/dynlink.c, sys_path).
func muslDirs(root Root, arch string) ([]systemDir, error) {
	conf := "/etc/ld-musl-" + muslArch(arch) + ".path"
	text, err := root.readConfig(conf)
	if errors.Is(err, fs.ErrNotExist) {
		return []systemDir{{dir: "/lib"}, {dir: "/usr/local/lib"}, {dir: "/usr/lib"}}, nil
	} else if err != nil {
		return nil, fmt.Errorf("loader configuration: %w", err)
	}
	var dirs []systemDir
	for _, name := range strings.FieldsFunc(text, func(c rune) bool { return c == ':' || c == '\n' }) {
		if dirs = append(dirs, systemDir{name, conf}); len(dirs) > maxConfigDirs {
			return nil, tooManyDirs(root, conf)
		}
	}
	return unique(dirs), nil
}
