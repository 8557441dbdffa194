package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
)

// writeTable prints the measurements as a page of Markdown. In each group of
// rows the first tool is the one that the others are compared with.
func writeTable(w io.Writer, tools []tool, results []*measured) error {
	var page bytes.Buffer
	fmt.Fprintf(&page, "# Benchmarks\n\nWritten by\n\n    go run ./internal/bench %s\n\n", strings.Join(os.Args[1:], " "))
	fmt.Fprintf(&page, "on %s/%s with %d processors%s, against", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), processor())
	for _, t := range tools {
		if t.version != "" {
			fmt.Fprintf(&page, " %s %s", t.name, t.version)
		}
	}
	page.WriteString(".\n\nThe tools took turns on the same files, after one run that does not count. Seconds are the\n" +
		"median of the wall time, and the number of runs stands beside it. CPU seconds are those of all\n" +
		"processors together. Memory is the largest resident set of the tool and of what it started.\n" +
		"Faster, and size, are relative to the first tool of a step. The libraries are generated, like the big\n" +
		"wheel, of data that does not compress.\n\n" +
		"Wheels for macOS are those of PyPI, with the libraries taken out that delocate had copied in.\n" +
		"delocate runs on Linux, with scripts on LLVM's tools in the place of Apple's. The edit of the dylib\n" +
		"replaces a library, adds a search path and signs every page; beside it stands what it takes to\n" +
		"read the same file and compute its SHA-256, in Go, on one processor, and to write it as well.\n\n")
	page.WriteString("| file | step | tool | runs | seconds | faster | CPU seconds | memory, MiB | bytes written | size |\n")
	page.WriteString("|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n")
	var base *measured
	for _, m := range results {
		if base == nil || base.title != m.title || base.step != m.step {
			base = m
		}
		page.WriteString(m.row(base))
	}
	_, err := page.WriteTo(w)
	return err
}

// row is one line of the table.
func (m *measured) row(base *measured) string {
	if m.failed != "" {
		return fmt.Sprintf("| %s | %s | %s | | %s | | | | | |\n", m.title, m.step, m.tool, m.failed)
	}
	faster, bytesWritten, size := "", "", ""
	if m != base && base.failed == "" {
		faster = fmt.Sprintf("%.1f×", median(base.times).Seconds()/median(m.times).Seconds())
	}
	if m.size > 0 {
		bytesWritten = fmt.Sprint(m.size)
		if m != base && base.size > 0 {
			size = fmt.Sprintf("%+.2f %%", 100*(float64(m.size)/float64(base.size)-1))
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %d | %.3f | %s | %.2f | %.0f | %s | %s |\n", m.title, m.step, m.tool,
		len(m.times), median(m.times).Seconds(), faster, median(m.cpu).Seconds(), float64(m.peak)/(1<<20), bytesWritten, size)
}

// processor is the model of this machine's processor, as Linux tells it.
func processor() string {
	info, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(info)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return " (" + strings.TrimSpace(value) + ")"
		}
	}
	return ""
}
