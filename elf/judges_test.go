//go:build integration

package elf

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A judge is a tool that reads many files at once, and introduces what it says
// of each with a line.
type judge struct {
	name  string
	args  []string
	intro *regexp.Regexp // its first group is the path
	said  *regexp.Regexp // the lines that are complaints
}

func judges() []judge {
	return []judge{
		{"readelf", []string{"-hlSdsrnVAIW"}, regexp.MustCompile(`^File: (/.*)$`), regexp.MustCompile(`(?i)^readelf: .*(warning|error|corrupt|out of range)`)},
		{"eu-readelf", []string{"-hlSdsrnVAI"}, regexp.MustCompile(`^(/.*):$`), regexp.MustCompile(`^eu-readelf: |(?i)(<corrupt>|\binvalid\b.*(section|data|offset))`)},
		{"eu-elflint", []string{"--gnu-ld"}, regexp.MustCompile(`^(/.*):$`), regexp.MustCompile(`.`)},
	}
}

// complaints returns what a judge complains about in each of several files,
// without the numbers, which may differ.
func (j *judge) complaints(t *testing.T, paths []string) map[string][]string {
	t.Helper()
	// The exit status is 1 when there was a complaint.
	out, err := exec.Command(j.name, append(append([]string(nil), j.args...), paths...)...).CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited {
		t.Fatal(err)
	}
	said, path, read := map[string][]string{}, "", 0
	for line := range strings.Lines(staleReason.ReplaceAllString(string(out), "$1")) {
		line = strings.TrimRight(line, "\n")
		if m := j.intro.FindStringSubmatch(line); m != nil {
			path = m[1]
			read++
		} else if j.said.MatchString(line) && line != "No errors" {
			said[path] = append(said[path], number.ReplaceAllString(strings.ReplaceAll(line, path, "FILE"), "N"))
		}
	}
	if read != len(paths) || len(said[""]) > 0 {
		t.Errorf("%s read %d files of %d, and said of none in particular %q", j.name, read, len(paths), said[""])
	}
	return said
}

// staleReason matches a complaint of eu-elflint that ends with whatever error was
// the last one.
var staleReason = regexp.MustCompile(`(cannot get content of note section): .*`)

var number = regexp.MustCompile(`0x[0-9a-f]+|[0-9]+`)

// knownFalse reports whether a complaint is about where a section lies of which
// the original, too, said that no segment has it: lief leaves .bss so.
func (j *judge) knownFalse(line string, before []string) bool {
	name, rest, ok := strings.Cut(line, "' ")
	return ok && strings.Contains(rest, "segment of program header") &&
		slices.Contains(before, name+"': alloc flag set but section not in any loaded segment")
}

// askJudges reports what the judges say of an edited file and did not say of
// its original. Edits maps each edited file to its original.
func askJudges(t *testing.T, edits map[string]string) {
	t.Helper()
	var paths []string
	seen := map[string]bool{}
	for after, before := range edits {
		for _, path := range []string{before, after} {
			if !seen[path] {
				seen[path] = true
				paths = append(paths, path)
			}
		}
	}
	for _, j := range judges() {
		said := j.complaints(t, paths)
		for after, before := range edits {
			was := map[string]bool{}
			for _, line := range said[before] {
				was[line] = true
			}
			for _, line := range said[after] {
				if !was[line] && !j.knownFalse(line, said[before]) {
					was[line] = true
					t.Errorf("%s of %s: %s", j.name, after, line)
				}
			}
		}
	}
}
