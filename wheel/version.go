package wheel

import (
	"regexp"
	"strings"
)

// versionParts takes a version apart as PEP 440, Appendix B does, with '_' for
// '-' as in file names.
var versionParts = regexp.MustCompile(`^v?(?:0*([0-9]+)!)?([0-9]+(?:\.[0-9]+)*)` +
	`(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?([0-9]*))?` +
	`(?:[-_]([0-9]+)|[-_.]?(post|rev|r)[-_.]?([0-9]*))?` +
	`(?:[-_.]?(dev)[-_.]?([0-9]*))?` +
	`(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?$`)

// SameVersion reports whether two spellings stand for one version (PEP 440,
// Normalization), as in "1.0.0-RC.1" and "1.0rc1". Texts that are no versions
// are the same if they are equal.
func SameVersion(a, b string) bool { return normalVersion(a) == normalVersion(b) }

func normalVersion(s string) string {
	m := versionParts.FindStringSubmatch(strings.ToLower(strings.TrimSpace(s)))
	if m == nil {
		return s
	}
	release := strings.Split(m[2], ".")
	for i := range release {
		release[i] = number(release[i])
	}
	for len(release) > 1 && release[len(release)-1] == "0" {
		release = release[:len(release)-1]
	}
	out := number(m[1]) + "!" + strings.Join(release, ".")
	if m[3] != "" {
		stage := map[string]string{"alpha": "a", "beta": "b", "preview": "rc", "pre": "rc", "c": "rc"}[m[3]]
		if stage == "" {
			stage = m[3]
		}
		out += stage + number(m[4])
	}
	if m[5] != "" || m[6] != "" {
		out += ".post" + number(m[5]+m[7])
	}
	if m[8] != "" {
		out += ".dev" + number(m[9])
	}
	return out + "+" + separators.ReplaceAllString(m[10], ".")
}

// number drops leading zeros; an absent number means 0.
func number(digits string) string {
	if n := strings.TrimLeft(digits, "0"); n != "" {
		return n
	}
	return "0"
}
