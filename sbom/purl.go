package sbom

import (
	"fmt"
	"strings"
)

// PURL returns the package URL, such as pkg:deb/debian/libpq5@15.6-0?arch=amd64.
// Names are escaped and lower-cased as the type's definition says; the qualifiers
// are those that are known, sorted.
func (p *Package) PURL() string {
	var b strings.Builder
	b.WriteString("pkg:" + strings.ToLower(p.Type) + "/")
	if p.Distro != "" {
		b.WriteString(escape(strings.ToLower(p.Distro)) + "/")
	}
	name := p.Name
	if p.Type != "rpm" { // the only one of the three whose names keep their case
		name = strings.ToLower(name)
	}
	b.WriteString(escape(name))
	if p.Version != "" {
		b.WriteString("@" + escape(p.Version))
	}
	separator := "?"
	for _, q := range []struct{ name, value string }{{"arch", p.Arch}, {"epoch", p.Epoch}} {
		if q.value != "" {
			b.WriteString(separator + q.name + "=" + escape(q.value))
			separator = "&"
		}
	}
	return b.String()
}

// PURL returns the package URL of the wheel: pkg:pypi, with the name in lower case
// and dashes for underscores, and the file name as a qualifier.
func (w Wheel) PURL() string {
	name := strings.ReplaceAll(strings.ToLower(w.Name), "_", "-")
	purl := "pkg:pypi/" + escape(name) + "@" + escape(w.Version)
	if w.Filename != "" {
		purl += "?file_name=" + escape(w.Filename)
	}
	return purl
}

// escape percent-encodes all but unreserved characters and the colon, which
// package URLs leave as it is (ECMA-427, character encoding).
func escape(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:"
	var b strings.Builder
	for i := range len(s) {
		if strings.IndexByte(plain, s[i]) >= 0 {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

// escapePath escapes each element of a slash-separated path.
func escapePath(s string) string {
	elements := strings.Split(s, "/")
	for i, e := range elements {
		elements[i] = escape(e)
	}
	return strings.Join(elements, "/")
}
