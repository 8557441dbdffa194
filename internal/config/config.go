// Package config reads the settings of a project: the table [tool.wheelmend] of its
// pyproject.toml, or the file wheelmend.toml. Start with [Find]. What the settings mean is
// up to the commands: a setting has the name of the flag whose default it is.
//
// Files come from whoever wrote the project. They are bounded, and a key or a type that is
// not known is an error: a setting that did nothing would be worse.
package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"

	"github.com/wheelmend/wheelmend/internal/nearest"
	"github.com/wheelmend/wheelmend/internal/steady"
)

// A Kind is what a setting is.
type Kind int

// The kinds of settings.
const (
	Texts Kind = iota // a list of texts
	Tags              // a platform tag, or a list of them
	Paths             // a list of paths; relative ones begin at the folder of the file
	Bool
)

// Keys are the settings that there are.
var keys = map[string]Kind{"exclude": Texts, "graft": Texts, "plat": Tags, "search-path": Paths, "strip": Bool}

// Keys returns the names of all settings, in order.
func Keys() []string { return slices.Sorted(maps.Keys(keys)) }

// Settings are those of one file.
type Settings struct {
	File   string              // as found: absolute
	Values map[string][]string // by key; "true" or "false" for a Bool
}

// largest bounds a file, in bytes.
const largest = 1 << 20

// Find returns the settings of the project that a directory belongs to: of the first
// directory, going up, that has a wheelmend.toml or a pyproject.toml. It is nil where
// there are none.
func Find(dir string) (*Settings, error) {
	for {
		own, err := read(filepath.Join(dir, "wheelmend.toml"), false)
		if err != nil {
			return nil, err
		}
		project, err := read(filepath.Join(dir, "pyproject.toml"), true)
		switch {
		case err != nil:
			return nil, err
		case own != nil && project != nil && len(project.Values) > 0:
			return nil, fmt.Errorf("%s: there is a table [tool.wheelmend] in pyproject.toml, too; keep one of them", own.File)
		case own != nil:
			return own, nil
		case project != nil && len(project.Values) > 0:
			return project, nil
		case project != nil:
			return nil, nil // the project has no settings
		}
		above := filepath.Dir(dir)
		if above == dir {
			return nil, nil
		}
		dir = above
	}
}

// read reads a file, nil if there is none.
func read(path string, table bool) (*Settings, error) {
	f, err := steady.OpenRegular(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, steady.ErrIrregular) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrap(err))
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err == nil && len(text) > largest {
		err = fmt.Errorf("it has more than %d bytes", largest)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unwrap(err))
	}
	values, err := parse(string(text), table, filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Settings{File: path, Values: values}, nil
}

func unwrap(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// parse reads the settings of a text, those below tool.wheelmend if it is a table.
func parse(text string, table bool, dir string) (map[string][]string, error) {
	if err := checkNesting(text); err != nil {
		return nil, err
	}
	var document map[string]any
	if _, err := toml.Decode(text, &document); err != nil {
		if pe := (toml.ParseError{}); errors.As(err, &pe) {
			return nil, fmt.Errorf("line %d: it is not TOML: %s", pe.Position.Line, strings.TrimPrefix(pe.Message, "toml: "))
		}
		return nil, errors.New("it is not TOML")
	}
	if table {
		tool, _ := document["tool"].(map[string]any)
		own, found := tool["wheelmend"]
		if !found {
			return nil, nil
		}
		var ok bool
		if document, ok = own.(map[string]any); !ok {
			return nil, errors.New("tool.wheelmend: want a table: [tool.wheelmend]")
		}
	}
	values := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(document)) {
		kind, known := keys[key]
		if !known {
			return nil, fmt.Errorf("there is no setting %q; known are %s%s", key, strings.Join(Keys(), ", "), nearest.Ask(key, Keys()))
		}
		value, err := convert(document[key], kind, dir)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		values[key] = value
	}
	return values, nil
}

// convert turns a value of TOML into texts, as flags take them.
func convert(value any, kind Kind, dir string) ([]string, error) {
	switch kind {
	case Bool:
		if b, ok := value.(bool); ok {
			return []string{fmt.Sprint(b)}, nil
		}
		return nil, errors.New("want true or false")
	case Tags:
		if s, ok := value.(string); ok {
			value = []any{s}
		}
		return texts(value, `want a tag in quotes, such as "manylinux_2_28", or a list of tags: ["manylinux_2_28", "musllinux_1_2"]`)
	}
	out, err := texts(value, `want a list of texts, such as ["libcuda.so.*"]`)
	for i, s := range out {
		if kind == Paths && !filepath.IsAbs(s) {
			out[i] = filepath.Join(dir, s)
		}
	}
	return out, err
}

// texts reads a list of texts, none of them empty; want says what is expected.
func texts(value any, want string) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		return nil, errors.New(want)
	}
	out := make([]string, 0, len(list))
	for _, item := range list {
		s, ok := item.(string)
		if !ok || s == "" {
			return nil, errors.New(want)
		}
		out = append(out, s)
	}
	return out, nil
}
