package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/dropin"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
)

// completeValues has the shell complete what flags and arguments can be: platform tags,
// architectures, formats, directories and wheels.
func completeValues(root *cobra.Command) {
	completeFlags(root, root.PersistentFlags())
	for _, c := range root.Commands() {
		completeFlags(c, c.LocalNonPersistentFlags())
		switch c.Name() {
		case "audit", "repair", "verify", "tag", "merge":
			c.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return []string{"whl"}, cobra.ShellCompDirectiveFilterFileExt
			}
		case "install-shims":
			c.ValidArgsFunction = func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
				if len(args) == 0 {
					return nil, cobra.ShellCompDirectiveFilterDirs
				}
				return dropin.Names(), cobra.ShellCompDirectiveNoFileComp
			}
		case "policies", "version":
			c.ValidArgsFunction = cobra.NoFileCompletions
		}
	}
}

// directories are the flags whose value is a directory.
var directories = []string{"search-path", "ldpaths", "sysroot", "wheel-dir", "executable-path"}

// listed are the flags whose values can be listed, see valuesOf. To list them takes
// longer than to start.
var listed = []string{"plat", "arch", "require-archs", "format", "log-format", "color", "prefer", "zip-level", "allow"}

func completeFlags(c *cobra.Command, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		complete := func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			values := slices.DeleteFunc(valuesOf(c, f.Name, typed), func(v string) bool { return !strings.HasPrefix(v, typed) })
			return values, cobra.ShellCompDirectiveNoFileComp
		}
		switch {
		case slices.Contains(directories, f.Name):
			complete = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
				return nil, cobra.ShellCompDirectiveFilterDirs
			}
		case !slices.Contains(listed, f.Name):
			return
		}
		_ = c.RegisterFlagCompletionFunc(f.Name, complete) // the flag is there, and has none yet
	})
}

// valuesOf returns what a flag of a command can be, nil for what nobody can list.
func valuesOf(c *cobra.Command, flag, typed string) []string {
	switch flag {
	case "plat":
		return tags(c.Name() == "repair")
	case "arch":
		return command.Archs()
	case "require-archs":
		before := typed[:strings.LastIndex(typed, ",")+1]
		var all []string
		for _, word := range []string{"x86_64", "arm64", "universal2", "intel"} {
			all = append(all, before+word)
		}
		return all
	case "format":
		return formatsOf(c.Name())
	case "log-format":
		return []string{"text", "json"}
	case "color":
		return []string{"auto", "always", "never"}
	case "prefer":
		return []string{"first", "second"}
	case "zip-level":
		return strings.Split("0123456789", "")
	case "allow":
		var topics []string
		for _, t := range audit.Topics() {
			if repair.Allowable(t) {
				topics = append(topics, string(t))
			}
		}
		return topics
	}
	return nil
}

// formatsOf returns the formats in which a command can print.
func formatsOf(name string) []string {
	return formats[name]
}

// tags returns all platform tags, those that are met first by few systems last.
func tags(auto bool) []string {
	var all []string
	if auto {
		all = append(all, "auto")
	}
	for _, p := range policy.All() {
		all = append(all, p.Tags()...)
	}
	return all
}
