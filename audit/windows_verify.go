package audit

import (
	"context"
	"errors"
	"fmt"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/pe"
)

// claims adds the claims about what the PE files of a wheel ask for.
func (w *windows) claims(_ context.Context, p *Proof, _ VerifyOptions) error {
	p.claimReadable(w.scope())
	p.claimPlatforms()
	p.claimPartial("files for other architectures are for other processes", "nothing that Python imports loads them")
	p.claimPurelib()
	p.claimABI()
	w.claimPythons(p)
	p.claimLibraries(w.libraryRules())
	return w.claimSymbols(p)
}

// libraryRules are those of Windows.
func (w *windows) libraryRules() libraryRules {
	return libraryRules{
		text: "each library that is loaded is found in the wheel, or is part of Windows or Python", system: "of Windows and Python",
		fate: w.fate, paths: "a searched folder", alone: "Windows looks for no library elsewhere in the wheel",
	}
}

// fate tells what becomes of a library that is loaded. A delay import that is not there is
// missed when it is called, if it is.
func (w *windows) fate(l load) fate {
	switch n := l.need; {
	case l.inWheel() && n.Rule.Kind == linkage.ForbiddenByFlags:
		return fate{fault: n.Rule.String()}
	case l.inWheel():
		return fate{}
	case n.Status == linkage.System:
		return fate{outside: true}
	case n.IsFound():
		return fate{fault: "it is not in the wheel, but " + n.To.Path + " (" + n.Rule.String() + ")"}
	default:
		return fate{fault: "it is neither in the wheel nor part of Windows or Python; searched " + linkage.Searched(n.Tried)}
	}
}

// claimSymbols adds the claims about imports. Windows does not load an image with an import
// that its library does not export.
func (w *windows) claimSymbols(p *Proof) error {
	var faults, late []Fault
	found, system := 0, 0
	work := newLookUps()
	for _, l := range p.loads() {
		symbols := len(l.from.Imported(l.need))
		if err := work.Spend(l.from.Path, symbols); err != nil {
			return err
		}
		if !l.inWheel() {
			system += symbols
			continue
		}
		lacks, err := l.from.Lacks(l.need)
		if errors.As(err, new(*pe.FormatError)) {
			faults = append(faults, l.fault("its exports cannot be read: %v", err))
			continue
		} else if err != nil {
			return err
		}
		found += symbols - len(lacks)
		if len(lacks) == 0 {
			continue
		}
		fault := l.fault("%s does not export what is imported from it", l.need.To.Path)
		fault.Symbols = lacks
		if l.need.Kind == linkage.Delay {
			late = append(late, fault)
		} else {
			faults = append(faults, fault)
		}
	}
	p.claim(TopicSymbols, "each symbol that is imported from a library of the wheel is exported there", phrase.Count(found, "symbol")+" found", faults)
	if len(late) > 0 {
		p.unchecked(TopicSymbols, "functions that no library exports are never called", "they are looked up when they are called for the first time, which ends the process", late)
	}
	if system > 0 {
		p.unchecked(TopicSymbols, "Windows and Python export what is imported from them", fmt.Sprintf("%s; there is no list of what they export", phrase.Count(system, "symbol")), nil)
	}
	return nil
}
