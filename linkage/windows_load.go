package linkage

import (
	"context"
	"errors"
)

// LoadWindows finds the libraries that one PE file loads as it lies on this machine, or
// below the sysroot, as the first image of a process that searches its folder. The file is
// the one member of the graph, under the name that is given.
func LoadWindows(ctx context.Context, name string, opts Options) (*Graph, error) {
	root, err := NewRoot(opts.Sysroot)
	if err != nil {
		return nil, err
	}
	w := newWindows(root, opts)
	w.asTheyLie = true
	at, dir := w.place(name)
	l := w.disk.look(at, dir)
	if l.content == nil {
		return nil, errors.Join(errors.New(l.why), w.graph.Close())
	}
	f := w.file(l)
	f.Path, f.named, f.known = name, true, true
	w.graph.Members = append(w.graph.Members, f)
	return w.resolve(ctx)
}
