package steady

import (
	"container/list"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
)

// ErrIrregular reports a directory, a FIFO, a device: what cannot be read twice.
var ErrIrregular = errors.New("not a regular file")

// OpenRegular opens a regular file for reading. It waits for nobody: a FIFO that
// has no writer is [ErrIrregular] like every other.
func OpenRegular(path string) (*os.File, error) {
	// Looked at first, since opening some devices has an effect.
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: ErrIrregular}
	}
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	return Regular(f)
}

// Regular returns f if it is a regular file, and closes it otherwise.
func Regular(f *os.File) (*os.File, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: f.Name(), Err: ErrIrregular}
	}
	if err != nil {
		f.Close() // read only: nothing to lose
		return nil, err
	}
	return f, nil
}

// A Pool keeps the descriptors of at most so many of its files open, those that
// were read last; the others are opened again when they are read. It may be used
// from several goroutines.
type Pool struct {
	// Through, if it is not nil, is what the reads of each file go through: to count
	// them, or to have them fail. It is set before the first file is opened.
	Through func(io.ReaderAt) io.ReaderAt

	max int

	mu   sync.Mutex
	idle list.List // of *File, the last used in front
	all  map[*File]bool
}

// NewPool returns a pool of at most max descriptors that nobody reads from. With 0
// each read opens its file.
func NewPool(max int) *Pool { return &Pool{max: max, all: map[*File]bool{}} }

// A File is a regular file whose contents have to stay what they are.
type File struct {
	*Reader
	pool *Pool
	open func() (*os.File, error)
	info fs.FileInfo

	// Of the pool's lock:
	f       *os.File // nil while it is closed
	users   int
	element *list.Element // in idle, nil while it is in use or closed
}

// Open opens the regular file at path.
func Open(path string) (*File, error) {
	return NewPool(1).Open(func() (*os.File, error) { return OpenRegular(path) })
}

// Open makes a file of what open returns: the same regular file each time.
func (p *Pool) Open(open func() (*os.File, error)) (*File, error) {
	f := &File{pool: p, open: open}
	if err := p.acquire(f); err != nil {
		return nil, err
	}
	defer p.release(f)
	info, err := f.f.Stat()
	if err != nil {
		return nil, err
	}
	f.info = info
	var in io.ReaderAt = contents{f}
	if p.Through != nil {
		in = p.Through(in)
	}
	f.Reader = NewReader(in, info.Size())
	return f, nil
}

// Info returns what is known of the file since it was opened.
func (f *File) Info() fs.FileInfo { return f.info }

// Check reports [ErrChanged] if the file was written to since it was opened.
func (f *File) Check() error {
	if err := f.pool.acquire(f); err != nil {
		return err
	}
	defer f.pool.release(f)
	return f.check()
}

// check compares the open descriptor with what the file was.
func (f *File) check() error { return Same(f.info, f.f) }

// Same reports [ErrChanged] if an open file is another one than info tells of, or was
// written to since.
func Same(info fs.FileInfo, f *os.File) error {
	now, err := f.Stat()
	if err != nil {
		return err
	}
	if !os.SameFile(info, now) || now.Size() != info.Size() || !now.ModTime().Equal(info.ModTime()) {
		return ErrChanged
	}
	return nil
}

// Close closes the descriptor. The file must not be read any more.
func (f *File) Close() error {
	p := f.pool
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, f)
	return p.shut(f)
}

// contents reads a file through the pool.
type contents struct{ *File }

// ReadAt implements [io.ReaderAt].
func (c contents) ReadAt(b []byte, off int64) (int, error) {
	if err := c.pool.acquire(c.File); err != nil {
		return 0, err
	}
	defer c.pool.release(c.File)
	n, err := c.f.ReadAt(b, off)
	if changed := c.check(); changed != nil {
		return 0, changed
	}
	return n, err
}

// acquire makes sure that the descriptor is open until release.
func (p *Pool) acquire(f *File) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.f == nil {
		opened, err := f.open()
		if isExhausted(err) && p.idle.Len() > 0 {
			for p.idle.Len() > 0 {
				p.shut(p.idle.Back().Value.(*File))
			}
			opened, err = f.open()
		}
		if err != nil {
			return err
		}
		f.f = opened
		p.all[f] = true
	}
	if f.element != nil {
		p.idle.Remove(f.element)
		f.element = nil
	}
	f.users++
	return nil
}

// isExhausted reports that there are no more descriptors.
func isExhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// release gives the descriptor up for others.
func (p *Pool) release(f *File) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if f.users--; f.users > 0 || f.f == nil {
		return
	}
	f.element = p.idle.PushFront(f)
	for p.idle.Len() > p.max {
		p.shut(p.idle.Back().Value.(*File))
	}
}

// shut closes the descriptor of a file.
func (p *Pool) shut(f *File) error {
	if f.element != nil {
		p.idle.Remove(f.element)
		f.element = nil
	}
	if f.f == nil {
		return nil
	}
	err := f.f.Close()
	f.f = nil
	return err
}

// Close closes all files of the pool.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for f := range p.all {
		errs = append(errs, p.shut(f))
	}
	p.all = map[*File]bool{}
	return errors.Join(errs...)
}
