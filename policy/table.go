package policy

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
)

// A kind is what the words of a section are.
type kind string

const (
	kindPolicies      kind = "policies"      // the list of policies itself
	kindArchitectures kind = "architectures" // architectures that have the policy
	kindLibraries     kind = "libraries"     // sonames, of every or of one architecture
	kindForbidden     kind = "forbidden"     // symbols of the library in the heading
	kindVersions      kind = "versions"      // symbol versions of the architecture and prefix in the heading
)

// A key is the heading of a section.
type key struct {
	kind kind
	arch Arch   // "" for every architecture
	name string // soname of kindForbidden, prefix of kindVersions
}

// A span is the run of policies, by rank, in which a word holds: first is in it,
// end is not.
type span struct{ first, end int }

// forever is the end of a word that no policy takes away.
const forever = int(^uint(0) >> 1)

// A table is one file of policies. Words are kept once, with the policies in
// which they hold.
type table struct {
	policies []policyLine
	sections map[key]map[string]span
}

// A policyLine is a policy before it is tied to an architecture.
type policyLine struct {
	name    string
	aliases []string
}

// has reports whether a section holds the word in the policy of this rank.
func (t *table) has(k key, word string, rank int) bool {
	s, ok := t.sections[k][word]
	return ok && s.first <= rank && rank < s.end
}

// words returns the words of a section that hold at this rank, in natural order.
func (t *table) words(k key, rank int) []string {
	words := []string{}
	for word := range t.sections[k] {
		if t.has(k, word, rank) {
			words = append(words, word)
		}
	}
	slices.SortFunc(words, compareNatural)
	return words
}

// rank returns the position of the named policy, or -1.
func (t *table) rank(name string) int {
	return slices.IndexFunc(t.policies, func(p policyLine) bool { return p.name == name })
}

// parseTable reads the form that scripts/policy-table describes: headings at the
// left edge, below them indented lines of a policy and its changes. Errors name
// the line.
func parseTable(text string) (*table, error) {
	t := &table{sections: map[key]map[string]span{}}
	var current key
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line, fields := lines.Text(), strings.Fields(lines.Text())
		var err error
		switch {
		case len(fields) == 0 || strings.HasPrefix(line, "#"):
		case line[0] != ' ':
			current, err = t.open(fields)
		case current.kind == kindPolicies:
			t.policies = append(t.policies, policyLine{fields[0], fields[1:]})
		default:
			err = t.change(current, fields[0], fields[1:])
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	return t, lines.Err()
}

// open starts the section of a heading, and refuses one that is there already.
func (t *table) open(fields []string) (key, error) {
	k, err := parseKey(fields)
	if err != nil {
		return key{}, err
	}
	if _, twice := t.sections[k]; twice {
		return key{}, fmt.Errorf("second section %q", strings.Join(fields, " "))
	}
	t.sections[k] = map[string]span{}
	return k, nil
}

// parseKey reads the words of a heading.
func parseKey(fields []string) (key, error) {
	k, args := kind(fields[0]), fields[1:]
	switch {
	case (k == kindPolicies || k == kindArchitectures || k == kindLibraries) && len(args) == 0:
		return key{kind: k}, nil
	case k == kindLibraries && len(args) == 1:
		return key{kind: k, arch: Arch(args[0])}, nil
	case k == kindForbidden && len(args) == 1:
		return key{kind: k, name: args[0]}, nil
	case k == kindVersions && len(args) == 2:
		return key{kind: k, arch: Arch(args[0]), name: args[1]}, nil
	}
	return key{}, fmt.Errorf("unknown heading %q", strings.Join(fields, " "))
}

// change applies one line: words that begin to hold with a policy and, with a
// leading "-", words that no longer do.
func (t *table) change(k key, policy string, words []string) error {
	rank := t.rank(policy)
	if rank < 0 {
		return fmt.Errorf("unknown policy %q", policy)
	}
	section := t.sections[k]
	for _, word := range words {
		word, gone := strings.CutPrefix(word, "-")
		s, known := section[word]
		switch {
		case gone && known && s.end == forever && s.first < rank:
			section[word] = span{s.first, rank}
		case !gone && !known:
			section[word] = span{rank, forever}
		case gone:
			return fmt.Errorf("%q is taken away, but does not hold before %s", word, policy)
		default:
			return fmt.Errorf("%q is added twice", word)
		}
	}
	return nil
}
