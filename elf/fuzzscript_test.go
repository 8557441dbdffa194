package elf

import (
	"context"
	"strings"
	"testing"
)

// A fuzzScript chooses edits: each byte is one, and some take the next byte for
// a length or an index.
type fuzzScript []byte

func (s *fuzzScript) next() int {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return int(b)
}

// The edits that a byte of a script stands for.
const (
	fuzzRPath = iota
	fuzzRunPath
	fuzzNoPath
	fuzzSoname
	fuzzAdd
	fuzzRemove
	fuzzReplace
	fuzzInterp
	fuzzStrip
	fuzzStack
	fuzzApply // the edits up to here, before the rest
	fuzzKinds
)

// maxFuzzEdits bounds the edits of one script.
const maxFuzzEdits = 24

// standardScripts are what the commands do to a file, and what a user may.
func standardScripts() []fuzzScript {
	return []fuzzScript{
		{fuzzRPath, 200, fuzzAdd, 3, fuzzAdd, 4, fuzzAdd, 5},
		{fuzzNoPath},
		{fuzzRunPath, 3},
		{fuzzSoname, 40, fuzzStrip},
		{fuzzReplace, 0, 30},
		{fuzzRemove, 0},
		{fuzzInterp, 90, fuzzStrip, fuzzApply, fuzzRPath, 30, fuzzApply, fuzzInterp, 10},
		{fuzzStack, 0, fuzzApply, fuzzStack, 1, fuzzRPath, 200, fuzzApply, fuzzStack, 0, fuzzStrip},
		{fuzzStrip, fuzzApply, fuzzAdd, 1, fuzzAdd, 2, fuzzRPath, 100, fuzzApply, fuzzRemove, 0, fuzzNoPath, fuzzApply, fuzzRunPath, 250},
		{fuzzReplace, 1, 60, fuzzSoname, 60, fuzzRPath, 60, fuzzApply, fuzzReplace, 1, 8, fuzzApply, fuzzSoname, 8, fuzzStrip},
	}
}

// text returns a string of n bytes and of some more that tell it from others.
func text(prefix string, n int) string { return prefix + strings.Repeat("n", n) }

// edit takes the next edit off the script, and changes the meaning as it should.
func (s *fuzzScript) edit(m *meaning) []Edit {
	choose := func() (string, bool) {
		k := s.next()
		if len(m.needed) == 0 {
			return "", false
		}
		name := m.needed[k%len(m.needed)]
		return name, name != ""
	}
	switch s.next() % fuzzKinds {
	case fuzzRPath:
		m.rpath, m.runpath = text("$ORIGIN/", s.next()), ""
		return []Edit{SetRPath(m.rpath)}
	case fuzzRunPath:
		m.rpath, m.runpath = "", text("$ORIGIN:", s.next())
		return []Edit{SetRunPath(m.runpath)}
	case fuzzNoPath:
		m.rpath, m.runpath = "", ""
		return []Edit{RemoveRPath()}
	case fuzzSoname:
		m.soname = text("lib", s.next())
		return []Edit{SetSoname(m.soname)}
	case fuzzAdd:
		name := text("libadded", s.next())
		m.add(name)
		return []Edit{AddNeeded(name)}
	case fuzzRemove:
		if name, ok := choose(); ok {
			m.drop(name)
			return []Edit{RemoveNeeded(name)}
		}
	case fuzzReplace:
		if old, ok := choose(); ok {
			name := text("libnew", s.next())
			m.rename(old, name)
			return []Edit{ReplaceNeeded(old, name)}
		}
	case fuzzInterp:
		if n := s.next(); m.interp != "" {
			m.interp = text("/lib/", n)
			return []Edit{SetInterpreter(m.interp)}
		}
	case fuzzStack:
		executable := s.next()%2 == 1
		want := StackPlain
		if executable {
			want = StackExecutable
		}
		if m.stack != StackUnsaid || m.unsaid != want {
			m.stack = want
		}
		return []Edit{SetExecutableStack(executable)}
	case fuzzStrip:
		m.stripped = true
		return []Edit{Strip()}
	}
	return nil
}

// run carries the script out, a batch of edits at a time, and holds each result
// to the law. It returns the last result, and reports whether all were made.
func (s fuzzScript) run(t testing.TB, f *File) (*File, bool) {
	want := meaningOf(f)
	for left := maxFuzzEdits; len(s) > 0 && left > 0; left-- {
		var edits []Edit
		for ; len(s) > 0 && left > 0; left-- {
			if s[0]%fuzzKinds == fuzzApply {
				s = s[1:]
				break
			}
			edits = append(edits, s.edit(want)...)
		}
		o, err := f.Edit(context.Background(), edits...)
		if err != nil {
			checkRefusal(t, err)
			return nil, false
		}
		checkResult(t, f, o, want)
		if f, err = NewFile(o, o.Size()); err != nil {
			return nil, false // checkResult has told
		}
	}
	return f, true
}
