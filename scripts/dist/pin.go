package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// pinsFile, below the root, is what scripts/install-release reads: the version of a
// release and the digests of its programs. It is a part of the commit that is released,
// since a program depends on its version and not on the commit.
const pinsFile = "scripts/release-sums"

// isRelease reports whether a version is one that install-release takes: no pre-release
// and no build of a commit.
func isRelease(version string) bool {
	m := versionTag.FindStringSubmatch(version)
	return m != nil && m[2] == ""
}

// pins returns the text of pinsFile for a version whose programs are in made.
func pins(version, made string) (string, error) {
	text := "version " + version + "\n"
	for _, t := range allTargets {
		sum, err := fileSum(filepath.Join(made, t.file()))
		if err != nil {
			return "", err
		}
		text += fmt.Sprintf("%x  %s\n", sum, t.file())
	}
	return text, nil
}

// pin writes pinsFile.
func pin(root, version, made string) error {
	text, err := pins(version, made)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, pinsFile), []byte(text), 0o644); err != nil {
		return err
	}
	return pinHook(root, version)
}

// hookFile is the package that pre-commit installs, and dependency its line with the wheel.
const hookFile = "pyproject.toml"

var dependency = regexp.MustCompile(`(?m)^dependencies = \["wheelmend[^"]*"\]$`)

// pinHook has the hook of pre-commit install the wheel of a version.
func pinHook(root, version string) error {
	path := filepath.Join(root, hookFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if !dependency.Match(text) {
		return fmt.Errorf("%s has no line with the dependency on wheelmend", hookFile)
	}
	line := fmt.Sprintf(`dependencies = ["wheelmend == %s"]`, pythonVersion(version))
	return os.WriteFile(path, dependency.ReplaceAll(text, []byte(line)), 0o644)
}

// checkPinned holds pinsFile to the programs in made. A pre-release is in no pinsFile.
func checkPinned(root, version, made string) error {
	if !isRelease(version) {
		return nil
	}
	want, err := pins(version, made)
	if err != nil {
		return err
	}
	got, err := os.ReadFile(filepath.Join(root, pinsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if strings.ReplaceAll(string(got), "\r\n", "\n") != want {
		return fmt.Errorf("%s is not that of %s; run go run ./scripts/dist -pin -version %s, commit the file and move the tag there",
			pinsFile, version, version)
	}
	return nil
}
