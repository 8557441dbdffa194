package wheel

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// HeaderOddities returns what the readers of pip, installer and uv do not all
// read alike in WHEEL and METADATA, or refuse: each a [*FormatError]. Files that
// cannot be read at all are left to [Reader.Info] and [Reader.Metadata].
func (r *Reader) HeaderOddities() []error {
	var all []error
	if _, err := r.Info(); err == nil {
		odd, _ := parseMember(r, "WHEEL", maxInfo, oddInfo) // that it can be read is known
		all = append(all, r.within("WHEEL", odd)...)
	}
	if _, err := r.Metadata(); err == nil {
		odd, _ := parseMember(r, "METADATA", maxMetadata, oddMetadata)
		all = append(all, r.within("METADATA", odd)...)
	}
	return all
}

// within adds the name of a file of .dist-info to errors.
func (r *Reader) within(base string, errs []error) []error {
	for i, err := range errs {
		errs[i] = inMember(r.distInfo+"/"+base, err)
	}
	return errs
}

// oddInfo checks a WHEEL file (PEP 427, File contents).
func oddInfo(b []byte) ([]error, error) {
	var odd oddities
	fields, _, _ := parseFields(b) // an error is that of ParseInfo
	if rule := textRule(b, "\t\n\r"); rule != "" {
		odd.add("", -1, "%s", rule)
	}
	for _, f := range fields {
		if bytes.Count(f.raw, []byte("\n")) > 1 || strings.Contains(f.value, "\n") {
			odd.add("", -1, "%s has a continuation line, which not all readers join to it", clip(f.name))
		}
	}
	odd.headers(fields, "Wheel-Version", "Root-Is-Purelib", "Build")
	odd.spelled(fields, "Tag", "Generator")
	if version := first(values(fields, "Wheel-Version")); version != "1.0" {
		odd.add("", -1, "Wheel-Version is %q, 1.0 is the one that every installer knows", clip(version))
	}
	switch root := first(values(fields, "Root-Is-Purelib")); {
	case root == "true" || strings.EqualFold(root, "false"):
	case strings.EqualFold(root, "true"):
		odd.add("", -1, "Root-Is-Purelib is %q, which is true to pip and false to installer; write true", clip(root))
	default:
		odd.add("", -1, "Root-Is-Purelib is %q, true or false was expected", clip(root))
	}
	return odd.errors(), nil
}

// Plain writes what installers read alike, though it is not how a WHEEL file should be,
// as it should be, and tells what that was: a Wheel-Version of 1.1, of which pip, installer
// and uv make what they make of 1.0, and continuation lines of headers that none of them
// acts upon. Other oddities stay, see [Reader.HeaderOddities].
func (i *Info) Plain() (changed []string) {
	if version := i.get("Wheel-Version"); version != "1.0" && isMinor(version) {
		i.set("Wheel-Version", []string{"1.0"})
		changed = append(changed, fmt.Sprintf("Wheel-Version %q becomes 1.0, which every installer knows", clip(version)))
	}
	acted := func(name string) bool {
		return slices.ContainsFunc([]string{"Wheel-Version", "Root-Is-Purelib", "Build", "Tag"}, func(n string) bool { return strings.EqualFold(n, name) })
	}
	for n := range i.fields {
		f := &i.fields[n]
		if !strings.Contains(f.value, "\n") || acted(f.name) {
			continue
		}
		f.value = strings.Join(strings.Fields(f.value), " ")
		f.raw = []byte(f.name + ": " + f.value + "\n")
		changed = append(changed, fmt.Sprintf("the continuation lines of %q are joined to it", clip(f.name)))
	}
	return changed
}

// isMinor reports whether a Wheel-Version is 1 and other numbers.
func isMinor(version string) bool {
	rest, ok := strings.CutPrefix(version, "1.")
	for _, number := range strings.Split(rest, ".") {
		ok = ok && number != "" && len(number) < 10 && strings.Trim(number, "0123456789") == ""
	}
	return ok
}

// allControls are what licences in METADATA hold: form feeds and worse. No reader
// acts upon them.
const allControls = "\t\n\r\x01\x02\x03\x04\x05\x06\x07\x08\v\f\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f"

// oddMetadata checks the headers of METADATA (core metadata specification). Of the
// description below them pip asks that it is UTF-8, like all of the file.
func oddMetadata(b []byte) ([]error, error) {
	var odd oddities
	fields, body, _ := parseFields(b) // all stop at a line that is no header
	if !utf8.Valid(b) {
		odd.add("", -1, "it is not UTF-8")
	} else if rule := textRule(b[:len(b)-len(body)], allControls); rule != "" {
		odd.add("", -1, "%s", rule)
	}
	odd.headers(fields, "Metadata-Version", "Name", "Version")
	if first(values(fields, "Metadata-Version")) == "" {
		odd.add("", -1, "Metadata-Version is missing")
	}
	return odd.errors(), nil
}

// headers notes headers that may be there once, on a line of their own.
func (o *oddities) headers(fields []field, names ...string) {
	seen := map[string]bool{}
	for _, f := range fields {
		i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, f.name) })
		if i < 0 {
			continue
		}
		if seen[names[i]] {
			o.add("", -1, "%s is there twice", names[i])
		}
		seen[names[i]] = true
		_, raw, _ := strings.Cut(string(f.raw), ":")
		if strings.TrimLeft(strings.TrimRight(raw, "\r\n"), " \t") != f.value {
			o.add("", -1, "%s has blanks behind its value or goes on in the next line", names[i])
		}
		if strings.Contains(f.value, "=?") || !isASCII(f.value) {
			o.add("", -1, "%s is not plain ASCII", names[i])
		}
	}
	o.spelled(fields, names...)
	for _, f := range fields {
		if strings.ContainsFunc(f.name, func(r rune) bool { return r <= ' ' || r > '~' }) {
			o.add("", -1, "header name %q is not printable ASCII, at which some readers stop", clip(f.name))
		}
	}
}

// spelled notes names that only readers find that pass over case.
func (o *oddities) spelled(fields []field, names ...string) {
	for _, f := range fields {
		for _, name := range names {
			if strings.EqualFold(name, f.name) && name != f.name {
				o.add("", -1, "%s is spelled %q, uv looks for the exact name", name, clip(f.name))
			}
		}
	}
}
