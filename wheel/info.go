package wheel

import (
	"bytes"
	"slices"
	"strings"
)

// Info is the WHEEL file: header lines in their order, known or not, each kept
// as it was found (PEP 427, The .dist-info directory).
type Info struct {
	fields []field
	body   []byte // blank line that ends the headers, and what follows it
}

// A field is one header with its continuation lines.
type field struct {
	name, value string
	raw         []byte // bytes in the file, line end included
}

// ParseInfo reads a WHEEL file. It must have a Wheel-Version of major 1, or 0
// as the first tools wrote; a line that is no header is a [*FormatError].
func ParseInfo(b []byte) (*Info, error) {
	fields, body, err := parseFields(b)
	if err != nil {
		return nil, err
	}
	info := &Info{fields: fields, body: body}
	version := info.get("Wheel-Version")
	if major, _, _ := strings.Cut(version, "."); major != "1" && major != "0" {
		return nil, formatErr("", -1, "Wheel-Version is %q, 1.0 was expected", version)
	}
	total := 0
	for _, tag := range info.Tags() {
		if total += tagCount(tag); total > maxTagLines {
			return nil, formatErr("", -1, "the Tag lines stand for more than %d tags", maxTagLines)
		}
	}
	return info, nil
}

// maxFields bounds the headers of WHEEL and METADATA. METADATA has one for each
// dependency: the longest on PyPI have some thousand.
const maxFields = 100_000

// parseFields splits headers as RFC 822 does: "Name: value", continued by lines
// that begin with a blank, ended by an empty line. With an error it returns the
// fields before the line at fault.
func parseFields(b []byte) (fields []field, body []byte, err error) {
	var more strings.Builder // continuation lines of the last field
	flush := func() {
		if more.Len() > 0 {
			fields[len(fields)-1].value += more.String()
			more.Reset()
		}
	}
	defer flush()
	for off, text := range lines(b) {
		end := off + len(text)
		end += bytes.IndexByte(b[end:], '\n') + 1
		if end == off+len(text) {
			end = len(b)
		}
		if text == "" {
			return fields, b[off:], nil
		}
		if text[0] == ' ' || text[0] == '\t' {
			if len(fields) == 0 {
				return fields, nil, formatErr("", int64(off), "continuation line %q before the first header", clip(text))
			}
			last := &fields[len(fields)-1]
			more.WriteString("\n" + text)
			last.raw = b[off-len(last.raw) : end]
			continue
		}
		flush()
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return fields, nil, formatErr("", int64(off), "line %q is not of the form \"Name: value\"", clip(text))
		}
		if len(fields) == maxFields {
			return fields, nil, formatErr("", int64(off), "more than %d headers", maxFields)
		}
		fields = append(fields, field{name, strings.TrimSpace(value), b[off:end]})
	}
	return fields, nil, nil
}

// clip shortens text from a file for use in a message.
func clip(s string) string {
	const limit = 80
	if len(s) > limit {
		return s[:limit] + "..."
	}
	return s
}

// get returns the value of the first field of that name, "" if there is none.
func (i *Info) get(name string) string { return first(values(i.fields, name)) }

func first(vs []string) string {
	if len(vs) == 0 {
		return ""
	}
	return vs[0]
}

// Tags returns the values of the Tag lines in their order, compressed sets not
// expanded (see [ParseTag]).
func (i *Info) Tags() []string { return values(i.fields, "Tag") }

func values(fields []field, name string) []string {
	var vs []string
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			vs = append(vs, f.value)
		}
	}
	return vs
}

// SetTags replaces the Tag lines, at the place of the first one; where there
// was none they come last.
func (i *Info) SetTags(tags []string) { i.set("Tag", tags) }

// set replaces the fields of one name by one for each value. It does nothing
// when they say the same already, so that bytes stay as they are.
func (i *Info) set(name string, vs []string) {
	if slices.Equal(values(i.fields, name), vs) {
		return
	}
	fresh := make([]field, 0, len(vs))
	for _, v := range vs {
		fresh = append(fresh, field{name, v, []byte(name + ": " + v + "\n")})
	}
	var out []field
	place := -1
	for _, f := range i.fields {
		if !strings.EqualFold(f.name, name) {
			out = append(out, f)
		} else if place < 0 {
			place = len(out)
		}
	}
	if place < 0 {
		place = len(out)
	}
	if place == len(out) && place > 0 { // the line before may be the unended last one
		out[place-1].raw = endLine(out[place-1].raw)
	}
	i.fields = append(out[:place:place], append(fresh, out[place:]...)...)
}

// endLine returns the line with a line end.
func endLine(raw []byte) []byte {
	if bytes.HasSuffix(raw, []byte("\n")) {
		return raw
	}
	return append(bytes.Clone(raw), '\n')
}

// RootIsPurelib reports whether the archive's root goes to purelib; like pip,
// it takes everything but "true", also nothing at all, for no.
func (i *Info) RootIsPurelib() bool { return strings.EqualFold(i.get("Root-Is-Purelib"), "true") }

// SetRootIsPurelib sets Root-Is-Purelib.
func (i *Info) SetRootIsPurelib(pure bool) {
	if pure == i.RootIsPurelib() && i.get("Root-Is-Purelib") != "" {
		return
	}
	value := "false"
	if pure {
		value = "true"
	}
	i.set("Root-Is-Purelib", []string{value})
}

// Build returns the build number, "" when absent.
func (i *Info) Build() string { return i.get("Build") }

// Generator returns the program that wrote the wheel, "" when absent.
func (i *Info) Generator() string { return i.get("Generator") }

// Bytes returns the file. Lines that were not set are as they were read, set
// ones end in LF.
func (i *Info) Bytes() []byte {
	var b []byte
	for _, f := range i.fields {
		b = append(b, f.raw...)
	}
	return append(b, i.body...)
}

// Metadata is what wheelmend needs of METADATA (core metadata specification).
type Metadata struct {
	Name         string
	Version      string
	RequiresDist []string // one for each Requires-Dist line, in order
}

// ParseMetadata reads the headers of a METADATA file. Name and Version must be
// there; the description is not looked at. Old tools let a description spill
// into the headers: like Python's email parser, ParseMetadata stops there.
func ParseMetadata(b []byte) (*Metadata, error) {
	fields, _, err := parseFields(b)
	m := &Metadata{
		Name:         first(values(fields, "Name")),
		Version:      first(values(fields, "Version")),
		RequiresDist: values(fields, "Requires-Dist"),
	}
	if m.Name != "" && m.Version != "" {
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	return nil, formatErr("", -1, "Name is %q and Version is %q, both are required", m.Name, m.Version)
}
