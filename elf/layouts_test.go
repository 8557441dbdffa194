//go:build integration

package elf

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestLayouts edits images of every layout in every way. Each result loads and
// says what the original said, every reader agrees on it, and it still works
// after strip, patchelf and another edit of ours.
func TestLayouts(t *testing.T) {
	l := newLab(t)
	for _, o := range append(layouts(), specialLayouts()...) {
		t.Run(o.name(), func(t *testing.T) { l.test(t, o) })
	}
}

// test makes the image of a layout, edits it in each way, and judges the results.
func (l *lab) test(t *testing.T, o layout) {
	dir, err := os.MkdirTemp(l.dir, "i")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	image := filepath.Join(dir, "image")
	l.make(t, o, image)
	search := o["path"] == "no path"
	said := l.run(t, o, image, search)
	if !strings.HasPrefix(said, "0 dep=1000,42,6 ") {
		t.Fatalf("the layout itself does not work: %s", said)
	}
	was := map[string]facts{}
	for _, reader := range readers() {
		was[reader] = l.facts(t, reader, image)
	}
	if was[readers()[1]].Path == "" || o["sections"] != "false sections" && was[readers()[0]].Path == "" {
		t.Fatalf("readers say %+v", was)
	}
	tools := l.usableTools(t, o, image, said)
	edited := map[string]string{}
	for _, c := range l.changes(o, was[readers()[1]]) {
		after := filepath.Join(dir, strings.ReplaceAll(c.name, " ", "-"))
		t.Run(c.name, func(t *testing.T) {
			err := write(t, image, after, c.edits...)
			if o.mustRefuse() && err != nil && strings.Contains(err.Error(), "share bytes") {
				return
			}
			if err != nil || o.mustRefuse() {
				t.Fatal(err)
			}
			edited[after] = image
			l.checkFacts(t, &c, was, after)
			l.loads(t, o, after, said)
			l.testChain(t, o, tools, after, said)
		})
	}
	if len(edited) > 0 && o["sections"] != "false sections" { // which stay as false as they were
		askJudges(t, edited)
	}
}

// loads checks that an image says what the original said.
func (l *lab) loads(t *testing.T, o layout, path, said string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	if now := l.run(t, o, path, f.RPath()+f.RunPath() == ""); now != said {
		t.Errorf("%s\nsays %s\nwant %s", path, now, said)
	}
}

// testChain lets strip, patchelf and another edit work on an edited image.
func (l *lab) testChain(t *testing.T, o layout, tools [][]string, edited, said string) {
	t.Helper()
	again := edited + ".again"
	if err := write(t, edited, again, SetRPath("$ORIGIN/another/way/that/is/even/longer/than/the/first/one/was:"+l.needed(o["machine"])), AddNeeded("librt.so.1")); err != nil {
		t.Errorf("a second edit: %v", err)
	} else {
		l.loads(t, o, again, said)
	}
	for _, tool := range tools {
		copied := edited + "." + filepath.Base(tool[0])
		must(t, "cp", edited, copied)
		out, err := exec.Command(tool[0], append(tool[1:], copied)...).CombinedOutput()
		if o["table"] == "table at the end" && strings.Contains(string(out), "lastReplaced + 1 < shdrs.size()") {
			continue // patchelf gives up when what it replaces lies behind all other sections
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", tool[0], err, out)
		}
		l.loads(t, o, copied, said)
	}
}

// usableTools returns the tools that do not break the original.
func (l *lab) usableTools(t *testing.T, o layout, original, said string) [][]string {
	t.Helper()
	var usable [][]string
	for _, tool := range [][]string{
		{"strip"},
		{peerTool("patchelf"), "--force-rpath", "--set-rpath", "$ORIGIN/what/patchelf/makes/of/it/in/the/end:" + l.needed(o["machine"])},
	} {
		copied := original + "." + filepath.Base(tool[0])
		must(t, "cp", original, copied)
		out, err := exec.Command(tool[0], append(tool[1:], copied)...).CombinedOutput()
		now := ""
		if err == nil {
			now = l.run(t, o, copied, o["path"] == "no path")
		}
		if now == said {
			usable = append(usable, tool)
		} else {
			t.Logf("%s breaks the original: %v, %d bytes of complaint, %s", filepath.Base(tool[0]), err, len(out), now)
		}
	}
	return usable
}
