package repair

import (
	"strings"
)

// isScript reports whether a member is installed as a command (PEP 427, The
// .data directory).
func isScript(member string) bool {
	top, rest, _ := strings.Cut(member, "/")
	return strings.HasSuffix(top, ".data") && strings.HasPrefix(rest, "scripts/")
}

// tellScript warns of a program whose libraries one way of installing leaves out.
func (p *Plan) tellScript(member, libDir string) {
	if isScript(member) {
		p.warn("%s finds its libraries in %s; pip install --target leaves that folder out", member, libDir)
	}
}
