package console

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/wheelmend/wheelmend/internal/phrase"
	"github.com/wheelmend/wheelmend/report"
)

// patience is how long a wheel may take before its progress is shown.
const patience = time.Second

// The phases of the work on a wheel.
const (
	Reading     = "reading"
	Compressing = "compressing"
	checking    = "checking" // what has just been written
)

// A Progress is the bar of the wheel that is being worked on. It appears on a terminal
// only.
type Progress struct {
	terminal *os.File // nil when there is none

	mu    sync.Mutex
	name  string
	phase string
	since time.Time
	group *mpb.Progress
	bar   *mpb.Bar
}

// NewProgress returns a bar, which shows nothing where stderr is no terminal or text is
// not wanted.
func (c *Console) NewProgress() *Progress {
	f, ok := c.console.Stderr.(*os.File)
	if !ok || c.Quiet || c.Format != "text" || c.Color == "never" || !term.IsTerminal(int(f.Fd())) {
		return &Progress{}
	}
	return &Progress{terminal: f}
}

// Begin starts the bar of a wheel.
func (p *Progress) Begin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.since = report.Clean(name), time.Now()
}

// Phase returns what is told how many bytes of a phase are done. After the last one of
// compressing, the result is checked.
func (p *Progress) Phase(phase string) func(done, total int64) {
	return func(done, total int64) { p.update(phase, done, total) }
}

func (p *Progress) update(phase string, done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal == nil || time.Since(p.since) < patience {
		return
	}
	if phase == Compressing && done >= total {
		phase = checking
	}
	if p.bar != nil && p.phase != phase {
		p.remove()
	}
	if p.bar == nil {
		p.phase = phase
		p.group = mpb.New(mpb.WithOutput(p.terminal), mpb.WithWidth(24))
		p.bar = p.group.AddBar(total, mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(shortened(p.name)+" "+phase+" ")),
			mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f")))
	}
	p.bar.SetCurrent(min(done, total-1)) // complete, it would be gone
}

// shortened leaves the tags of a wheel out, so that the bar has room beside its name.
func shortened(name string) string {
	const most = 32
	parts := strings.SplitN(name, "-", 3)
	if len(name) > most && len(parts) == 3 {
		name = parts[0] + " " + parts[1]
	}
	return phrase.Cut(name, most)
}

// remove takes the bar away. The lock is held.
func (p *Progress) remove() {
	p.bar.Abort(true)
	p.group.Wait()
	p.bar, p.group = nil, nil
}

// End takes the bar of a wheel away.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.remove()
	}
}
