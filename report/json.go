package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf16"
)

// WriteJSON writes a document on one line. Characters that a terminal would act
// upon are escaped, which JSON leaves to the writer for most of them.
func WriteJSON(w io.Writer, document any) error {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := w.Write(append(EscapeJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), '\n'))
	return err
}

// EscapeJSON replaces the characters of a JSON text that a terminal would act
// upon, and the first one of what a CI service would take for a command, with \u escapes. They can only stand in its strings, so its meaning stays
// (RFC 8259, section 7).
func EscapeJSON(text []byte) []byte {
	if bytes.Contains(text, []byte("##")) {
		text = escapeCommands(text)
	}
	if bytes.IndexFunc(text, hidden) < 0 {
		return text
	}
	var b bytes.Buffer
	for _, r := range string(text) {
		if !hidden(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.Bytes()
}
