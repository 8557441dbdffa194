package sbom

import "strings"

// readDistro returns the ID of os-release(5), or "" when there is none that is
// well formed.
func readDistro(d *Database) string {
	data := d.read("etc/os-release", maxOSRelease)
	if data == nil {
		data = d.read("usr/lib/os-release", maxOSRelease)
	}
	for line := range strings.Lines(string(data)) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "ID="); found {
			return plainID(strings.Trim(value, `"'`))
		}
	}
	return ""
}

// plainID returns an ID if it has only what os-release(5) allows in one.
func plainID(id string) string {
	if strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" || len(id) > 64 {
		return ""
	}
	return id
}
