package report

import (
	"strings"
	"testing"
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
	if got := len(firstRows(make([]int, maxRows+7))); got != maxRows {
		t.Errorf("%d rows", got)
	}
	var out strings.Builder
	(&printer{w: &out}).more(maxRows + 7)
	if got := out.String(); got != "  and 7 more rows; --json has all\n" {
		t.Errorf("%q", got)
	}
}
