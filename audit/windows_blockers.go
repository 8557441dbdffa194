package audit

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"

	"github.com/wheelmend/wheelmend/linkage"
	"github.com/wheelmend/wheelmend/pe"
	"github.com/wheelmend/wheelmend/policy"
)

// block collects what keeps the wheel from being what its tag says.
func (w *windows) block() error {
	w.blockArchs()
	for _, f := range slices.Concat(w.graph.Members, w.grafts) {
		for _, l := range w.loads(f) {
			w.blockLoad(l)
			if err := w.blockRuntime(l); err != nil {
				return err
			}
		}
	}
	slices.SortStableFunc(w.blockers, func(a, b Blocker) int { return cmp.Compare(a.File, b.File) })
	return nil
}

// blockArchs looks for modules and libraries that are for another architecture. Programs
// may be, as other processes; so may a library, if there are programs that could load it,
// or if the wheel has one beside it for its own architecture.
func (w *windows) blockArchs() {
	programs, beside := map[string]bool{}, map[string]bool{}
	for _, image := range linkage.Images(w.graph.Members) {
		switch {
		case !image.PE().IsDLL():
			programs[image.Arch] = true
		case image.Arch == w.arch:
			beside[path.Dir(image.Path)] = true
		}
	}
	for _, image := range linkage.Images(w.graph.Members) {
		library := image.PE().IsDLL()
		switch {
		case image.Arch == w.arch:
		case !library, !linkage.IsWindowsModule(image.Path) && (programs[image.Arch] || beside[path.Dir(image.Path)]):
			w.helped = append(w.helped, image.File)
		default:
			w.blockers = append(w.blockers, Blocker{
				Kind: KindArchitecture, File: image.Path, Arch: image.Arch,
				Reason: describeArch(image) + ", the tag for " + w.arch + "; build it for that",
			})
		}
	}
}

// blockLoad looks for libraries that are neither in the wheel, where Windows looks, nor
// Windows' or Python's own.
func (w *windows) blockLoad(l load) {
	n := l.need
	b := Blocker{File: l.from.Path, Library: n.Name}
	switch {
	case n.IsFound() && !n.To.InWheel:
		b.Kind, b.Reason = KindLibrary, n.Name+" is part of neither Windows nor Python"
	case n.IsFound() && n.Rule.Kind == linkage.Stranded:
		b.Kind, b.Reason = KindLibrary, fmt.Sprintf("nothing leads Windows to %s of the wheel", n.To.Path)
	case n.IsFound() && n.Rule.Kind == linkage.ForbiddenByFlags:
		b.Kind, b.Reason = KindLibrary, n.Rule.String()
	case n.Status == linkage.Missing:
		b.Kind, b.Reason, b.Tried = KindMissing, missing(n.Name, n.Tried), n.Tried
	default:
		return
	}
	w.blockers = append(w.blockers, b)
}

// firmRuntime is the minor version of the runtime 14 from which on older ones have served
// newer linkers so far: 14.40 changed std::mutex, so that code for it fails with any older
// one (Microsoft, STL changelog of Visual Studio 2022 17.10).
const firmRuntime = 40

// blockRuntime refuses a Visual C++ runtime that is older than the linker of who loads
// it: only newer ones are said to serve it (Microsoft, "C++ binary compatibility between
// Visual Studio versions").
func (w *windows) blockRuntime(l load) error {
	has, err := OlderRuntime(l.from, l.need)
	if err != nil || has == (pe.Version{}) || has.Minor >= firmRuntime {
		return err
	}
	w.blockers = append(w.blockers, Blocker{
		Kind: KindRuntime, File: l.from.Path, Library: l.need.Name, Version: has.String(),
		Reason: fmt.Sprintf("%s is version %v, older than the linker %d.%d that made the file; have a newer one found, as that of the Visual C++ redistributable", l.need.To.Path, has, l.from.PE().LinkerMajor, l.from.PE().LinkerMinor),
	})
	return nil
}

// OlderRuntime returns the version of a Visual C++ runtime that an image loads and that is
// older than the linker of the image, the zero value for anything else.
func OlderRuntime(from *linkage.Image, n *linkage.Need) (pe.Version, error) {
	runtime, ok := policy.RuntimeDLL(PlainName(n.Name))
	if !ok || runtime.Version != 140 || !n.IsFound() || from.PE().LinkerMajor != 14 {
		return pe.Version{}, nil
	}
	has, err := n.To.PE().FileVersion()
	if errors.As(err, new(*pe.FormatError)) {
		return pe.Version{}, nil // whoever loads it does not look at its resources
	}
	if err != nil || has.Major != 14 || int(has.Minor) >= int(from.PE().LinkerMinor) {
		return pe.Version{}, err
	}
	return has, nil
}
