package report

import (
	"io"
	"strings"

	"github.com/wheelmend/wheelmend/policy"
)

// Policy is the JSON document of one policy.
type Policy struct {
	Tag       string              `json:"tag"`
	Aliases   []string            `json:"aliases"`
	Libc      string              `json:"libc"`
	Arch      string              `json:"arch"`
	Libraries []string            `json:"libraries"`
	Versions  map[string][]string `json:"symbol_versions"`
	Forbidden map[string][]string `json:"forbidden_symbols"`
}

// Policies is the JSON document of the policies.
type Policies struct {
	Schema   int      `json:"schema"`
	Policies []Policy `json:"policies"`
}

// NewPolicies returns the JSON document of the given policies.
func NewPolicies(all []*policy.Policy) Policies {
	out := Policies{Schema: Schema, Policies: []Policy{}}
	for _, p := range all {
		forbidden := map[string][]string{}
		for _, library := range p.ForbiddenLibraries() {
			forbidden[library] = p.Forbidden(library)
		}
		out.Policies = append(out.Policies, Policy{
			Tag: p.Tag(), Aliases: list(p.Tags()[1:]), Libc: string(p.Libc), Arch: string(p.Arch),
			Libraries: p.Libraries(), Versions: p.Versions(), Forbidden: forbidden,
		})
	}
	return out
}

// WritePolicies writes the policies as a table for people: one line for each
// name, with its architectures.
func WritePolicies(w io.Writer, all []*policy.Policy, s Style) error {
	p := &printer{w: w, style: s}
	t := p.table("policy", "also called", "architectures")
	var names []string
	archs, aliases := map[string][]string{}, map[string]string{}
	for _, q := range all {
		if archs[q.Name] == nil {
			names = append(names, q.Name)
		}
		archs[q.Name] = append(archs[q.Name], string(q.Arch))
		aliases[q.Name] = strings.Join(q.Aliases, ", ")
	}
	for _, name := range names {
		t.AppendRow(row(name, aliases[name], strings.Join(archs[name], " ")))
	}
	p.render(t)
	return p.err
}
