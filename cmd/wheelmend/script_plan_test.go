package main

import (
	"debug/elf"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// A plannedChange is the part of a plan that the dynamic section of a file shows.
type plannedChange struct {
	Member  string
	Soname  string
	Needed  []struct{ Old, New string }
	RPath   string
	RunPath string
}

type plannedRepair struct {
	Output        string
	Grafts, Edits []plannedChange
	Removed       []string
	Tags          []string
	SBOM          string
}

func readPlan(ts *testscript.TestScript, name string, into any) error {
	return json.Unmarshal([]byte(ts.ReadFile(name)), into)
}

// samePlan holds a dry run to the real one: only what tells them apart differs.
func samePlan(ts *testscript.TestScript, args []string) error {
	var dry, done map[string]any
	if err := readPlan(ts, args[0], &dry); err != nil {
		return err
	}
	if err := readPlan(ts, args[1], &done); err != nil {
		return err
	}
	if dry["dry_run"] != true || done["dry_run"] != false || dry["path"] != "" || done["path"] == "" {
		return fmt.Errorf("dry_run and path are %v %q and %v %q", dry["dry_run"], dry["path"], done["dry_run"], done["path"])
	}
	for _, document := range []map[string]any{dry, done} {
		delete(document, "dry_run")
		delete(document, "path")
		delete(document, "size_before")
		delete(document, "size_after")
		delete(document, "packages")
	}
	if diff := cmp.Diff(dry, done); diff != "" {
		return fmt.Errorf("the plans differ (-dry run +real run):\n%s", diff)
	}
	return nil
}

// planned holds a finished wheel to its plan.
func planned(ts *testscript.TestScript, args []string) error {
	var plan plannedRepair
	if err := readPlan(ts, args[0], &plan); err != nil {
		return err
	}
	if base := path.Base(args[1]); base != plan.Output {
		return fmt.Errorf("the wheel is called %s, planned %s", base, plan.Output)
	}
	z, err := readZip(ts, args[1])
	if err != nil {
		return err
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	for _, name := range plan.Removed {
		if slices.Contains(names, name) {
			return fmt.Errorf("%s is there, planned to be dropped", name)
		}
	}
	if plan.SBOM != "" && !slices.Contains(names, plan.SBOM) {
		return fmt.Errorf("%s is missing", plan.SBOM)
	}
	return plannedFiles(ts, args[1], &plan)
}

// plannedFiles holds each ELF file of a wheel to the plan.
func plannedFiles(ts *testscript.TestScript, wheel string, plan *plannedRepair) error {
	changes := map[string]plannedChange{}
	for _, c := range slices.Concat(plan.Grafts, plan.Edits) {
		changes[c.Member] = c
	}
	err := eachELF(ts, wheel, func(name string, f *elf.File) error {
		c, ok := changes[name]
		delete(changes, name)
		if !ok {
			return nil
		}
		return plannedFile(f, &c)
	})
	if err != nil {
		return err
	}
	for name := range changes {
		return fmt.Errorf("%s is missing", name)
	}
	return nil
}

func plannedFile(f *elf.File, c *plannedChange) error {
	needed, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, rename := range c.Needed {
		if !slices.Contains(needed, rename.New) || slices.Contains(needed, rename.Old) {
			return fmt.Errorf("it needs %q, planned %s instead of %s", needed, rename.New, rename.Old)
		}
	}
	for tag, want := range map[elf.DynTag]string{elf.DT_SONAME: c.Soname, elf.DT_RPATH: c.RPath, elf.DT_RUNPATH: c.RunPath} {
		got, err := f.DynString(tag)
		if err != nil {
			return err
		}
		if want != "" && strings.Join(got, " ") != want {
			return fmt.Errorf("%v is %q, planned %q", tag, got, want)
		}
	}
	return nil
}
