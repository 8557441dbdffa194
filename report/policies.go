package report

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/policy"
)

// Policy is the JSON document of one policy.
type Policy struct {
	Tag       string              `json:"tag"`
	Aliases   []string            `json:"aliases"`
	Libc      string              `json:"libc"`
	Arch      string              `json:"arch"`
	Systems   []string            `json:"systems"` // first release of each system that it serves
	Pip       *string             `json:"pip"`     // first release that installs it
	Image     *string             `json:"image"`   // container to build it in
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
			Systems: systemNames(p), Pip: optional(pipOf(p)), Image: optional(p.Image()),
			Libraries: p.Libraries(), Versions: p.Versions(), Forbidden: forbidden,
		})
	}
	return out
}

// systemNames spells the first releases of the systems that a policy serves.
func systemNames(p *policy.Policy) []string {
	names := []string{}
	for _, s := range p.Platform().Systems() {
		names = append(names, s.String())
	}
	return names
}

// pipOf returns the first pip that installs a tag of the policy, which may be an alias.
func pipOf(p *policy.Policy) string {
	tags := p.Tags()
	platform, err := policy.ParsePlatform(tags[len(tags)-1])
	if err != nil {
		return ""
	}
	return platform.Pip()
}

// WritePolicies writes the policies as text for people: a line for each name with what
// it means, and below that the architectures of each.
func WritePolicies(w io.Writer, all []*policy.Policy, s Style) error {
	p := &printer{w: w, style: s}
	t := p.table("policy", "also called", "pip", "first systems")
	archs := map[string][]string{}
	var names []*policy.Policy
	for _, q := range all {
		if archs[q.Name] == nil {
			names = append(names, q)
		}
		archs[q.Name] = append(archs[q.Name], string(q.Arch))
	}
	slices.SortStableFunc(names, func(a, b *policy.Policy) int {
		if a.Libc != b.Libc {
			return 0 // as they come
		}
		return cmp.Or(cmp.Compare(a.Major, b.Major), cmp.Compare(a.Minor, b.Minor))
	})
	for _, q := range names {
		t.AppendRow(row(q.Name, strings.Join(q.Aliases, ", "), pipOf(q), mainSystems(q.Platform())))
	}
	p.render(t)
	p.linef("")
	for len(names) > 0 {
		list := strings.Join(archs[names[0].Name], ", ")
		same := 1
		for same < len(names) && names[same].Libc == names[0].Libc && strings.Join(archs[names[same].Name], ", ") == list {
			same++
		}
		span := names[0].Name
		if same > 1 {
			span += " to " + names[same-1].Name
		}
		p.wrap("  "+span+": ", list)
		names = names[same:]
	}
	return p.err
}

// mainSystems spells the first releases of the systems that most people have.
func mainSystems(platform policy.Platform) string {
	var systems []string
	for _, system := range platform.Systems() {
		if system.Main {
			systems = append(systems, system.String())
		}
	}
	return strings.Join(systems, ", ")
}
