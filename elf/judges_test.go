//go:build integration

package elf

import (
	"os/exec"
	"regexp"
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
	for line := range strings.Lines(string(out)) {
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

var number = regexp.MustCompile(`0x[0-9a-f]+|[0-9]+`)

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
				if !was[line] {
					was[line] = true
					t.Errorf("%s of %s: %s", j.name, after, line)
				}
			}
		}
	}
}
