package main

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/sirupsen/logrus"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
)

// dropins are the programs whose place this one takes when it is called by their
// name: with their flags, defaults and exit codes. Each translates them to what the
// commands of wheelmend do.
var dropins = map[string]func(*app) *cobra.Command{
	"auditwheel":        (*app).auditwheelTool,
	"delocate-addplat":  (*app).delocateAddplatTool,
	"delocate-fuse":     (*app).delocateFuseTool,
	"delocate-merge":    (*app).delocateMergeTool,
	"delocate-listdeps": (*app).delocateListdepsTool,
	"delocate-path":     (*app).delocatePathTool,
	"delocate-wheel":    (*app).delocateWheelTool,
	"patchelf":          (*app).patchelfTool,
	"repairwheel":       (*app).repairwheelTool,
}

// toolName returns the name by which the program was called.
func toolName(arg0 string) string {
	return strings.TrimSuffix(strings.ToLower(filepath.Base(arg0)), ".exe")
}

// toolCommand returns the command of the program whose name this one was called by,
// else that of wheelmend.
func (a *app) toolCommand(arg0 string) *cobra.Command {
	make, ok := dropins[toolName(arg0)]
	if !ok {
		return a.rootCommand()
	}
	a.name = toolName(arg0)
	cmd := make(a)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.TraverseChildren = true
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpCommand(&cobra.Command{Hidden: true})
	cmd.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error {
		a.log.SetFormatter(lineFormatter{a.name})
		a.log.SetLevel([]logrus.Level{logrus.WarnLevel, logrus.InfoLevel, logrus.DebugLevel}[min(a.verbose, 2)])
		return nil
	}
	for _, c := range append(cmd.Commands(), cmd) {
		abbreviate(c.Flags())
	}
	return cmd
}

// standsFor is the version text of a drop-in: scripts compare the first number.
func standsFor(toolVersion string) string {
	return toolVersion + " (wheelmend " + version() + ")"
}

// abbreviate lets flags be called by a beginning that no other has, as Python's
// argparse does.
func abbreviate(flags *pflag.FlagSet) {
	var names []string
	flags.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		matches := slices.DeleteFunc(slices.Clone(names), func(full string) bool { return !strings.HasPrefix(full, name) })
		if len(matches) == 1 && !slices.Contains(names, name) {
			name = matches[0]
		}
		return pflag.NormalizedName(name)
	})
}

// environmentDefaults sets flags that were not given from variables, by the name of
// the flag.
func environmentDefaults(flags *pflag.FlagSet, getenv func(string) string, variables map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := getenv(variables[name])
		if value == "" || flags.Changed(name) {
			continue
		}
		if err := flags.Set(name, value); err != nil {
			return usagef("%s: %w", variables[name], err)
		}
	}
	return nil
}

// wantArgs wants at least one argument, and calls it as the tool's help does.
func wantArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("the following arguments are required: %s", what)
		}
		return nil
	}
}

// An exitError ends the program with a code of its own.
type exitError struct {
	error
	code int
}

func (e exitError) Unwrap() error { return e.error }

// globbed expands patterns among the names of files that are not there under that
// very name. One that matches nothing is an error.
func globbed(names []string) ([]string, error) {
	var all []string
	for _, name := range names {
		if _, err := os.Lstat(name); err == nil {
			all = append(all, name)
			continue
		}
		found, err := filepath.Glob(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no such file", name)
		}
		all = append(all, found...)
	}
	return all, nil
}

// writeBeside has a wheel written into a new folder in dir, and then gives it its
// place there in one step: what it is made of may lie in dir under the same name. It
// keeps the permissions and the owner of old, the file whose place it takes, if there
// is one.
func (a *app) writeBeside(dir, old string, write func(folder string) (path string, err error)) (path string, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	a.sweep(dir)
	folder, err := atomicfile.NewFolder(dir)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	written, err := write(folder.Path)
	if err != nil || written == "" {
		return "", err
	}
	if old != "" {
		if err := a.keep(written, old); err != nil {
			return "", err
		}
	}
	path = filepath.Join(dir, filepath.Base(written))
	return path, os.Rename(written, path)
}

// keep gives a file what another has besides contents.
func (a *app) keep(name, old string) error {
	from, err := os.Open(old)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	lost, err := atomicfile.Keep(to, from)
	for _, attribute := range lost {
		a.log.WithField("wheel", filepath.Base(old)).Warnf("its %s could not be kept: this process may not set it", attribute)
	}
	return errors.Join(err, to.Close())
}

// sweep removes what killed runs have left in a directory that is written to, and says
// so. That it cannot be removed is no reason to do nothing else.
func (a *app) sweep(dir string) {
	removed, err := atomicfile.Sweep(dir)
	for _, name := range removed {
		a.log.WithField("file", name).Warn("removed; a run that was killed left it")
	}
	if err != nil {
		a.log.WithField("file", dir).Warn(err)
	}
}

// sameDir reports whether two paths lead to one directory.
func sameDir(a, b string) bool {
	x, err := os.Stat(a)
	if err != nil {
		return false
	}
	y, err := os.Stat(b)
	return err == nil && os.SameFile(x, y)
}

// installShimsCommand makes the links by which the drop-ins are called.
func (a *app) installShimsCommand() *cobra.Command {
	var force, copied, python bool
	cmd := &cobra.Command{
		Use:   "install-shims DIR [TOOL...]",
		Short: "Let this program be called as auditwheel, delocate-wheel, patchelf...",
		Long: `install-shims makes a link to this program in DIR for each tool whose place it
can take: ` + wrapNames(slices.Sorted(maps.Keys(dropins))) + `.
Called by such a name it takes that tool's flags, variables and defaults, and
ends with its exit codes. What it cannot do is an error.

Where links cannot be made, such as on Windows, copies are.

With --python, DIR is a folder of Python modules, such as site-packages, and gets
modules by which python -m auditwheel and the like run this program.`,
		Example: `  wheelmend install-shims ~/.local/share/wheelmend/bin
  wheelmend install-shims --force /usr/local/bin auditwheel patchelf
  wheelmend install-shims --python "$(python -c 'import site; print(site.getsitepackages()[0])')" auditwheel`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("no directory given")
			}
			for _, name := range args[1:] {
				if dropins[name] == nil {
					return usagef("%q is no tool that it takes the place of; there are %s", name, strings.Join(slices.Sorted(maps.Keys(dropins)), ", "))
				}
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			names, tools := args[1:], slices.Sorted(maps.Keys(dropins))
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
	cmd.Flags().BoolVar(&force, "force", false, "replace what has the name of a tool")
	cmd.Flags().BoolVar(&python, "python", false, "make Python modules, for python -m auditwheel")
	cmd.Flags().BoolVar(&copied, "copy", false, "make copies of this program, not links")
	return cmd
}

// wrapNames joins names for the help of a command.
func wrapNames(names []string) string {
	text, line := "", len("can take: ")
	for i, name := range names {
		if i > 0 {
			name = " " + name
		}
		if i < len(names)-1 {
			name += ","
		}
		if line+len(name) > 78 {
			name, line = "\n"+strings.TrimPrefix(name, " "), 0
		}
		text += name
		line += len(name)
	}
	return text
}

func (a *app) installShims(dir string, names []string, force, copied, python bool) error {
	program, err := os.Executable()
	if err == nil {
		program, err = filepath.EvalSymlinks(program)
	}
	if err != nil {
		return fmt.Errorf("where this program lies is not known: %w", err)
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
			return fmt.Errorf("%s is there already, and nothing that this program made; --force replaces it", path)
		case info.IsDir():
			return fmt.Errorf("%s is a directory", path)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	if !copied {
		if err := os.Symlink(program, path); err == nil {
			return a.tell("%s -> %s\n", path, program)
		}
	}
	if err := copyProgram(program, path); err != nil {
		return err
	}
	return a.tell("%s, a copy of %s\n", path, program)
}

// tell prints a line of a result, unless the user wants to see errors only.
func (a *app) tell(format string, args ...any) error {
	if a.quiet {
		return nil
	}
	_, err := fmt.Fprintf(a.stdout, format, args...)
	return err
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
