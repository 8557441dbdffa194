package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/internal/budget"
	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/macho"
)

// A macSymbols looks up symbols as dyld binds them: each in the library that the
// import names, and in what that one re-exports.
type macSymbols struct {
	exports map[*linkage.Image]*macho.Exports
	found   int             // symbols that a library of the wheel defines
	system  map[string]bool // those of macOS, with their library
	faults  []Fault
	late    []Fault // missing, but only missed when they are called
	open    []Fault
	flat    []Fault // looked up in the whole process
	pythons map[string]bool
	broken  []Fault
	work    *budget.Budget
}

// A macQuestion is asked once for each import: libraries may re-export each other.
type macQuestion struct {
	image  *linkage.Image
	symbol string
}

// costImport is what an import costs that is read and kept, in steps of the look-up.
const costImport = 4

// maxReexports bounds how many libraries are asked for one import; in real ones,
// each is behind the one before.
const maxReexports = 256

// claimSymbols adds the claims about symbols. dyld does not load an image with
// an import that is not weak and that its library does not export.
func (m *macOS) claimSymbols(ctx context.Context, p *Proof) error {
	s := &macSymbols{work: newLookUps(), exports: map[*linkage.Image]*macho.Exports{}, system: map[string]bool{}, pythons: map[string]bool{}}
	for _, b := range m.graph.Members {
		for _, image := range m.images(b) {
			if err := ctx.Err(); err != nil {
				return err
			}
			err := s.image(image)
			if errors.As(err, new(*macho.FormatError)) {
				s.broken = append(s.broken, formatFault(called(image), err))
			} else if err != nil {
				return err
			}
		}
	}
	if len(s.broken) > 0 {
		p.claim(TopicSymbols, "the symbols of each file can be read", "<mach-o/loader.h> and the rules of dyld", s.broken)
	}
	p.claim(TopicSymbols, "each symbol that is bound to a library of the wheel is defined there", s.basis(), s.faults)
	if len(s.late) > 0 {
		p.unchecked(TopicSymbols, "functions that no library defines are never called", "they are bound when they are called for the first time, which ends the process", s.late)
	}
	if len(s.flat) > 0 {
		p.unchecked(TopicSymbols, "symbols that are bound to no library are defined by something that is loaded", "flat namespace: dyld looks for them in the whole process", s.flat)
	}
	if len(s.open) > 0 {
		p.unchecked(TopicSymbols, "libraries that cannot be looked into define what is bound to them", "they have no export trie, or re-export what is not in the wheel", s.open)
	}
	if n := len(s.system); n > 0 {
		p.unchecked(TopicSymbols, "macOS defines the symbols that are bound to its libraries", phrase.Count(n, "symbol")+"; there is no list of what macOS exports", nil)
	}
	return nil
}

// basis counts what was looked up.
func (s *macSymbols) basis() string {
	text := phrase.Count(s.found, "symbol") + " found"
	if n := len(s.pythons); n > 0 {
		text += fmt.Sprintf(", %d of Python's own", n)
	}
	return text
}

// findFlat notes what an image wants of the whole process. Python's own symbols
// are the interpreter's, as in an ELF file.
func (s *macSymbols) findFlat(image *linkage.Image) error {
	names, err := image.Slice().FlatImports()
	if err != nil {
		return err
	}
	var others []string
	for _, name := range names {
		if isPythons(strings.TrimPrefix(name, "_")) { // C's names begin with one more
			s.pythons[name] = true
		} else {
			others = append(others, name)
		}
	}
	if len(others) > 0 {
		s.flat = append(s.flat, Fault{File: called(image), Symbols: others, Reason: "not looked up"})
	}
	return nil
}

// image looks up what one image imports.
func (s *macSymbols) image(image *linkage.Image) error {
	if err := s.findFlat(image); err != nil {
		return err
	}
	imports, err := image.Slice().Imports()
	if err == nil {
		err = s.work.Spend(image.Path, costImport*len(imports))
	}
	if err != nil {
		return err
	}
	type verdict struct{ absent, late, open []string }
	verdicts := make([]verdict, len(image.Needs))
	for _, x := range imports {
		e, v := image.Needs[x.Library], &verdicts[x.Library]
		switch {
		case e.Status == linkage.System:
			s.system[e.Name+" "+x.Symbol] = true
			continue
		case e.Status != linkage.Found:
			continue // claimMacLibraries tells
		}
		got, err := s.define(e.To, x.Symbol, map[macQuestion]bool{})
		switch {
		case err != nil:
			return err
		case got == found:
			s.found++
		case got == leftOpen:
			v.open = append(v.open, x.Symbol)
		case x.Weak:
		case x.Lazy:
			v.late = append(v.late, x.Symbol)
		default:
			v.absent = append(v.absent, x.Symbol)
		}
	}
	for i, v := range verdicts {
		need, reason := image.Needs[i], ""
		if to := need.To; to != nil {
			reason = to.Path + " does not define what is bound to it"
		}
		for _, lack := range []struct {
			list    *[]Fault
			symbols []string
			reason  string
		}{{&s.faults, v.absent, reason}, {&s.late, v.late, reason}, {&s.open, v.open, "not looked up"}} {
			if len(lack.symbols) > 0 {
				*lack.list = append(*lack.list, Fault{File: called(image), Library: need.Name, Symbols: lack.symbols, Reason: lack.reason})
			}
		}
	}
	return nil
}

// define asks an image for a symbol, and then what it re-exports.
func (s *macSymbols) define(image *linkage.Image, symbol string, asked map[macQuestion]bool) (answer, error) {
	question := macQuestion{image, symbol}
	switch {
	case asked[question]:
		return absent, nil
	case len(asked) == maxReexports:
		return leftOpen, nil
	}
	asked[question] = true
	if err := s.work.Spend(image.Path, 16+len(image.Needs)); err != nil {
		return leftOpen, err
	}
	exports, ok := s.exports[image]
	if !ok {
		var err error
		if exports, err = image.Slice().Exports(); err != nil {
			return leftOpen, err
		}
		s.exports[image] = exports
	}
	if exports == nil {
		return leftOpen, nil
	}
	before := exports.Read()
	x, err := exports.Lookup(symbol)
	if err == nil {
		err = s.work.Spend(image.Path, exports.Read()-before)
	}
	switch {
	case err != nil:
		return leftOpen, err
	case x != nil && x.Library < 0:
		return found, nil
	case x != nil:
		return s.follow(image.Needs[x.Library], x.Name, asked)
	}
	got := absent
	for _, e := range image.Needs {
		if e.Kind != linkage.Reexport {
			continue
		}
		one, err := s.follow(e, symbol, asked)
		if err != nil || one == found {
			return one, err
		}
		got = min(got, one)
	}
	return got, nil
}

// follow asks the library that a load leads to.
func (s *macSymbols) follow(e *linkage.Need, symbol string, asked map[macQuestion]bool) (answer, error) {
	if e.Status != linkage.Found {
		return leftOpen, nil
	}
	return s.define(e.To, symbol, asked)
}
