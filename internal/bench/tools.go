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
	steps   map[string]func(wheel, out string) []string
}

// The two things measured. The first tool that has a step is what the others
// are compared with.
const (
	stepRepair = "repair"
	stepAudit  = "audit"
)

// ours is the name of the tool that is measured for its own sake.
const ours = "wheelmend"

var steps = []string{stepRepair, stepAudit}

// findTools returns auditwheel, which the others are compared with, wheelmend
// and repairwheel.
func findTools(ctx context.Context, opts *options) ([]tool, error) {
	bin := filepath.Join(opts.cache, "peers", "bin")
	auditwheel, repairwheel := filepath.Join(bin, "auditwheel"), filepath.Join(bin, "repairwheel")
	tools := []tool{
		{name: "auditwheel", steps: map[string]func(wheel, out string) []string{
			stepRepair: func(wheel, out string) []string { return []string{auditwheel, "repair", "-w", out, wheel} },
			stepAudit:  func(wheel, _ string) []string { return []string{auditwheel, "show", "--json", wheel} },
		}},
		{name: ours, steps: map[string]func(wheel, out string) []string{
			stepRepair: func(wheel, out string) []string { return []string{opts.command, "repair", "-w", out, wheel} },
			stepAudit:  func(wheel, _ string) []string { return []string{opts.command, "audit", "--json", wheel} },
		}},
		{name: "repairwheel", steps: map[string]func(wheel, out string) []string{
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
