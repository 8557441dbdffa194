package dropin

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/report"
)

// delocateListdepsTool takes the place of delocate-listdeps.
func (a *app) delocateListdepsTool() *cobra.Command {
	var all, depending bool
	cmd := a.delocateTool("delocate-listdeps WHEEL_OR_PATH_TO_ANALYZE...", `It lists the libraries that Mach-O files of a wheel or below a directory load,
directly and through others. Those that are not found are left out.`)
	cmd.Args = wantArgs("WHEEL_OR_PATH_TO_ANALYZE")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		names, err := globbed(args)
		if err != nil {
			return err
		}
		indent := ""
		for _, name := range names {
			if len(names) > 1 {
				indent = "   "
				if err := a.Tell("%s:\n", report.Clean(name)); err != nil {
					return err
				}
			}
			users, err := a.libraryUsers(cmd.Context(), name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			for _, library := range slices.Sorted(maps.Keys(users)) {
				if !all && linkage.IsMacSystem(library) {
					continue
				}
				if err := a.tellUsers(indent, library, users[library], depending); err != nil {
					return err
				}
			}
		}
		return nil
	}
	cmd.Flags().BoolVarP(&all, "all", "a", false, "list libraries of macOS, too")
	cmd.Flags().BoolVarP(&depending, "depending", "d", false, "list the files that load each library")
	return cmd
}

// tellUsers prints a library, and the files that load it if that is asked for.
func (a *app) tellUsers(indent, library string, users map[string]bool, depending bool) error {
	if !depending {
		return a.Tell("%s%s\n", indent, report.Clean(library))
	}
	if err := a.Tell("%s%s:\n", indent, report.Clean(library)); err != nil {
		return err
	}
	for _, user := range slices.Sorted(maps.Keys(users)) {
		if err := a.Tell("%s    %s\n", indent, report.Clean(user)); err != nil {
			return err
		}
	}
	return nil
}

// libraryUsers returns the files that load each library, of a wheel or a directory.
func (a *app) libraryUsers(ctx context.Context, name string) (map[string]map[string]bool, error) {
	var f command.SearchFlags
	s, err := audit.ReadTree(ctx, name, audit.TreeOptions{Options: f.Options(a.Getenv)})
	if err != nil {
		return nil, err
	}
	here, err := filepath.EvalSymlinks(".")
	if err == nil {
		here, err = filepath.Abs(here)
	}
	if err != nil {
		return nil, err
	}
	shown := func(n *audit.Node) string {
		if n.InWheel {
			return n.Path
		}
		path, err := filepath.EvalSymlinks(n.Path)
		if err == nil {
			path, err = filepath.Abs(path)
		}
		if err != nil {
			return n.Path
		}
		return strings.TrimPrefix(path, here+string(os.PathSeparator))
	}
	users := map[string]map[string]bool{}
	for i := range s.Processes {
		if s.Processes[i].Format != audit.MachO {
			continue
		}
		for _, n := range s.Processes[i].Nodes {
			for k := range n.Needs {
				library := ""
				switch need := &n.Needs[k]; {
				case need.Found():
					library = shown(need.To)
				case need.Status == linkage.System.String():
					library = need.Name
				default:
					continue
				}
				if users[library] == nil {
					users[library] = map[string]bool{}
				}
				users[library][shown(n)] = true
			}
		}
	}
	return users, nil
}
