//go:build integration

package elf

import (
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// run loads a library, or starts a program, and returns what happened. With
// search, the needed libraries are found through the environment.
func (l *lab) run(t *testing.T, o layout, path string, search bool) string {
	t.Helper()
	env, key := []string{"LD_BIND_NOW=1"}, "run "+o["machine"]
	if search {
		env = append(env, "LD_LIBRARY_PATH="+l.needed(o["machine"]))
		key += " with a library path"
	}
	if l.askers[key] == nil {
		l.askers[key] = startAsker(t, env, l.harness(o["machine"]))
	}
	how := "start "
	if o["kind"] == "library" {
		how = "load "
	}
	return l.askers[key].ask(t, how+path)
}

// readers are the scripts that read files with other people's packages.
func readers() []string { return []string{"testdata/peer_facts.py", "testdata/lief_facts.py"} }

// facts returns what a reader says about a file; nothing, not even the path, of
// one that it cannot read.
func (l *lab) facts(t *testing.T, reader, path string) facts {
	t.Helper()
	if l.askers[reader] == nil {
		l.askers[reader] = startAsker(t, nil, peerTool("python"), reader)
	}
	var got facts
	if err := json.Unmarshal([]byte(l.askers[reader].ask(t, path)), &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// checkFacts asks the readers whether an edited image says what it shall.
func (l *lab) checkFacts(t *testing.T, c *change, was map[string]facts, path string) {
	t.Helper()
	for _, reader := range readers() {
		if was[reader].Path == "" {
			continue // false section headers are too much for it
		}
		want, got := c.wanted(was[reader]), l.facts(t, reader, path)
		want.Path, got.Sections = path, ""
		if c.dropsVersions {
			got.Digest = ""
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", reader, diff)
		}
	}
}

// write edits the image at from into a new file. It reports false, with the
// reason, when the edit is refused.
func write(t *testing.T, from, to string, edits ...Edit) error {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	f := parse(t, data)
	o, err := f.Edit(context.Background(), edits...)
	if err != nil {
		return err
	}
	after := contents(t, o)
	checkTables(t, f, parse(t, after))
	if err := os.WriteFile(to, after, 0o755); err != nil {
		t.Fatal(err)
	}
	return nil
}
