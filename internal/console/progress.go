package console

import (
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"github.com/wheelmend/wheelmend/report"
)

// patience is how long a repair may take before it shows its progress.
const patience = time.Second

// A Progress is the bar of the wheel that is being repaired. It appears on a
// terminal only.
type Progress struct {
	terminal *os.File // nil when there is none

	mu    sync.Mutex
	name  string
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

// Update shows how many bytes of the result are done.
func (p *Progress) Update(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.terminal == nil || time.Since(p.since) < patience {
		return
	}
	if p.bar == nil {
		p.group = mpb.New(mpb.WithOutput(p.terminal), mpb.WithWidth(32))
		p.bar = p.group.AddBar(total, mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(p.name+" ")),
			mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f")))
	}
	p.bar.SetCurrent(done)
}

// End takes the bar of a wheel away.
func (p *Progress) End() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Abort(true)
		p.group.Wait()
		p.bar, p.group = nil, nil
	}
}
