package dropin

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/console"
)

// InstallShims makes the links by which the drop-ins are called.
func InstallShims(c *console.Console) *cobra.Command {
	a := &app{c}
	var force, copied, python bool
	cmd := &cobra.Command{
		Use:   "install-shims DIR [TOOL...]",
		Short: "Make links to run wheelmend as auditwheel, patchelf...",
		Long: `install-shims makes links to this program in DIR, one for each tool that it can
replace: ` + strings.Join(Names(), ", ") + `.
Called by such a name it takes that tool's flags, environment variables, defaults and
exit codes. Unsupported options fail loudly. Put DIR first on PATH.

Where links are not possible, such as on Windows, it makes copies.

With --python, DIR is a folder of Python modules, such as site-packages: then
python -m auditwheel and the like run this program.`,
		Example: `  wheelmend install-shims ~/.local/share/wheelmend/bin
  wheelmend install-shims --force /usr/local/bin auditwheel patchelf
  wheelmend install-shims --python .venv/lib/python3.13/site-packages auditwheel`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return console.Usagef("no directory given; write wheelmend install-shims DIRECTORY")
			}
			for _, name := range args[1:] {
				if tools[name] == nil {
					return console.Usagef("%q is no tool that it takes the place of; there are %s", name, strings.Join(Names(), ", "))
				}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			names, tools := args[1:], Names()
			if python {
				tools = slices.Sorted(maps.Keys(pythonModules))
				if err := checkModules(names); err != nil {
					return err
				}
			}
			if len(names) == 0 {
				names = tools
			}
			return a.installShims(args[0], names, force, copied, python)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "replace files that are there already")
	cmd.Flags().BoolVar(&python, "python", false, "make Python modules, for python -m auditwheel and the like")
	cmd.Flags().BoolVar(&copied, "copy", false, "make copies of this program instead of links")
	return cmd
}

func (a *app) installShims(dir string, names []string, force, copied, python bool) error {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return fmt.Errorf("where this program lies is not known: %w", err)
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return console.Usagef("%s: not a directory; name the folder that the links go into", dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	if python {
		return a.installModules(program, dir, names, force, copied)
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if runtime.GOOS == "windows" {
			path += ".exe"
		}
		if err := a.installShim(program, path, force, copied); err != nil {
			return err
		}
	}
	return nil
}

func (a *app) installShim(program, path string, force, copied bool) error {
	if info, err := os.Lstat(path); err == nil {
		target, err := os.Readlink(path)
		switch {
		case err == nil && target == program && !copied:
			return nil
		case !force:
			return fmt.Errorf("%s exists already, and this program did not make it; --force replaces it", path)
		case info.IsDir():
			return fmt.Errorf("%s is a directory", path)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if !copied {
		if err := os.Symlink(program, path); err == nil {
			return a.Tell("%s -> %s\n", path, program)
		}
	}
	if err := copyProgram(program, path); err != nil {
		return err
	}
	return a.Tell("%s, a copy of %s\n", path, program)
}

// copyProgram copies the program to path.
func copyProgram(program, path string) error {
	in, err := os.Open(program)
	if err != nil {
		return err
	}
	defer in.Close()
	return atomicfile.Write(path, 0o755, func(out *os.File) error {
		_, err := io.Copy(out, in)
		return err
	}, nil)
}
