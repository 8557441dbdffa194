package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

var (
	// versionTag matches the versions that are released. Go and Python both can tell
	// their order.
	versionTag = regexp.MustCompile(`^v([0-9]+\.[0-9]+\.[0-9]+)(?:-(alpha|beta|rc)\.([0-9]+))?$`)
	// develVersion matches what `wheelmend version` says of other builds.
	develVersion = regexp.MustCompile(`^devel(?:-([0-9a-f]{12}))?(\+changes)?$`)
)

// gitVersion returns the version of the source in root, a checkout: the tag of the
// commit, or "devel-" and its hash. A tree with changes is never a release. It is ""
// for what is no checkout.
func gitVersion(ctx context.Context, root string) (string, error) {
	switch _, err := os.Stat(filepath.Join(root, ".git")); {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", err
	}
	changes, err := output(ctx, root, nil, "git", "status", "--porcelain")
	if err != nil {
		return "", err
	}
	commit, err := output(ctx, root, nil, "git", "rev-parse", "HEAD")
	if err != nil {
		return "", err
	}
	version := "devel-" + commit[:12]
	if changes != "" {
		return version + "+changes", nil
	}
	tags, err := output(ctx, root, nil, "git", "tag", "--points-at", "HEAD", "--sort=-version:refname")
	if err != nil {
		return "", err
	}
	for tag := range strings.Lines(tags) {
		if tag = strings.TrimSpace(tag); versionTag.MatchString(tag) {
			return tag, nil
		}
	}
	return version, nil
}

// ownVersion returns what a program, which was built from the source, says it is: in
// an archive git has left the tag or the commit.
func ownVersion(ctx context.Context, program string) (string, error) {
	answer, err := output(ctx, "", nil, program, "version")
	if err != nil {
		return "", err
	}
	fields := strings.Fields(answer)
	if len(fields) >= 2 && versionTag.MatchString("v"+fields[1]) {
		return "v" + fields[1], nil // the program says 1.2.3, as PyPI does
	}
	if len(fields) < 2 || !versionTag.MatchString(fields[1]) && !develVersion.MatchString(fields[1]) {
		return "", fmt.Errorf("wheelmend version: %q has no version as in v1.2.3; give one with -version", answer)
	}
	return fields[1], nil
}
