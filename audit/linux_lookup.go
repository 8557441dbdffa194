package audit

import (
	"maps"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/policy"
)

// An answer is what became of a wanted symbol or version, the worst last.
type answer uint8

const (
	found         answer = iota // in a file that was read
	promise                     // a policy promises library and version
	ofPython                    // Python's own
	toldElsewhere               // another claim fails for it
	leftOpen                    // a library that was not read may have it
	absent
)

// look searches a scope for what o wants.
func (s *symbolCheck) look(o *linkage.Image, w want, loaded *scope) answer {
	if s.work.Spend(o.Path, 2+len(s.table.definitions[w.name])) != nil {
		return leftOpen
	}
	switch {
	case w.name == "":
		return s.lookVersion(w, loaded)
	case s.table.find(w, loaded):
		return found
	case w.library == "":
		return s.lookOutside(o, w.name, loaded)
	case loaded.named(w.library) != nil:
		return absent
	}
	return s.external(w, loaded)
}

// processLibraries are in every process of Python before it loads a module.
func processLibraries(libc policy.Libc) []string {
	switch libc {
	case policy.MUSL:
		return []string{"libc.so"}
	case policy.BIONIC:
		return []string{"libc.so", "libdl.so", "libm.so"}
	}
	return []string{"libc.so.6", "libm.so.6"}
}

// glibcLoader stands for glibc's loader on any architecture.
const glibcLoader = "ld-linux.so.2"

// lookOutside asks Python, and the libraries that nobody has read, about a
// symbol without a version.
func (s *symbolCheck) lookOutside(o *linkage.Image, symbol string, loaded *scope) answer {
	if s.report.Libc == policy.GLIBC && policy.LoaderPrivate(symbol) {
		return leftOpen
	}
	if !loaded.program && isPythons(symbol) {
		return ofPython
	}
	libraries, open := s.unread(loaded)
	if s.work.Spend(o.Path, 8*len(libraries)) != nil {
		return leftOpen
	}
	for _, library := range libraries {
		switch defined, known := s.exports(library, symbol); {
		case defined:
			return promise
		case s.forbidden(library, symbol):
			return toldElsewhere
		case known || policy.Versioned(library) && o.Need(library) != nil:
			// It does not have it, or the linker would have noted the version.
		default:
			open = true
		}
	}
	if open {
		return leftOpen
	}
	return absent
}

// unread returns the libraries of a process that nobody has read and of which the
// policies know something, and whether there are others, which may have any symbol.
func (s *symbolCheck) unread(loaded *scope) (libraries []string, open bool) {
	if loaded.unread != nil {
		return loaded.unread, loaded.open
	}
	all := slices.Sorted(maps.Keys(loaded.external))
	if s.report.Libc == policy.GLIBC {
		// ld.so is in every process that it has loaded (elf/rtld.c, dl_main).
		all = append(all, glibcLoader)
	}
	if !loaded.program {
		all = append(all, processLibraries(s.report.Libc)...)
	}
	loaded.unread = slices.DeleteFunc(slices.Clone(all), func(l string) bool { return !s.speaks(l) })
	loaded.open = len(loaded.unread) < len(all) || len(s.promised) == 0 && len(all) > 0
	if loaded.unread == nil {
		loaded.unread = []string{}
	}
	return loaded.unread, loaded.open
}

// speaks reports whether anything is known of the symbols of a library.
func (s *symbolCheck) speaks(library string) bool {
	return policy.Versioned(library) || slices.ContainsFunc(s.promised, func(q *policy.Policy) bool {
		_, known := q.Exports(library, "")
		return known || len(q.Forbidden(library)) > 0
	})
}

// forbidden reports whether a policy rules the symbol out, which the claim about
// its platform tells.
func (s *symbolCheck) forbidden(library, symbol string) bool {
	return slices.ContainsFunc(s.promised, func(q *policy.Policy) bool {
		return q.Forbids(library, symbol) || !q.AllowsSymbol(library, symbol)
	})
}

// exports asks all policies about a library of the system.
func (s *symbolCheck) exports(library, symbol string) (defined, known bool) {
	defined, known = len(s.promised) > 0, len(s.promised) > 0
	for _, q := range s.promised {
		d, k := q.Exports(library, symbol)
		defined, known = defined && d, known && k
	}
	return defined, known
}

// lookVersion asks for the version of a version need (elf/dl-version.c,
// match_symbol): the library must be loaded, and if it defines versions at all
// this one must be among them.
func (s *symbolCheck) lookVersion(w want, loaded *scope) answer {
	o := loaded.named(w.library)
	switch {
	case o != nil && (s.table.versions[o] == nil || s.table.versions[o][w.version]):
		return found
	case o == nil:
		return s.external(w, loaded)
	}
	return absent
}

// external asks the policies about a library that nobody has read. What they do
// not promise is told by the claims about platforms and libraries.
func (s *symbolCheck) external(w want, loaded *scope) answer {
	status, needed := loaded.external[w.library]
	switch {
	case !needed:
		return absent
	case status == linkage.Excluded || len(s.promised) == 0:
		return leftOpen
	}
	for _, q := range s.promised {
		if !q.AllowsLibrary(w.library) || !q.AllowsVersion(w.version) {
			return toldElsewhere
		}
	}
	return promise
}

// isPythons reports whether a symbol is one of those that Python gives to its
// extension modules: Py and _Py, and a word that begins with a capital.
func isPythons(name string) bool {
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "_"), "Py")
	return ok && rest != "" && (rest[0] == '_' || 'A' <= rest[0] && rest[0] <= 'Z')
}
