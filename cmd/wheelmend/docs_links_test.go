package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingLine  = regexp.MustCompile(`(?m)^#{1,6} (.*)$`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	codeFence    = regexp.MustCompile("(?s)```.*?```")
)

// anchors returns those of the headings of a document, as GitHub makes them.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range headingLine.FindAllStringSubmatch(codeFence.ReplaceAllString(text, ""), -1) {
		all[strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-")] = true
	}
	return all
}

// TestDocumentLinks follows the links between the documents of the repository.
func TestDocumentLinks(t *testing.T) {
	root := filepath.Join("..", "..")
	documents, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"} {
		documents = append(documents, filepath.Join(root, name))
	}
	followed := 0
	for _, path := range documents {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range markdownLink.FindAllStringSubmatch(codeFence.ReplaceAllString(string(text), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			followed++
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path
			if file != "" {
				target = filepath.Join(filepath.Dir(path), filepath.FromSlash(file))
			}
			other, err := os.ReadFile(target)
			if err != nil && !isDir(target) {
				t.Errorf("%s: %s leads nowhere", filepath.Base(path), m[1])
			} else if anchor != "" && !anchors(string(other))[anchor] {
				t.Errorf("%s: %s: there is no such heading", filepath.Base(path), m[1])
			}
		}
	}
	if followed < 40 {
		t.Errorf("%d links were followed", followed)
	}
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readsVariable matches what asks for a variable of the environment.
var readsVariable = regexp.MustCompile(`[gG]etenv\("([A-Z][A-Z_0-9]+)"\)|: +"((?:AUDITWHEEL|DELOCATE)_[A-Z_]+)"`)

// TestEnvironmentIsDocumented looks for each variable that the program reads in the page
// about them.
func TestEnvironmentIsDocumented(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "environment.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, dir := range []string{".", "../../internal/command", "../../internal/console", "../../internal/dropin", "../../internal/patch"} {
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range readsVariable.FindAllStringSubmatch(string(text), -1) {
				found[m[1]+m[2]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 8 {
		t.Errorf("found %v", found)
	}
	for name := range found {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/environment.md says nothing of %s", name)
		}
	}
}
