package dropin

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/internal/atomicfile"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
)

// tools are the programs whose place this one takes when it is called by their
// name: with their flags, defaults and exit codes. Each translates them to what the
// commands of wheelmend do.
var tools = map[string]func(*app) *cobra.Command{
	"auditwheel":        (*app).auditwheelTool,
	"delocate-addplat":  (*app).delocateAddplatTool,
	"delocate-fuse":     (*app).delocateFuseTool,
	"delocate-merge":    (*app).delocateMergeTool,
	"delocate-patch":    (*app).delocatePatchTool,
	"delocate-listdeps": (*app).delocateListdepsTool,
	"delocate-path":     (*app).delocatePathTool,
	"delocate-wheel":    (*app).delocateWheelTool,
	"patchelf":          (*app).patchelfTool,
	"repairwheel":       (*app).repairwheelTool,
}

// Names returns the names of the tools whose place the program can take, in order.
func Names() []string { return slices.Sorted(maps.Keys(tools)) }

// A app is one run of the program in the place of another tool.
type app struct{ *console.Console }

// toolName returns the name by which the program was called.
func toolName(arg0 string) string {
	return strings.TrimSuffix(strings.ToLower(filepath.Base(arg0)), ".exe")
}

// Command returns the command of the tool by whose name the program was called, nil
// if it was called by its own.
func Command(c *console.Console, arg0 string) *cobra.Command {
	make, ok := tools[toolName(arg0)]
	if !ok {
		return nil
	}
	a := &app{c}
	a.Name = toolName(arg0)
	cmd := make(a)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.TraverseChildren = true
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetHelpCommand(&cobra.Command{Hidden: true})
	cmd.SetFlagErrorFunc(command.ToolFlagError)
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) { command.WriteHelp(a.Stdout, cmd, a.Style().Width) })
	cmd.PersistentPreRunE = func(*cobra.Command, []string) error {
		a.LogLines()
		return nil
	}
	for _, c := range append(cmd.Commands(), cmd) {
		abbreviate(c.Flags())
	}
	return cmd
}

// standsFor is the version text of a drop-in: scripts compare the first number.
func (a *app) standsFor(toolVersion string) string {
	return toolVersion + " (wheelmend " + a.Version + ")"
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
			return console.Usagef("%s: %w", variables[name], err)
		}
	}
	return nil
}

// wantArgs wants at least one argument, and calls it as the tool's help does.
func wantArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return console.Usagef("the following arguments are required: %s", what)
		}
		return nil
	}
}

// globbed expands patterns among the names of files that are not there under that
// very name. One that matches nothing is an error.
func globbed(names []string) ([]string, error) {
	if err := command.CheckNames("file", names); err != nil {
		return nil, err
	}
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
			return nil, fmt.Errorf("%s: %w", name, command.NotThere(name))
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
	a.Sweep(dir)
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
		a.Log.WithField("wheel", filepath.Base(old)).Warnf("its %s could not be kept: this process may not set it", attribute)
	}
	return errors.Join(err, to.Close())
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
