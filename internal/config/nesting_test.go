package config

import (
	"errors"
	"strings"
	"testing"
)

// A small file must not cost gigabytes: the parser keeps the whole name of each key.
func TestNesting(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		deep       bool
	}{
		{"parts of a key", strings.Repeat("a.", 250_000) + "a = 1", true},
		{"parts of a key in spaces", strings.Repeat("a . ", 1000) + "a = 1", true},
		{"parts in quotes", strings.Repeat(`"}".`, 1000) + "a = 1", true},
		{"parts of a table", "[" + strings.Repeat("a.", 1000) + "a]", true},
		{"tables in tables", "a=" + strings.Repeat("{a=", 150_000) + "1" + strings.Repeat("}", 150_000), true},
		{"tables that strings seem to close", "a=" + strings.Repeat(`{"}"=`, 1000), true},
		{"lists in lists", "a=" + strings.Repeat("[", 500_000), true},
		{"lists that comments seem to close", "a=" + strings.Repeat("[ # ]\n", 1000), true},
		{"behind long strings", "b='''\n'''''\na=\"\"\"\\\"\"\"\"\nc=" + strings.Repeat("[", 1000), true},
		{"brackets in a string", "strip = true # [[[\nplat = '" + strings.Repeat("[", 1000) + "'", false},
		{"brackets in a long string", "plat = \"\"\"\n" + strings.Repeat("[.", 1000) + "\"\"\"", false},
		{"a list of numbers", "a = [" + strings.Repeat("1.5, ", 1000) + "]", false},
		{"many tables", strings.Repeat("[a.b.c]\n", 1000), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := checkNesting(tt.text); errors.Is(err, errDeep) != tt.deep {
				t.Errorf("error %v", err)
			}
			if _, err := parse(tt.text, true, "/p"); tt.deep && !errors.Is(err, errDeep) {
				t.Errorf("parse: error %v", err)
			}
		})
	}
}
