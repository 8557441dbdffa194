package sbom

import (
	"cmp"
	"fmt"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/internal/order"
)

// Names of the properties that CycloneDX has no field for.
const (
	propertySoname        = "wheelmend:soname"
	propertySource        = "wheelmend:source"
	propertyLicenseFile   = "wheelmend:license:file"
	propertyLicenseSHA256 = "wheelmend:license:sha256"
	propertyLowered       = "wheelmend:lowered"
)

// Encode returns a CycloneDX 1.6 document in JSON, with a newline at its end: the
// wheel as its subject, and one component for each graft on which it depends. A graft without a
// known package is listed by its name and hash. The order of the grafts does not
// matter. Two grafts that share a member are an error.
func Encode(w Wheel, grafts []Graft, tool Tool) ([]byte, error) {
	grafts = slices.Clone(grafts)
	order.Stable(grafts, func(a, b Graft) int { return cmp.Compare(a.Member, b.Member) })
	for i := 1; i < len(grafts); i++ {
		if grafts[i].Member == grafts[i-1].Member {
			return nil, fmt.Errorf("two grafts are member %q of %q", grafts[i].Member, w.Filename)
		}
	}
	return newBOM(w, grafts, tool).encode()
}

// newBOM builds the document for grafts that are sorted.
func newBOM(w Wheel, grafts []Graft, tool Tool) *bom {
	wheel := component{Type: "library", BOMRef: w.PURL(), PackageURL: w.PURL(), Name: w.Name, Version: w.Version}
	for _, text := range w.Lowered {
		wheel.Properties = append(wheel.Properties, properties(property{propertyLowered, text})...)
	}
	var components []component // without the wheel: a reference names one component (auditwheel lists it twice)
	var refs []string
	var leaves []dependency
	for _, g := range grafts {
		c := newComponent(g)
		components = append(components, c)
		refs = append(refs, c.BOMRef)
		leaves = append(leaves, dependency{Ref: c.BOMRef})
	}
	out := &bom{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Components:   components,
		Dependencies: append([]dependency{{Ref: wheel.BOMRef, DependsOn: refs}}, leaves...),
	}
	out.Metadata.Component = wheel
	out.Metadata.Tools.Components = []component{{Type: "application", Name: tool.Name, Version: tool.Version}}
	return out
}

// newComponent describes one graft. Its reference is the package URL with the
// member as subpath: two libraries of one package stay two components.
func newComponent(g Graft) component {
	c := component{
		Type: "library", Name: cmp.Or(g.Soname, path.Base(g.Member)),
		BOMRef:     "file:" + escapePath(g.Member),
		Properties: properties(property{propertySoname, g.Soname}, property{propertySource, g.Source}),
		Evidence:   &evidence{[]occurrence{{g.Member}}},
	}
	c.Version = g.Version
	if g.SHA256 != "" {
		c.Hashes = []hash{{"SHA-256", g.SHA256}}
	}
	if p := g.Package; p != nil {
		c.Name, c.Version, c.PackageURL = p.Name, p.Version, p.PURL()
		c.BOMRef = c.PackageURL + "#" + escapePath(g.Member)
		c.Licenses = licenses(p.Licenses)
	}
	return c
}

// licenses lists what the package declares. The names are not checked against the
// list of SPDX, so they are given as names and not as identifiers.
func licenses(list []License) []licenseChoice {
	var out []licenseChoice
	for _, l := range list {
		name := cmp.Or(l.Name, l.File)
		if name == "" {
			continue
		}
		out = append(out, licenseChoice{license{
			Name:            name,
			Acknowledgement: "declared",
			Properties:      properties(property{propertyLicenseFile, l.File}, property{propertyLicenseSHA256, l.SHA256}),
		}})
	}
	return out
}

// properties keeps those that have a value.
func properties(all ...property) []property {
	return slices.DeleteFunc(all, func(p property) bool { return p.Value == "" })
}
