package sbom

import (
	"bytes"
	"cmp"
	"fmt"
	"path"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"
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
	slices.SortFunc(grafts, func(a, b Graft) int { return cmp.Compare(a.Member, b.Member) })
	for i := 1; i < len(grafts); i++ {
		if grafts[i].Member == grafts[i-1].Member {
			return nil, fmt.Errorf("two grafts are member %q of %q", grafts[i].Member, w.Filename)
		}
	}
	var out bytes.Buffer
	enc := cdx.NewBOMEncoder(&out, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
	if err := enc.EncodeVersion(newBOM(w, grafts, tool), cdx.SpecVersion1_6); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	return append(bytes.TrimRight(out.Bytes(), "\n"), '\n'), nil
}

// newBOM builds the document for grafts that are sorted.
func newBOM(w Wheel, grafts []Graft, tool Tool) *cdx.BOM {
	wheel := cdx.Component{
		Type: cdx.ComponentTypeLibrary, BOMRef: w.PURL(), PackageURL: w.PURL(),
		Name: w.Name, Version: w.Version,
	}
	var lowered []cdx.Property
	for _, text := range w.Lowered {
		lowered = append(lowered, cdx.Property{Name: propertyLowered, Value: text})
	}
	wheel.Properties = properties(lowered...)
	components := []cdx.Component{} // without the wheel: a reference names one component (auditwheel lists it twice)
	refs := []string{}
	var leaves []cdx.Dependency
	for _, g := range grafts {
		c := component(g)
		components = append(components, c)
		refs = append(refs, c.BOMRef)
		leaves = append(leaves, cdx.Dependency{Ref: c.BOMRef})
	}
	dependencies := append([]cdx.Dependency{{Ref: wheel.BOMRef, Dependencies: &refs}}, leaves...)

	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{
		Component: &wheel,
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{
			{Type: cdx.ComponentTypeApplication, Name: tool.Name, Version: tool.Version},
		}},
	}
	bom.Components = &components
	bom.Dependencies = &dependencies
	return bom
}

// component describes one graft. Its reference is the package URL with the
// member as subpath: two libraries of one package stay two components.
func component(g Graft) cdx.Component {
	c := cdx.Component{
		Type: cdx.ComponentTypeLibrary, Name: cmp.Or(g.Soname, path.Base(g.Member)),
		BOMRef:   "file:" + escapePath(g.Member),
		Evidence: &cdx.Evidence{Occurrences: &[]cdx.EvidenceOccurrence{{Location: g.Member}}},
	}
	if g.SHA256 != "" {
		c.Hashes = &[]cdx.Hash{{Algorithm: cdx.HashAlgoSHA256, Value: g.SHA256}}
	}
	c.Properties = properties(
		cdx.Property{Name: propertySoname, Value: g.Soname},
		cdx.Property{Name: propertySource, Value: g.Source},
	)
	if p := g.Package; p != nil {
		c.Name, c.Version, c.PackageURL = p.Name, p.Version, p.PURL()
		c.BOMRef = c.PackageURL + "#" + escapePath(g.Member)
		c.Licenses = licenses(p.Licenses)
	}
	return c
}

// licenses lists what the package declares. The names are not checked against the
// list of SPDX, so they are given as names and not as identifiers.
func licenses(list []License) *cdx.Licenses {
	var out cdx.Licenses
	for _, l := range list {
		name := cmp.Or(l.Name, l.File)
		if name == "" {
			continue
		}
		out = append(out, cdx.LicenseChoice{License: &cdx.License{
			Name:            name,
			Acknowledgement: cdx.LicenseAcknowledgementDeclared,
			Properties: properties(
				cdx.Property{Name: propertyLicenseFile, Value: l.File},
				cdx.Property{Name: propertyLicenseSHA256, Value: l.SHA256},
			),
		}})
	}
	if out == nil {
		return nil
	}
	return &out
}

// properties keeps those that have a value, and is nil when none has.
func properties(all ...cdx.Property) *[]cdx.Property {
	kept := slices.DeleteFunc(all, func(p cdx.Property) bool { return p.Value == "" })
	if len(kept) == 0 {
		return nil
	}
	return &kept
}
