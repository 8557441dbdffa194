package repair

import (
	"bytes"
	"strings"
)

// insertPython inserts statements into Python source where they run first: behind the
// docstring and what is imported from __future__, which have to stand before all else
// (Python Language Reference, 7.11.1 Future statements). Everything else stays as it is:
// encoding, byte order mark and line ends. Source that cannot be read gets the text before the
// first statement.
func insertPython(source []byte, text string) []byte {
	s := &pythonScanner{source: source}
	if bytes.HasPrefix(source, []byte("\xef\xbb\xbf")) {
		s.at = 3
	}
	at, split := s.head()
	eol := lineEnd(source)
	text = strings.ReplaceAll(text, "\n", eol)
	before, after := source[:at], source[at:]
	var out bytes.Buffer
	out.Write(before)
	if split || at > 0 && !endsLine(before) {
		out.WriteString(eol)
	}
	out.WriteString(text)
	if split {
		after = bytes.TrimLeft(after, " \t\f")
	}
	out.Write(after)
	return out.Bytes()
}

// lineEnd returns the first line end of a text, that of Unix if it has none.
func lineEnd(source []byte) string {
	i := bytes.IndexAny(source, "\r\n")
	switch {
	case i < 0 || source[i] == '\n':
		return "\n"
	case i+1 < len(source) && source[i+1] == '\n':
		return "\r\n"
	}
	return "\r"
}

// endsLine reports whether a text ends where a line does, or has nothing but the mark of
// its byte order.
func endsLine(text []byte) bool {
	last := text[len(text)-1]
	return last == '\n' || last == '\r' || len(text) == 3 && text[0] == 0xef
}

// A pythonScanner finds the first statements of a module (Python Language Reference, 2.
// Lexical analysis).
type pythonScanner struct {
	source []byte
	at     int
}

// head returns where statements may be inserted, and whether that is in the middle of
// a line, behind a semicolon.
func (s *pythonScanner) head() (at int, split bool) {
	first := true
	for {
		s.skipLines()
		if len(s.source) == s.at {
			return s.placed(at, len(s.source)), false
		}
		start := s.at
		for {
			begin := s.at
			kind := s.statement()
			if kind == statementOther || kind == statementDocstring && !first {
				if begin != start {
					return begin, true
				}
				return s.placed(at, start), false
			}
			first = false
			if !s.semicolon() {
				break
			}
		}
		s.restOfLine()
		at = s.at
	}
}

// placed prefers the line behind the last statement that has to stand first.
func (s *pythonScanner) placed(behind, start int) int {
	if behind > 0 {
		return behind
	}
	return start
}

// A statementKind tells what a statement means for its place.
type statementKind int

const (
	statementOther statementKind = iota
	statementDocstring
	statementFuture
)

// statement reads one statement, up to the end of its line or a semicolon.
func (s *pythonScanner) statement() statementKind {
	start := s.at
	texts, others, depth := 0, 0, 0
	for s.at < len(s.source) {
		c := s.source[s.at]
		switch {
		case depth == 0 && (c == ';' || c == '\n' || c == '\r' || c == '#'):
			return kindOf(s.source[start:s.at], texts, others)
		case c == '#':
			s.comment()
			continue
		case c == '(' || c == '[' || c == '{':
			depth++
			if c != '(' {
				others++
			}
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '\\' && s.joins():
			continue
		case c == '\'' || c == '"' || isWord(c) && s.prefixed():
			if s.text() {
				texts++
			} else {
				others++
			}
			continue
		case isWord(c):
			s.word()
			others++
			continue
		case c != ' ' && c != '\t' && c != '\f' && c != '\n' && c != '\r':
			others++
		}
		s.at++
	}
	return kindOf(s.source[start:], texts, others)
}

// kindOf tells a docstring, which is texts in parentheses or without, and an import from
// __future__.
func kindOf(statement []byte, texts, others int) statementKind {
	if texts > 0 && others == 0 {
		return statementDocstring
	}
	words := bytes.Fields(bytes.ReplaceAll(statement, []byte("\\"), []byte(" ")))
	if len(words) > 2 && string(words[0]) == "from" && string(words[1]) == "__future__" {
		return statementFuture
	}
	return statementOther
}

// skipLines skips lines without a statement.
func (s *pythonScanner) skipLines() {
	for s.at < len(s.source) {
		begin := s.at
		for s.at < len(s.source) && bytes.IndexByte([]byte(" \t\f"), s.source[s.at]) >= 0 {
			s.at++
		}
		if s.at < len(s.source) && s.source[s.at] == '#' {
			s.comment()
		}
		if s.at == len(s.source) {
			return
		}
		if c := s.source[s.at]; c != '\n' && c != '\r' {
			s.at = begin
			return
		}
		s.newline()
	}
}

func (s *pythonScanner) comment() {
	for s.at < len(s.source) && s.source[s.at] != '\n' && s.source[s.at] != '\r' {
		s.at++
	}
}

func (s *pythonScanner) newline() {
	if bytes.HasPrefix(s.source[s.at:], []byte("\r\n")) {
		s.at++
	}
	if s.at < len(s.source) {
		s.at++
	}
}

// semicolon skips a semicolon that another statement follows on the line.
func (s *pythonScanner) semicolon() bool {
	if s.at == len(s.source) || s.source[s.at] != ';' {
		return false
	}
	s.at++
	rest := s.at
	for rest < len(s.source) && (s.source[rest] == ' ' || s.source[rest] == '\t') {
		rest++
	}
	return rest < len(s.source) && bytes.IndexByte([]byte("\r\n#"), s.source[rest]) < 0
}

// restOfLine skips a comment and the end of the line.
func (s *pythonScanner) restOfLine() {
	s.comment()
	if s.at < len(s.source) {
		s.newline()
	}
}

// joins skips a backslash that joins two lines.
func (s *pythonScanner) joins() bool {
	if s.at+1 < len(s.source) && (s.source[s.at+1] == '\n' || s.source[s.at+1] == '\r') {
		s.at++
		s.newline()
		return true
	}
	return false
}

func isWord(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

func (s *pythonScanner) word() {
	for s.at < len(s.source) && isWord(s.source[s.at]) {
		s.at++
	}
}

// prefixed reports whether a word is the prefix of a text, as in r"".
func (s *pythonScanner) prefixed() bool {
	n := s.at
	for n < len(s.source) && n-s.at < 3 && strings.IndexByte("rRbBuUfFtT", s.source[n]) >= 0 {
		n++
	}
	return n > s.at && n < len(s.source) && (s.source[n] == '\'' || s.source[n] == '"')
}

// text skips a text, and reports whether it can be a docstring: one of bytes, and one that
// is formatted, cannot.
func (s *pythonScanner) text() bool {
	plain := true
	for s.source[s.at] != '\'' && s.source[s.at] != '"' {
		plain = plain && strings.IndexByte("rRuU", s.source[s.at]) >= 0
		s.at++
	}
	quote := s.source[s.at : s.at+1]
	if long := bytes.Repeat(quote, 3); bytes.HasPrefix(s.source[s.at:], long) {
		quote = long
	}
	s.at += len(quote)
	for s.at < len(s.source) {
		switch c := s.source[s.at]; {
		case bytes.HasPrefix(s.source[s.at:], quote):
			s.at += len(quote)
			return plain
		case c == '\\':
			s.at++
			if s.at < len(s.source) && s.source[s.at] == '\r' {
				s.newline()
				continue
			}
		case len(quote) == 1 && (c == '\n' || c == '\r'):
			return false // it does not end: no Python reads this
		}
		s.at++
	}
	s.at = min(s.at, len(s.source))
	return false
}
