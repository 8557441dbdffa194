package repair

import (
	"fmt"
	"path"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/linkage"
)

// isScript reports whether a member is installed as a command (PEP 427, The
// .data directory).
func isScript(member string) bool {
	top, rest, _ := strings.Cut(member, "/")
	return strings.HasSuffix(top, ".data") && strings.HasPrefix(rest, "scripts/")
}

// moveScript plans the move of a program to a folder that lies at a known place
// relative to the grafted libraries: the folder of commands does not.
func (p *Plan) moveScript(member string, rep *audit.Report) (Script, error) {
	s := Script{Member: member, Moved: path.Join(rep.Contents.Filename.Name+".scripts", path.Base(member))}
	_, taken := rep.Contents.Reader.Lookup(s.Moved)
	for _, other := range p.Scripts {
		taken = taken || other.Moved == s.Moved
	}
	if taken {
		return s, fmt.Errorf("%s: it has to move to %s, which the wheel already has", member, s.Moved)
	}
	return s, nil
}

// shim returns the script that takes the place of a program that moved. Its
// first line is replaced with the interpreter on installation (PEP 427, #!python).
func (s *Script) shim() []byte {
	return fmt.Appendf(nil, `#!python
# Runs the program that is installed beside its libraries.
import os
import sys
import sysconfig

program = os.path.join(sysconfig.get_path("platlib"), *%s)
os.execv(program, sys.argv)
`, pythonTuple(strings.Split(s.Moved, "/")))
}

// pythonTuple spells names as a Python tuple of strings.
func pythonTuple(names []string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%+q, ", name)
	}
	return "(" + strings.TrimSuffix(b.String(), " ") + ")"
}

// tellScript warns of a program whose libraries one way of installing leaves out.
func (p *Plan) tellScript(o *linkage.Object, libDir string) {
	if isScript(o.Path) {
		p.warn("%s finds its libraries in %s; pip install --target leaves that folder out", o.Path, libDir)
	}
}
