package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// checkSchema validates what a script printed.
func checkSchema(ts *testscript.TestScript, args []string) error {
	schema, err := compileSchema(args[0])
	if err != nil {
		return err
	}
	documents := json.NewDecoder(strings.NewReader(ts.ReadFile(args[1])))
	documents.UseNumber()
	for n := 0; ; n++ {
		var document any
		err := documents.Decode(&document)
		if errors.Is(err, io.EOF) && n > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("document %d: %w", n+1, err)
		}
		if err := schema.Validate(document); err != nil {
			return fmt.Errorf("document %d: %w", n+1, err)
		}
	}
}

// compileSchema reads docs/NAME.schema.json.
func compileSchema(name string) (*jsonschema.Schema, error) {
	f, err := os.Open(filepath.Join("..", "..", "docs", name+".schema.json"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	document, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return nil, err
	}
	closeObjects(document)
	c := jsonschema.NewCompiler()
	url := "mem:///" + name + ".schema.json"
	if err := c.AddResource(url, document); err != nil {
		return nil, err
	}
	return c.Compile(url)
}

// closeObjects lets no field in that a schema does not describe. The schemas of the
// documents are open: a reader of them need not mind a field that a later release adds.
func closeObjects(node any) {
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			closeObjects(item)
		}
	case map[string]any:
		if _, ok := node["properties"].(map[string]any); ok && node["additionalProperties"] == nil {
			node["additionalProperties"] = false
		}
		for _, value := range node {
			closeObjects(value)
		}
	}
}

// TestSchemasDescribeEveryField holds the schemas to what they are for: each object lets
// new fields in, and each field says what it means.
func TestSchemasDescribeEveryField(t *testing.T) {
	for _, name := range []string{"audit", "repair", "merge", "policies", "verify", "tree"} {
		t.Run(name, func(t *testing.T) {
			if _, err := compileSchema(name); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join("..", "..", "docs", name+".schema.json"))
			if err != nil {
				t.Fatal(err)
			}
			var document map[string]any
			if err := json.Unmarshal(text, &document); err != nil {
				t.Fatal(err)
			}
			if document["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
				t.Errorf("$schema is %v", document["$schema"])
			}
			describeFields(t, name, document)
		})
	}
}

func describeFields(t *testing.T, where string, node any) {
	switch node := node.(type) {
	case []any:
		for _, item := range node {
			describeFields(t, where, item)
		}
	case map[string]any:
		properties, ok := node["properties"].(map[string]any)
		if ok && node["additionalProperties"] == false {
			t.Errorf("%s: additionalProperties is false: a document with a new field would be refused", where)
		}
		for field, value := range properties {
			if schema, _ := value.(map[string]any); schema["description"] == nil {
				t.Errorf("%s.%s: no description", where, field)
			}
		}
		for key, value := range node {
			describeFields(t, where+"."+key, value)
		}
	}
}
