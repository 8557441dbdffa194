package policy

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// peerPython names the Python whose auditwheel is the second opinion.
const peerPython = "WHEELMEND_PEER_PYTHON"

// facts is what a policy says, in a form that both sides can give.
type facts struct {
	Tag       string
	Aliases   []string
	Libraries []string
	Versions  map[string][]string
	Forbidden map[string][]string
}

//go:embed testdata/peer_facts.py
var peerFacts string

// TestSameFactsAsAuditwheel compares every policy with the one that auditwheel
// works with, after its own reading of its files.
func TestSameFactsAsAuditwheel(t *testing.T) {
	python := os.Getenv(peerPython)
	if python == "" {
		t.Skipf("%s is not set to a Python that has auditwheel", peerPython)
	}
	out, err := exec.Command(python, "-c", peerFacts).Output()
	if err != nil {
		t.Fatalf("%s: %v", python, err)
	}
	var want []facts // oldest first within libc and architecture
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	var got []facts
	for _, p := range All() {
		if p.Libc != BIONIC || p.Arch == AARCH64 || p.Arch == X86_64 { // those of Android that auditwheel knows
			got = append(got, factsOf(p))
		}
	}
	if len(want) < 100 {
		t.Fatalf("auditwheel told of %d policies, want at least 100", len(want))
	}
	opts := []cmp.Option{cmpopts.EquateEmpty(), cmpopts.SortSlices(func(a, b string) bool { return a < b })}
	if diff := cmp.Diff(want, got, opts...); diff != "" {
		t.Errorf("policies differ (-auditwheel +ours); make them anew with scripts/policy-table:\n%s", diff)
	}
}

// factsOf leaves out what is a difference by intention: libc.so of musl.
func factsOf(p *Policy) facts {
	f := facts{Tag: p.Tag(), Aliases: p.Tags()[1:], Libraries: p.Libraries(), Versions: p.Versions(), Forbidden: map[string][]string{}}
	if p.Libc == MUSL {
		f.Libraries = slices.DeleteFunc(f.Libraries, func(s string) bool { return s == "libc.so" })
	}
	for _, soname := range p.ForbiddenLibraries() {
		f.Forbidden[soname] = p.Forbidden(soname)
	}
	return f
}
