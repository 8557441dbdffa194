package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/internal/console"
)

var longFlag = regexp.MustCompile(`--[a-z][a-z-]+`)

// helpOf returns what a command of a tool prints for --help.
func helpOf(t *testing.T, args ...string) string {
	t.Helper()
	var out bytes.Buffer
	env := console.Environment{Stdout: &out, Stderr: &out, Getenv: func(string) string { return "" }}
	run(t.Context(), append(args, "--help"), env)
	return out.String()
}

// TestMigrating holds docs/migrating.md to the flags of the tools that it is about,
// and to those of the commands that it leads to.
func TestMigrating(t *testing.T) {
	text, err := os.ReadFile("../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	sections := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		name, body, _ := strings.Cut(section, "\n")
		sections[name] = body
	}
	for section, tools := range map[string][]string{
		"auditwheel":  {"auditwheel", "auditwheel show", "auditwheel repair", "auditwheel lddtree"},
		"delocate":    {"delocate-wheel", "delocate-path", "delocate-listdeps", "delocate-merge", "delocate-addplat", "delocate-patch"},
		"repairwheel": {"repairwheel"},
		"patchelf":    {"patchelf"},
	} {
		told := longFlag.FindAllString(sections[section], -1)
		for _, tool := range tools {
			flags := longFlag.FindAllString(helpOf(t, strings.Fields(tool)...), -1)
			if len(flags) < 2 {
				t.Errorf("%s --help shows %q", tool, flags)
			}
			for _, flag := range flags {
				if flag != "--help" && !slices.Contains(told, flag) {
					t.Errorf("the section %s does not tell what becomes of %s %s", section, tool, flag)
				}
			}
		}
	}

	ours := longFlag.FindAllString(helpOf(t, "wheelmend"), -1)
	for _, command := range []string{"audit", "repair", "tree", "merge", "tag", "patch", "install-shims"} {
		ours = append(ours, longFlag.FindAllString(helpOf(t, "wheelmend", command), -1)...)
	}
	for line := range strings.Lines(string(text)) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 {
			continue
		}
		for _, flag := range longFlag.FindAllString(columns[2], -1) {
			if !slices.Contains(ours, flag) {
				t.Errorf("no command of wheelmend has %s: %s", flag, line)
			}
		}
	}
}
