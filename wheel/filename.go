package wheel

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/wheelmend/wheelmend/internal/phrase"
)

// extension ends the name of every wheel (PEP 427, File name convention).
const extension = ".whl"

// versionPattern is PEP 440, Appendix B, on versions as wheel names spell them:
// '-' is not possible there, and escaping turns it into '_'.
var versionPattern = regexp.MustCompile(`(?i)^v?([0-9]+!)?[0-9]+(\.[0-9]+)*` +
	`([._]?(alpha|a|beta|b|preview|pre|c|rc)[._]?[0-9]*)?` +
	`(_[0-9]+|[._]?(post|rev|r)[._]?[0-9]*)?` +
	`([._]?dev[._]?[0-9]*)?` +
	`(\+[a-z0-9]+([._][a-z0-9]+)*)?$`)

// A Filename is the base name of a wheel, taken apart (PEP 427, File name
// convention). The parts keep the spelling of the name, escaped or not.
type Filename struct {
	Name     string // distribution, as in "Demo_pkg"
	Version  string // as in "1.0+local.1"
	Build    string // build tag, which begins with a digit; "" when absent
	Python   []string
	ABI      []string
	Platform []string
}

// ParseFilename takes the base name of a wheel apart. It accepts what
// packaging.utils.parse_wheel_filename accepts, and also unescaped names that
// can only be read in one way ('.' and '+' in the distribution, "__", '_' for
// '-' in a version). Anything else is an error that names the broken rule.
func ParseFilename(base string) (Filename, error) {
	stem, ok := strings.CutSuffix(base, extension)
	if !ok {
		return Filename{}, fmt.Errorf("%q is not a wheel name: it does not end in %q", base, extension)
	}
	parts := strings.Split(stem, "-")
	if len(parts) != 5 && len(parts) != 6 {
		return Filename{}, fmt.Errorf("%q is not a wheel name: it has %s, want NAME-VERSION-PYTHON-ABI-PLATFORM, or NAME-VERSION-BUILD-PYTHON-ABI-PLATFORM (PEP 427)",
			base, phrase.Count(len(parts), "part"))
	}
	set, err := splitTagFields(parts[len(parts)-3:])
	if err != nil {
		return Filename{}, fmt.Errorf("%q is not a wheel name: %w", base, err)
	}
	f := Filename{Name: parts[0], Version: parts[1], Python: set[0], ABI: set[1], Platform: set[2]}
	if len(parts) == 6 {
		f.Build = parts[2]
		if err := checkBuild(f.Build); err != nil {
			return Filename{}, fmt.Errorf("%q is not a wheel name: %w", base, err)
		}
	}
	if err := f.checkNameVersion(); err != nil {
		return Filename{}, fmt.Errorf("%q is not a wheel name: %w", base, err)
	}
	return f, nil
}

// checkNameVersion checks the two parts that .dist-info repeats.
func (f Filename) checkNameVersion() error {
	if f.Name == "" || strings.ContainsFunc(f.Name, notNameRune) {
		return fmt.Errorf("distribution %q is not made of letters, digits, '_', '.' and '+'", f.Name)
	}
	if strings.HasPrefix(f.Name, ".") {
		return fmt.Errorf("distribution %q begins with '.'", f.Name)
	}
	if !versionPattern.MatchString(f.Version) {
		return fmt.Errorf("version %q is not a PEP 440 version", f.Version)
	}
	return nil
}

// checkBuild checks a build tag: PEP 427, "Must start with a digit".
func checkBuild(build string) error {
	if build == "" || !isDigit(rune(build[0])) {
		return fmt.Errorf("build tag %q does not begin with a digit", build)
	}
	if strings.ContainsFunc(build, notNameRune) {
		return fmt.Errorf("build tag %q is not made of letters, digits, '_', '.' and '+'", build)
	}
	return nil
}

// notNameRune allows letters of every script: PEP 427, Escaping and Unicode.
func notNameRune(r rune) bool {
	if r == unicode.ReplacementChar {
		return true // also what an invalid byte decodes to
	}
	return r != '_' && r != '.' && r != '+' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// String returns the base name, ".whl" included. For a Filename that came from
// [ParseFilename] it is the name that was parsed.
func (f Filename) String() string {
	parts := []string{f.Name, f.Version}
	if f.Build != "" {
		parts = append(parts, f.Build)
	}
	for _, set := range [][]string{f.Python, f.ABI, f.Platform} {
		parts = append(parts, strings.Join(set, "."))
	}
	return strings.Join(parts, "-") + extension
}

// Tags returns every tag that the name stands for, in the order of PEP 425.
func (f Filename) Tags() []Tag { return expandTags(f.Python, f.ABI, f.Platform) }

// WithPlatforms returns a copy with these platform tags, sorted and without
// repetitions, as PEP 425 wants compressed sets. It keeps no reference to p.
func (f Filename) WithPlatforms(p []string) Filename {
	f.Platform = slices.Compact(slices.Sorted(slices.Values(p)))
	return f
}

// separators are equal to each other in a name (PEP 503, Normalized Names).
var separators = regexp.MustCompile(`[-_.]+`)

// Owns reports whether a .dist-info directory is that of the distribution that
// the file name names, as installers demand (PEP 427). Spelling does not count,
// nor does the version, which tools normalise in different ways.
func (f Filename) Owns(distInfo string) bool {
	name, _, _ := strings.Cut(strings.TrimSuffix(distInfo, ".dist-info"), "-")
	return SameName(name, f.Name)
}

// SameName reports whether two spellings name one distribution (PEP 503,
// Normalized Names).
func SameName(a, b string) bool { return normalName(a) == normalName(b) }

func normalName(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}
