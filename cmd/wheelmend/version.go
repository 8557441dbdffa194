package main

import (
	"fmt"
	"regexp"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is the version that `make dist` has the linker put in.
var release string

// version returns the version of the build: that of a release, the tag or the commit
// of an archive, or what Go knows.
func version() string {
	if release != "" {
		return release
	}
	if v := archivedVersion(archived); v != "" {
		return v
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return builtVersion(info)
}

// shownVersion spells the version as pip and PyPI do, without the v of a tag.
func shownVersion() string {
	v := version()
	if versionTag.MatchString(v) {
		return v[1:]
	}
	return v
}

// stamp matches what git makes of archived: the tag that the commit has, or that is
// nearest before it ("v1.2.0-14-g0123abc"), if any, and the commit. A git that does
// not know the placeholder of the tag leaves it.
var stamp = regexp.MustCompile(`^(\S*) ([0-9a-f]{40,64})$`)

var versionTag = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$`)

// archivedVersion returns the version that text, the value of archived, stands for; ""
// in a checkout.
func archivedVersion(text string) string {
	m := stamp.FindStringSubmatch(text)
	switch {
	case m == nil:
		return ""
	case versionTag.MatchString(m[1]):
		return m[1]
	}
	return "devel-" + m[2][:12]
}

// builtVersion returns the module version of a build, else the commit.
func builtVersion(info *debug.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	revision, modified := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			revision = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				modified = "+changes"
			}
		}
	}
	if revision == "" {
		return "devel"
	}
	return "devel-" + revision[:min(12, len(revision))] + modified
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Print the version",
		Example: "  wheelmend version",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(a.Stdout, "wheelmend %s %s %s/%s\n", shownVersion(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
