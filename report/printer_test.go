package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/wheelmend/wheelmend/audit"
)

func TestTextIsBounded(t *testing.T) {
	var out strings.Builder
	p := &printer{w: &out}
	const lines = 50_000
	for range lines {
		p.linef("%s", strings.Repeat("x", 99))
	}
	if err := p.end(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > maxText+200 {
		t.Errorf("%d bytes", out.Len())
	}
	if !strings.HasSuffix(out.String(), " more lines; --json has all\n") {
		t.Errorf("it ends with %q", out.String()[out.Len()-100:])
	}
}

func TestRowsAreBounded(t *testing.T) {
	for _, tt := range []struct {
		all         bool
		rows        int
		shown, more int
	}{
		{false, shownRows, shownRows, 0},
		{false, shownRows + 1, shownRows + 1, 0}, // the line that tells it is as long
		{false, shownRows + 37, shownRows, 37},
		{true, maxRows + 7, maxRows, 7},
	} {
		shown, more := rows(&printer{all: tt.all}, make([]int, tt.rows))
		if len(shown) != tt.shown || more != tt.more {
			t.Errorf("%d rows, all %v: %d shown, %d more", tt.rows, tt.all, len(shown), more)
		}
	}
	var out strings.Builder
	(&printer{w: &out}).andMore(37)
	(&printer{w: &out, all: true}).andMore(7)
	if got := out.String(); got != "  and 37 more (-v)\n  and 7 more; --json has all\n" {
		t.Errorf("%q", got)
	}
}

// A name of a megabyte in each of a thousand rows or lines is told in short.
func TestLongNamesAreCut(t *testing.T) {
	name := strings.Repeat("n", 1<<20)
	var out strings.Builder
	p := &printer{w: &out}
	table := p.table("file")
	for range 1000 {
		table.AppendRow(row(name))
	}
	p.render(table)
	p.linef("%s", name)
	if out.Len() > maxText || !strings.Contains(out.String(), "n... (1047552 bytes more)") {
		t.Errorf("%d bytes", out.Len())
	}
}

// A JSON document is whole, or it is none.
func TestJSONIsBounded(t *testing.T) {
	var out strings.Builder
	name := strings.Repeat("n", maxJSON/2)
	for n, want := range []bool{true, true, false} {
		out.Reset()
		doc := Verify{Claims: []VerifyClaim{{Evidence: []string{"a"}}}}
		for range n {
			doc.Claims[0].Faults = append(doc.Claims[0].Faults, VerifyFault{File: &name})
		}
		err := WriteJSON(&out, doc)
		if ok := err == nil; ok != want {
			t.Errorf("%d names of half the limit: %v", n, err)
		}
		if err != nil && out.Len() > 0 {
			t.Errorf("%d bytes of a document that is refused", out.Len())
		}
	}
}

// What is kept out of a document may lead back to it.
func TestHiddenFieldsDoNotCount(t *testing.T) {
	type document struct {
		Name   string
		hidden *document
		Out    *document `json:"-"`
	}
	d := &document{Name: "a"}
	d.hidden, d.Out = d, d
	var out strings.Builder
	if err := WriteJSON(&out, d); err != nil || out.String() != "{\"Name\":\"a\"}\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// A graph that is cut is still one, and says so.
func TestGraphIsBounded(t *testing.T) {
	long := strings.Repeat("\x01&\"", 1000)
	s := &audit.Tree{Kind: audit.TreeOfWheel, Name: "a.whl", Processes: []audit.Process{{}}}
	for range 5000 {
		s.Processes[0].Nodes = append(s.Processes[0].Nodes, &audit.Node{Path: fmt.Sprint(len(s.Processes[0].Nodes), long), InWheel: true, Needs: []audit.Need{{Name: long}}})
	}
	var out strings.Builder
	if err := WriteTreeDOT(&out, []*audit.Tree{s}); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	if len(text) > 2*maxText || !strings.HasSuffix(text, "more lines; --json has all\"];\n}\n") {
		t.Errorf("%d bytes, ends with %q", len(text), text[len(text)-100:])
	}
	if open, closed := strings.Count(text, "{\n"), strings.Count(text, "}\n"); open != 2 || closed != 2 {
		t.Errorf("%d braces open, %d close", open, closed)
	}
}
