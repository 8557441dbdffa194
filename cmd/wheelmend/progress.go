package main

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

// A progress is the bar of the wheel that is being repaired. It appears on a
// terminal only.
type progress struct {
	terminal *os.File // nil when there is none

	mu    sync.Mutex
	name  string
	since time.Time
	group *mpb.Progress
	bar   *mpb.Bar
}

func (a *app) newProgress() *progress {
	f, ok := a.console.stderr.(*os.File)
	if !ok || a.quiet || a.format != "text" || a.color == "never" || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	return &progress{terminal: f}
}

func (p *progress) begin(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.name, p.since = report.Clean(name), time.Now()
}

// update shows how many bytes of the result are done.
func (p *progress) update(done, total int64) {
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

func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		p.bar.Abort(true)
		p.group.Wait()
		p.bar, p.group = nil, nil
	}
}
