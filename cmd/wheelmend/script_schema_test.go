package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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
	c := jsonschema.NewCompiler()
	url := "mem:///" + name + ".schema.json"
	if err := c.AddResource(url, document); err != nil {
		return nil, err
	}
	return c.Compile(url)
}
