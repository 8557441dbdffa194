package dropin

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/console"
)

// pythonModules are the modules that run the tools with python -m.
var pythonModules = map[string]string{
	"auditwheel":        "auditwheel",
	"delocate-addplat":  "delocate.cmd.delocate_addplat",
	"delocate-fuse":     "delocate.cmd.delocate_fuse",
	"delocate-listdeps": "delocate.cmd.delocate_listdeps",
	"delocate-merge":    "delocate.cmd.delocate_merge",
	"delocate-patch":    "delocate.cmd.delocate_patch",
	"delocate-path":     "delocate.cmd.delocate_path",
	"delocate-wheel":    "delocate.cmd.delocate_wheel",
	"repairwheel":       "repairwheel",
}

// moduleMark begins each Python file that this program writes.
const moduleMark = "# Written by wheelmend install-shims.\n"

// moduleText runs the program that lies in a folder beside the module.
const moduleText = moduleMark + `import os
import subprocess
import sys


def main():
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "wheelmend-shims", %q)
    command = [program, *sys.argv[1:]]
    if os.name == "nt":
        sys.exit(subprocess.call(command))
    os.execv(program, command)


if __name__ == "__main__":
    main()
`

// checkModules rejects tools that are no Python modules.
func checkModules(names []string) error {
	for _, name := range names {
		if pythonModules[name] == "" {
			return console.Usagef("%s cannot be called with python -m; there are %s", name, strings.Join(slices.Sorted(maps.Keys(pythonModules)), ", "))
		}
	}
	return nil
}

// installModules writes the modules of the tools into a folder of Python modules, each
// with a link to the program.
func (a *app) installModules(program, dir string, names []string, force, copied bool) error {
	for _, name := range names {
		parts := strings.Split(pythonModules[name], ".")
		folder, file := filepath.Join(dir, filepath.Join(parts[:max(1, len(parts)-1)]...)), "__main__.py"
		if len(parts) > 1 {
			file = parts[len(parts)-1] + ".py"
		}
		executable := name
		if runtime.GOOS == "windows" {
			executable += ".exe"
		}
		if err := a.writeModule(filepath.Join(folder, file), fmt.Sprintf(moduleText, executable), force); err != nil {
			return err
		}
		for at := folder; at != filepath.Clean(dir); at = filepath.Dir(at) {
			if err := a.writeModule(filepath.Join(at, "__init__.py"), moduleMark, force); err != nil {
				return err
			}
		}
		shims := filepath.Join(folder, "wheelmend-shims")
		if err := os.MkdirAll(shims, 0o777); err != nil {
			return err
		}
		if err := a.installShim(program, filepath.Join(shims, executable), force, copied); err != nil {
			return err
		}
	}
	return nil
}

// writeModule writes a Python file, but not over one that somebody else wrote.
func (a *app) writeModule(path, text string, force bool) error {
	before, err := os.ReadFile(path)
	switch {
	case err == nil && string(before) == text:
		return nil
	case err == nil && !force && !strings.HasPrefix(string(before), moduleMark):
		return fmt.Errorf("%s exists already, and this program did not make it; --force replaces it", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	if err := atomicfile.Write(path, 0o644, func(out *os.File) error {
		_, err := out.WriteString(text)
		return err
	}, nil); err != nil {
		return err
	}
	return a.Tell("%s\n", path)
}
