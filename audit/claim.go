package audit

import (
	"errors"
	"fmt"
	"strings"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/wheel"
)

// A Topic is what a [Claim] is about.
type Topic string

// The topics, in the order of a proof.
const (
	TopicArchive   Topic = "archive"   // the archive reads alike everywhere
	TopicRecord    Topic = "record"    // RECORD against the members
	TopicNames     Topic = "names"     // file name, WHEEL, METADATA and .dist-info against each other
	TopicInstall   Topic = "install"   // every installer makes the same of it
	TopicTags      Topic = "tags"      // the Tag lines of WHEEL against the file name
	TopicPurelib   Topic = "purelib"   // where binaries are installed
	TopicBinaries  Topic = "binaries"  // the ELF, Mach-O or PE files can be read
	TopicPlatform  Topic = "platform"  // a platform tag against the contents
	TopicABI       Topic = "abi"       // the Python tags against the extension modules
	TopicStable    Topic = "stable"    // what a wheel for the stable ABI imports of Python
	TopicPyPI      Topic = "pypi"      // whether PyPI takes the platform tags
	TopicLibraries Topic = "libraries" // needed libraries
	TopicOrder     Topic = "order"     // libraries that something else has to load before
	TopicSymbols   Topic = "symbols"   // needed symbols and their versions
	TopicPaths     Topic = "paths"     // search paths
	TopicStack     Topic = "stack"     // executable stacks

	TopicAlignment  Topic = "alignment"  // of segments, for large pages of Android
	TopicSignatures Topic = "signatures" // code signatures of Mach-O files
)

// Topics returns all topics, in the order of a proof.
func Topics() []Topic {
	return []Topic{
		TopicArchive, TopicRecord, TopicNames, TopicInstall, TopicTags, TopicPyPI, TopicPurelib, TopicBinaries, TopicPlatform, TopicABI, TopicStable, TopicLibraries,
		TopicOrder, TopicSymbols, TopicPaths, TopicStack, TopicAlignment, TopicSignatures,
	}
}

// An Outcome tells what became of a claim.
type Outcome string

// The outcomes.
const (
	Holds     Outcome = "holds"
	Fails     Outcome = "fails"
	Unchecked Outcome = "unchecked" // nobody looked, or nobody can know from the wheel alone
)

// A Claim is one thing that a wheel says of itself, by its name, its metadata
// or by being installable, and what looking at it gave.
type Claim struct {
	Topic   Topic
	Text    string // what is claimed
	Outcome Outcome
	Basis   string  // what the outcome rests on
	Faults  []Fault // what contradicts the claim, or what is not checked of it

	// Evidence is the basis in detail, a line for each thing that was looked at,
	// where there is more to tell than a number.
	Evidence []string
}

// A Fault is one reason why a claim fails or was not checked.
type Fault struct {
	File    string   // member, "" for the wheel as a whole
	Library string   // soname, "" when no library is concerned
	Version string   // symbol version, "" when none is concerned
	Symbols []string // sorted
	Reason  string   // one line for people
}

// Text spells the fault on one line: the file, what is concerned, the reason,
// and up to limit symbols.
func (f *Fault) Text(limit int) string {
	text := ""
	if f.File != "" {
		text = f.File + ": "
	}
	switch {
	case f.Version != "":
		text += f.Version + " of " + f.Library + ": "
	case f.Library != "":
		text += f.Library + ": "
	}
	text += f.Reason
	if len(f.Symbols) > 0 {
		text += " (" + phrase.Some(f.Symbols, limit) + ")"
	}
	return text
}

// String spells the fault with its first symbols.
func (f *Fault) String() string { return f.Text(3) }

// A Proof is what a verification found out about a wheel.
type Proof struct {
	Wheel  string // file name
	Claims []Claim
	Report *Report // what the claims about binaries rest on; nil when they could not be read
}

// Close releases what the report holds open.
func (p *Proof) Close() error {
	if p.Report == nil {
		return nil
	}
	return p.Report.Close()
}

// Holds reports whether no claim fails, and the wheel is one that is looked into.
func (p *Proof) Holds() bool {
	return len(p.Failed()) == 0 && (p.Report == nil || p.Report.Unserved == nil)
}

// Failed returns the claims that fail.
func (p *Proof) Failed() []Claim {
	var failed []Claim
	for _, c := range p.Claims {
		if c.Outcome == Fails {
			failed = append(failed, c)
		}
	}
	return failed
}

// claim adds a claim that holds unless there are faults.
func (p *Proof) claim(topic Topic, text, basis string, faults []Fault, evidence ...string) {
	c := Claim{Topic: topic, Text: text, Outcome: Holds, Basis: basis, Faults: faults, Evidence: evidence}
	if len(faults) > 0 {
		c.Outcome = Fails
	}
	p.Claims = append(p.Claims, c)
}

// unchecked adds a claim that is left open.
func (p *Proof) unchecked(topic Topic, text, why string, open []Fault) {
	p.Claims = append(p.Claims, Claim{Topic: topic, Text: text, Outcome: Unchecked, Basis: why, Faults: open})
}

// newFault turns an error about a member into a fault.
func newFault(err error) Fault {
	var format *wheel.FormatError
	if !errors.As(err, &format) {
		return Fault{Reason: err.Error()}
	}
	reason := format.Rule
	if format.Off >= 0 {
		reason = fmt.Sprintf("offset %#x: %s", format.Off, format.Rule)
	}
	return Fault{File: format.Member, Reason: reason}
}

// fault turns a blocker into a fault.
func (b *Blocker) fault() Fault {
	f := Fault{File: b.File, Library: b.Library, Symbols: b.Symbols, Reason: b.Reason}
	if b.Library != "" {
		f.Version = b.Version // of a symbol of the library
	}
	return f
}

// tagNames joins the tags of policies for a sentence.
func tagNames(policies []*policy.Policy) string {
	var tags []string
	for _, p := range policies {
		tags = append(tags, p.Tag())
	}
	return strings.Join(tags, " and ")
}
