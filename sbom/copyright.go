package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Bounds on what one copyright file can add to a document.
const (
	maxLicenses    = 64
	maxLicenseName = 200 // bytes
)

// readCopyright returns the licences of a Debian package, from the file that
// every package must have (Debian Policy 12.5). A file without a machine-readable
// header gives one licence without a name: the file is all that is known.
func (d *Database) readCopyright(pkg string) []License {
	if pkg == "" || strings.ContainsAny(pkg, "/\x00") || strings.HasPrefix(pkg, ".") {
		return nil
	}
	name := "usr/share/doc/" + pkg + "/copyright"
	data := d.read(name, maxCopyright)
	if data == nil {
		return nil
	}
	sum := sha256.Sum256(data)
	file := License{File: "/" + name, SHA256: hex.EncodeToString(sum[:])}
	var licenses []License
	for _, short := range shortNames(data) {
		file.Name = short
		licenses = append(licenses, file)
	}
	if len(licenses) == 0 {
		return []License{file}
	}
	return licenses
}

// shortNames returns the short names of the licences in a machine-readable
// copyright file, each once, in the order of the file: its first paragraphs are
// about most of the package.
func shortNames(data []byte) []string {
	var names []string
	first := true
	for p := range paragraphs(data) {
		if first && !strings.Contains(field(p, "Format"), "copyright-format") {
			return nil
		}
		first = false
		short := field(p, "License")
		if short == "" || len(short) > maxLicenseName || slices.Contains(names, short) {
			continue
		}
		if names = append(names, short); len(names) == maxLicenses {
			break
		}
	}
	return names
}
