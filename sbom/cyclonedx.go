package sbom

import (
	"bytes"
	"encoding/json"
)

// A bom is a document of CycloneDX 1.6, with the fields that are written here and in the
// order of CycloneDX's own library for Go. That library is the judge of the tests. It is
// not what writes, since it brings encoding/gob, encoding/xml and every object of the
// standard into a program for these eight.
//
// Source: https://cyclonedx.org/docs/1.6/json/
type bom struct {
	Schema       string       `json:"$schema"`
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components,omitempty"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Tools struct {
		Components []component `json:"components,omitempty"`
	} `json:"tools"`
	Component component `json:"component"`
}

type component struct {
	BOMRef     string          `json:"bom-ref,omitempty"`
	Type       string          `json:"type"`
	Name       string          `json:"name"`
	Version    string          `json:"version,omitempty"`
	Hashes     []hash          `json:"hashes,omitempty"`
	Licenses   []licenseChoice `json:"licenses,omitempty"`
	PackageURL string          `json:"purl,omitempty"`
	Properties []property      `json:"properties,omitempty"`
	Evidence   *evidence       `json:"evidence,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type licenseChoice struct {
	License license `json:"license"`
}

type license struct {
	Name            string     `json:"name"`
	Acknowledgement string     `json:"acknowledgement"`
	Properties      []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type evidence struct {
	Occurrences []occurrence `json:"occurrences"`
}

type occurrence struct {
	Location string `json:"location"`
}

// A dependency says what a component depends on, as far as that is known.
type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn,omitempty"`
}

// encode returns the document as text, with a newline at its end.
func (b *bom) encode() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(b)
	return out.Bytes(), err
}
