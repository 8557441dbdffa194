package wheel

import (
	"bytes"
	"regexp"
	"strings"
	"unicode/utf8"
)

// command is the value of a script (Entry points specification): a module, a
// colon, an object, and extras that nobody reads any more.
var command = regexp.MustCompile(`^[A-Za-z0-9_.]+ *: *[A-Za-z0-9_.]+ *(\[[A-Za-z0-9_.\-, ]*\])? *$`)

// ParseCommands returns the names of the scripts that entry_points.txt has
// installers write, in the order of the file. What Python's configparser,
// importlib.metadata and uv would not read alike is a [*FormatError].
func ParseCommands(b []byte) ([]string, error) {
	if rule := textRule(b, "\t\n\r"); rule != "" {
		return nil, formatErr("", -1, "%s", rule)
	}
	p := commandParser{seen: map[string]bool{}}
	for off, line := range lines(b) {
		if rule := p.line(line); rule != "" {
			return nil, formatErr("", int64(off), "%s", rule)
		}
	}
	return p.commands, nil
}

// A commandParser reads entry_points.txt line by line.
type commandParser struct {
	section  string
	began    bool
	seen     map[string]bool // sections, and keys with their section
	commands []string
}

// line reads a line and returns the rule that it breaks.
func (p *commandParser) line(line string) string {
	text := strings.TrimSpace(line)
	switch {
	case text == "" || text[0] == '#' || text[0] == ';':
		return ""
	case text[0] == '[':
		return p.header(line)
	case !p.began:
		return "entry point before the first [section]"
	}
	name, value, ok := strings.Cut(text, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case !ok || name == "":
		return "entry point is not of the form \"name = value\""
	case !p.first(p.section + "]" + name):
		return "the entry point is there twice"
	case p.section != "console_scripts" && p.section != "gui_scripts":
		return ""
	case line[0] == ' ' || line[0] == '\t':
		return "line begins with a blank: some take it for a part of the line before"
	case strings.ContainsAny(name, `/\`) || name == "." || name == "..":
		return "name of a command leads out of the folder for scripts"
	case !command.MatchString(value):
		return "command is not of the form \"name = module:object\""
	}
	p.commands = append(p.commands, name)
	return ""
}

func (p *commandParser) header(line string) string {
	name, ok := strings.CutSuffix(strings.TrimSpace(line), "]")
	name = strings.TrimPrefix(name, "[")
	switch {
	case !ok || name == "" || strings.ContainsAny(name, "[]") || name != strings.TrimSpace(name):
		return "section is not of the form \"[name]\""
	case line[0] == ' ' || line[0] == '\t':
		return "line begins with a blank: some take it for a part of the line before"
	case !p.first("[" + name):
		return "the section is there twice"
	case strings.EqualFold(name, "default"):
		return "the section [DEFAULT] counts for all others in some readers"
	}
	p.section, p.began = name, true
	return ""
}

// first reports whether a key comes for the first time.
func (p *commandParser) first(key string) bool {
	if p.seen[key] {
		return false
	}
	p.seen[key] = true
	return true
}

// textRule returns why readers could differ in the lines of a text file of
// .dist-info: bytes that are no UTF-8, a mark of the byte order, and control
// characters but for those that may be there. A lone CR ends a line for some.
func textRule(b []byte, controls string) string {
	switch {
	case !utf8.Valid(b):
		return "it is not UTF-8"
	case bytes.HasPrefix(b, []byte("\ufeff")):
		return "it begins with a byte order mark"
	}
	for i, c := range b {
		switch {
		case c == '\r' && (i+1 == len(b) || b[i+1] != '\n'):
			return "CR without LF, which ends a line for some readers"
		case (c < ' ' || c == 0x7f) && strings.IndexByte(controls, c) < 0:
			return "it has a control character"
		}
	}
	return ""
}

// lines iterates over the lines of b without their ends, by offset.
func lines(b []byte) func(yield func(int, string) bool) {
	return func(yield func(int, string) bool) {
		for off := 0; off < len(b); {
			n := bytes.IndexByte(b[off:], '\n') + 1
			if n == 0 {
				n = len(b) - off
			}
			if !yield(off, strings.TrimRight(string(b[off:off+n]), "\r\n")) {
				return
			}
			off += n
		}
	}
}
