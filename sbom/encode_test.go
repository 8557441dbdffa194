package sbom

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

var update = flag.Bool("update", false, "write golden files anew")

// golden compares with a file in testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got); go test ./sbom -update writes it anew:\n%s", path, diff)
	}
}

// example is a wheel with two libraries of one package and one of nobody.
func example() (Wheel, []Graft, Tool) {
	sum := func(c string) string { return strings.Repeat(c, 64) }
	libpq := &Package{
		Type: "deb", Distro: "debian", Name: "libpq5", Version: "15.6-0+deb12u1", Arch: "amd64",
		Licenses: []License{
			{Name: "PostgreSQL", File: "/usr/share/doc/libpq5/copyright", SHA256: sum("c")},
			{File: "/usr/share/doc/libpq5/NOTICE", SHA256: sum("d")},
		},
	}
	return Wheel{Name: "psycopg2", Version: "2.9.9", Filename: "psycopg2-2.9.9-cp312-cp312-manylinux_2_28_x86_64.whl"},
		[]Graft{
			{Member: "psycopg2.libs/libpq-1a2b3c4d.so.5.15", Soname: "libpq-1a2b3c4d.so.5.15", SHA256: sum("a"),
				Source: "/usr/lib/x86_64-linux-gnu/libpq.so.5.15", Package: libpq},
			{Member: "psycopg2.libs/libown-99999999.so", SHA256: sum("e")},
			{Member: "psycopg2.libs/libecpg-5e6f7a8b.so.6", Soname: "libecpg-5e6f7a8b.so.6", SHA256: sum("b"), Package: libpq},
		},
		Tool{"wheelmend", "1.0.0"}
}

func encode(t *testing.T) []byte {
	t.Helper()
	out, err := Encode(example())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestEncodeGolden(t *testing.T) {
	golden(t, "psycopg2.cdx.json", encode(t))
}

func TestEncodeDoesNotDependOnOrder(t *testing.T) {
	w, grafts, tool := example()
	slices.Reverse(grafts)
	first := grafts[0].Member
	got, err := Encode(w, grafts, tool)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, encode(t)) {
		t.Error("the order of the grafts shows in the document")
	}
	if grafts[0].Member != first {
		t.Error("the caller's grafts were sorted")
	}
}

func TestEncodeRefusesSharedMember(t *testing.T) {
	_, err := Encode(Wheel{Name: "w"}, []Graft{{Member: "w.libs/a.so"}, {Member: "w.libs/a.so"}}, Tool{})
	if err == nil || !strings.Contains(err.Error(), `"w.libs/a.so"`) {
		t.Errorf("got error %v, want one that names the member", err)
	}
}

func TestEncodeWithoutGrafts(t *testing.T) {
	out, err := Encode(Wheel{Name: "w", Version: "1", Filename: "w-1-py3-none-any.whl"}, nil, Tool{"wheelmend", "1"})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasSuffix(out, []byte("}\n")) {
		t.Errorf("document ends in %q, want a newline after the last brace", out[len(out)-3:])
	}
	validate(t, out)
}

// What is read back holds each fact that went in, under references that match.
func TestEncodeRoundTrip(t *testing.T) {
	var bom cdx.BOM
	if err := cdx.NewBOMDecoder(bytes.NewReader(encode(t)), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
		t.Fatal(err)
	}
	refs := map[string]bool{bom.Metadata.Component.BOMRef: true}
	for _, c := range *bom.Components {
		if refs[c.BOMRef] {
			t.Errorf("reference %s is used twice", c.BOMRef)
		}
		refs[c.BOMRef] = true
	}
	for _, d := range *bom.Dependencies {
		if !refs[d.Ref] {
			t.Errorf("dependency %s has no component", d.Ref)
		}
	}
	if got := len(*(*bom.Dependencies)[0].Dependencies); got != 3 {
		t.Errorf("the wheel depends on %d components, want 3", got)
	}
	if bom.SerialNumber != "" || bom.Metadata.Timestamp != "" {
		t.Errorf("serial number %q, time %q: want neither, the same input gives the same bytes", bom.SerialNumber, bom.Metadata.Timestamp)
	}
}

// CycloneDX's own library knows every field that is written: what it reads and writes
// again is the same, byte for byte.
func TestEncodeBesideTheLibraryOfCycloneDX(t *testing.T) {
	w, grafts, tool := example()
	w.Lowered = []string{"GLIBC_2.34 <- GLIBC_2.2.5", ""}
	odd := []Graft{{Member: "w.libs/a.so"}, {Member: "w.libs/ü &<>\".so", Soname: "ü.so", Package: &Package{Licenses: []License{{}, {File: "L"}}}}}
	for name, grafts := range map[string][]Graft{"example": grafts, "none": nil, "odd": odd} {
		t.Run(name, func(t *testing.T) {
			ours, err := Encode(w, grafts, tool)
			if err != nil {
				t.Fatal(err)
			}
			var bom cdx.BOM
			if err := cdx.NewBOMDecoder(bytes.NewReader(ours), cdx.BOMFileFormatJSON).Decode(&bom); err != nil {
				t.Fatal(err)
			}
			var theirs bytes.Buffer
			encoder := cdx.NewBOMEncoder(&theirs, cdx.BOMFileFormatJSON).SetPretty(true).SetEscapeHTML(false)
			if err := encoder.EncodeVersion(&bom, cdx.SpecVersion1_6); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(theirs.String(), string(ours)); diff != "" {
				t.Errorf("(-cyclonedx-go +ours):\n%s", diff)
			}
		})
	}
}

func TestEncodeFollowsSchema(t *testing.T) {
	validate(t, encode(t))
}

// validate checks a document with the schema of CycloneDX 1.6, which lies beside
// the source of the library.
func validate(t *testing.T, document []byte) {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/CycloneDX/cyclonedx-go").Output()
	if err != nil {
		t.Skipf("the schema of CycloneDX is not at hand: %v", err)
	}
	compiler := jsonschema.NewCompiler()
	for _, name := range []string{"bom-1.6.schema.json", "spdx.schema.json", "jsf-0.82.schema.json"} {
		f, err := os.Open(filepath.Join(strings.TrimSpace(string(dir)), "schema", strings.Replace(name, "jsf-0.82.schema", "jsf-0.82.schemax", 1)))
		if err != nil {
			t.Skipf("the schema of CycloneDX is not at hand: %v", err)
		}
		defer f.Close()
		schema, err := jsonschema.UnmarshalJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := compiler.AddResource("http://cyclonedx.org/schema/"+name, schema); err != nil {
			t.Fatal(err)
		}
	}
	schema, err := compiler.Compile("http://cyclonedx.org/schema/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := json.Unmarshal(document, &value); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		t.Errorf("%v", err)
	}
}
