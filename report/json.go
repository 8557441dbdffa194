package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"reflect"
	"unicode/utf16"
)

// maxJSON bounds a document, in bytes of its texts: names of a megabyte may stand in
// it ten thousand times. Those of real wheels have some hundred kilobytes.
const maxJSON = 16 << 20

// WriteJSON writes a document on one line. Characters that a terminal would act
// upon are escaped, which JSON leaves to the writer for most of them. One that is
// longer than any real one is refused, not cut: whoever reads it takes it for
// complete.
func WriteJSON(w io.Writer, document any) error {
	if err := checkSize(document); err != nil {
		return err
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(document); err != nil {
		return err
	}
	_, err := w.Write(append(EscapeJSON(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), '\n'))
	return err
}

// checkSize refuses a document that is longer than any real one.
func checkSize(document any) error {
	if textSize(reflect.ValueOf(document), maxJSON) > maxJSON {
		return fmt.Errorf("the JSON document has more than %d bytes, which no real wheel needs; see docs/limits.md", maxJSON)
	}
	return nil
}

// textSize adds up what the parts of a document take, roughly, until that is more
// than a limit. Like encoding/json it leaves out what is not exported or marked with "-".
func textSize(v reflect.Value, limit int) int {
	const number = 4 // bytes, with the comma
	switch v.Kind() {
	case reflect.String:
		return v.Len() + number
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return number
		}
		return textSize(v.Elem(), limit)
	case reflect.Struct:
		n := 0
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Tag.Get("json") != "-" {
				n += len(f.Name) + number + textSize(v.Field(i), limit)
			}
		}
		return n
	case reflect.Slice, reflect.Array:
		n := 0
		for i := 0; i < v.Len() && n <= limit; i++ {
			n += textSize(v.Index(i), limit-n)
		}
		return n
	case reflect.Map:
		n := 0
		for it := v.MapRange(); n <= limit && it.Next(); {
			n += textSize(it.Key(), limit) + textSize(it.Value(), limit-n)
		}
		return n
	}
	return number
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
