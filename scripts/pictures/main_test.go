package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The pictures show what the program prints today, and what was measured.
func TestPicturesAreUpToDate(t *testing.T) {
	root := filepath.Join("..", "..")
	screen, err := audit(root)
	if err != nil {
		t.Fatal(err)
	}
	table, err := os.ReadFile(filepath.Join(root, "docs", "benchmarks.md"))
	if err != nil {
		t.Fatal(err)
	}
	bars, err := readBars(string(table))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"audit.svg": screenSVG(command, screen), "benchmarks.svg": chartSVG(bars)} {
		got, err := os.ReadFile(filepath.Join(root, "docs", name))
		if err != nil || string(got) != want {
			t.Errorf("docs/%s is not what is made now (%v): make pictures", name, err)
		}
	}
}

func TestScreenEscapesText(t *testing.T) {
	svg := screenSVG("a <b>", "\x1b[1mx & y\x1b[0m <script>\n  \x1b[31mred\x1b[0m end")
	for _, want := range []string{"$ a &lt;b&gt;", `<tspan class="b">x &amp; y</tspan> &lt;script&gt;`, `  <tspan class="r">red</tspan> end`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is not in\n%s", want, svg)
		}
	}
}
