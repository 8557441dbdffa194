// Command pictures makes the pictures of the README: the screen of an audit, from what the
// program prints, and a chart, from the table of docs/benchmarks.md. `make pictures` and
// `make bench` call it.
//
//	go run ./scripts/pictures
package main

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

func main() {
	root := "."
	if len(os.Args) > 1 {
		root = os.Args[1]
	}
	if err := draw(root); err != nil {
		fmt.Fprintln(os.Stderr, "pictures: error:", err)
		os.Exit(1)
	}
}

// draw makes both pictures in docs.
func draw(root string) error {
	screen, err := audit(root)
	if err != nil {
		return err
	}
	table, err := os.ReadFile(filepath.Join(root, "docs", "benchmarks.md"))
	if err != nil {
		return err
	}
	bars, err := readBars(string(table))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(root, "docs", "audit.svg"), []byte(screenSVG(command, screen)), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "docs", "benchmarks.svg"), []byte(chartSVG(bars)), 0o644)
}

// command is what the picture shows above the screen.
const command = "wheelmend audit xxhash-4.1.0-cp311-cp311-linux_x86_64.whl"

// audit returns what the program prints of the wheel in testdata, with colors.
func audit(root string) (string, error) {
	cmd := exec.Command("go", "run", "./cmd/wheelmend", "--no-config", "--color", "always", "audit",
		"--ldpaths", "", "--search-path", "testdata/xxhash/lib", "testdata/xxhash/xxhash-4.1.0-cp311-cp311-linux_x86_64.whl")
	cmd.Dir = root
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("wheelmend audit: %w\n%s", err, stderr.String())
	}
	return stdout.String(), nil
}

// Sizes of the screen, in pixels.
const (
	letter = 8.43
	line   = 20
	edge   = 18
	bar    = 30 // with the buttons of a window
)

// color matches what paints text.
var color = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// screenSVG draws a terminal with a command and what it printed.
func screenSVG(command, output string) string {
	lines := append([]string{"$ " + command}, strings.Split(strings.TrimRight(output, "\n"), "\n")...)
	widest := 0
	for _, l := range lines {
		widest = max(widest, len([]rune(color.ReplaceAllString(l, ""))))
	}
	width, height := int(letter*float64(widest))+2*edge, len(lines)*line+bar+2*edge
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" role="img" aria-label="The output of %s">`+"\n", width, height, width, height, html.EscapeString(command))
	fmt.Fprintf(&b, "<style>text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;fill:#d7dae0;white-space:pre}.b{font-weight:700;fill:#fff}.r{fill:#ff8f86}.g{fill:#7fd49a}</style>\n")
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#1b1e23"/>`+"\n", width, height)
	for i, fill := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="18" r="5.5" fill="%s"/>`+"\n", 20+i*18, fill)
	}
	class := ""
	for i, l := range lines {
		fmt.Fprintf(&b, `<text x="%d" y="%d" xml:space="preserve">`, edge, bar+edge+i*line)
		class = spans(&b, l, class)
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// spans writes a line in its colors, and returns the one that goes on.
func spans(b *strings.Builder, text, class string) string {
	write := func(part string) {
		switch {
		case part == "":
		case class == "":
			b.WriteString(html.EscapeString(part))
		default:
			fmt.Fprintf(b, `<tspan class="%s">%s</tspan>`, class, html.EscapeString(part))
		}
	}
	for {
		at := color.FindStringSubmatchIndex(text)
		if at == nil {
			write(text)
			return class
		}
		write(text[:at[0]])
		class = map[string]string{"1": "b", "31": "r", "32": "g"}[text[at[2]:at[3]]]
		text = text[at[1]:]
	}
}

// A result is what one tool took for one file.
type result struct {
	file, step, tool string
	seconds          float64
}

// readBars reads the table of docs/benchmarks.md: repairs alone.
func readBars(text string) ([]result, error) {
	var all []result
	for l := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(l), "|")
		if len(cells) < 6 || !strings.HasPrefix(strings.TrimSpace(cells[2]), "repair") {
			continue
		}
		seconds, err := strconv.ParseFloat(strings.TrimSpace(cells[5]), 64)
		if err != nil {
			return nil, fmt.Errorf("docs/benchmarks.md: %q is no number of seconds", cells[5])
		}
		all = append(all, result{strings.TrimSpace(cells[1]), strings.TrimSpace(cells[2]), strings.TrimSpace(cells[3]), seconds})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("docs/benchmarks.md has no row of a repair")
	}
	return all, nil
}

// shown are the files of the chart, with the step.
var shown = []struct{ file, step, title string }{
	{"psycopg2", "repair", "psycopg2, Linux"}, {"lxml", "repair", "lxml, Linux"}, {"h5py", "repair", "h5py, Linux"},
	{"pillow", "repair for macOS", "pillow, macOS"}, {"h5py", "repair for macOS", "h5py, macOS"},
}

// chartSVG draws the seconds of the tools as bars, which fit a light and a dark page.
func chartSVG(all []result) string {
	const left, room, height = 140, 520, 17
	fills := map[string]string{"wheelmend": "#2f7d4f", "auditwheel": "#8a94a3", "delocate": "#8a94a3", "repairwheel": "#b7bec8"}
	var rows strings.Builder
	longest, y := 0.0, 40
	for _, s := range shown {
		for _, r := range all {
			if r.file == s.file && r.step == s.step {
				longest = max(longest, r.seconds)
			}
		}
	}
	for _, s := range shown {
		fmt.Fprintf(&rows, `<text x="%d" y="%d" text-anchor="end">%s</text>`+"\n", left-10, y+13, html.EscapeString(s.title))
		for _, tool := range []string{"wheelmend", "auditwheel", "delocate", "repairwheel"} {
			for _, r := range all {
				if r.file != s.file || r.step != s.step || r.tool != tool {
					continue
				}
				width := max(2, int(r.seconds/longest*room))
				fmt.Fprintf(&rows, `<rect x="%d" y="%d" width="%d" height="%d" rx="2" fill="%s"/><text x="%d" y="%d">%s %.2f s</text>`+"\n",
					left, y, width, height-3, fills[tool], left+width+6, y+12, tool, r.seconds)
				y += height
			}
		}
		y += 12
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="820" height="%d" viewBox="0 0 820 %d" role="img" aria-label="Seconds to repair a wheel, beside other tools">`+"\n", y, y)
	b.WriteString("<style>text{font:13px system-ui,sans-serif;fill:#1c1e21}@media (prefers-color-scheme:dark){text{fill:#e6e8eb}}</style>\n")
	b.WriteString(`<text x="10" y="22" font-weight="700">Seconds to repair a wheel (less is better)</text>` + "\n")
	b.WriteString(rows.String())
	b.WriteString("</svg>\n")
	return b.String()
}
