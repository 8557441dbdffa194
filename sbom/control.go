package sbom

import (
	"bytes"
	"iter"
)

// paragraphs yields the paragraphs of control data, which empty lines separate
// (Debian Policy 5.1).
func paragraphs(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			var p []byte
			p, data, _ = bytes.Cut(data, []byte("\n\n"))
			p = bytes.Trim(p, "\n")
			if len(p) > 0 && !yield(p) {
				return
			}
		}
	}
}

// field returns the first line of a field's value, without the spaces around it.
func field(paragraph []byte, name string) string {
	for line := range bytes.Lines(paragraph) {
		if len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name)) {
			return string(bytes.TrimSpace(line[len(name)+1:]))
		}
	}
	return ""
}
