package wheelmend_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// ourFlag matches a flag as a command line has it.
var ourFlag = regexp.MustCompile(`(^|[\s("'])--[a-z][a-z-]+`)

// TestLibrariesNameNoFlag: who uses the packages as a library has no command line, and the
// commands that are called by another name have flags of their own. Flags are worded in
// internal/command.
func TestLibrariesNameNoFlag(t *testing.T) {
	const pips = "pip install --target" // of another program
	looked := 0
	for _, folder := range []string{"overlay", "elf", "macho", "policy", "wheel", "sbom", "linkage", "audit", "repair"} {
		err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
				return err
			}
			set := token.NewFileSet()
			file, err := parser.ParseFile(set, name, nil, 0)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.BasicLit)
				if !ok || literal.Kind != token.STRING {
					return true
				}
				looked++
				text, err := strconv.Unquote(literal.Value)
				if err == nil && ourFlag.MatchString(strings.ReplaceAll(text, pips, "")) {
					t.Errorf("%v: %q names a flag", set.Position(literal.Pos()), text)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if looked < 1000 {
		t.Errorf("%d texts were looked at: the walk proves nothing", looked)
	}
}
