package wheel

import (
	"fmt"
	"strings"
)

// maxTags bounds how many tags one compressed tag set may stand for. Real
// wheels have at most some tens; three long dotted fields would give millions.
const maxTags = 4096

// maxTagLines bounds how many tags all Tag lines of WHEEL may stand for.
const maxTagLines = 4 * maxTags

// tagCount returns how many tags a compressed tag set stands for, well-formed or
// not. More than some thousand are as good as any number.
func tagCount(s string) int {
	product := 1
	for field := range strings.SplitSeq(s, "-") {
		product = min(product*(1+strings.Count(field, ".")), maxTagLines+1)
	}
	return product
}

// A Tag says which interpreter, ABI and platform a wheel is for (PEP 425).
type Tag struct {
	Python   string // as in "cp312"
	ABI      string // as in "abi3"
	Platform string // as in "manylinux_2_17_x86_64"
}

// String returns the tag as PEP 425 writes it, "cp312-abi3-linux_x86_64".
func (t Tag) String() string { return t.Python + "-" + t.ABI + "-" + t.Platform }

// ParseTag expands a tag, which may be a compressed tag set such as
// "py2.py3-none-any", in the order that PEP 425 gives. A set that has an empty
// or malformed component, or that stands for more than 4096 tags, is an error.
func ParseTag(s string) ([]Tag, error) {
	fields := strings.Split(s, "-")
	if len(fields) != 3 {
		return nil, fmt.Errorf("tag %q has %d fields separated by '-', PEP 425 asks for 3", s, len(fields))
	}
	set, err := splitTagFields(fields)
	if err != nil {
		return nil, fmt.Errorf("tag %q: %w", s, err)
	}
	return expandTags(set[0], set[1], set[2]), nil
}

// splitTagFields splits the python, ABI and platform fields of a tag set.
func splitTagFields(fields []string) ([3][]string, error) {
	var set [3][]string
	product := 1
	for i, what := range [...]string{"python", "ABI", "platform"} {
		set[i] = strings.Split(fields[i], ".")
		for _, part := range set[i] {
			if part == "" || strings.ContainsFunc(part, notTagRune) {
				return set, fmt.Errorf("%s tag %q is not made of letters, digits and '_'", what, part)
			}
		}
		if product *= len(set[i]); product > maxTags {
			return set, fmt.Errorf("the compressed tag set stands for more than %d tags", maxTags)
		}
	}
	return set, nil
}

func notTagRune(r rune) bool { return !isAlnum(r) && r != '_' }

func isAlnum(r rune) bool {
	return isDigit(r) || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
}

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// expandTags returns the product of the three fields, platforms fastest.
func expandTags(pythons, abis, platforms []string) []Tag {
	tags := make([]Tag, 0, len(pythons)*len(abis)*len(platforms))
	for _, python := range pythons {
		for _, abi := range abis {
			for _, platform := range platforms {
				tags = append(tags, Tag{python, abi, platform})
			}
		}
	}
	return tags
}
