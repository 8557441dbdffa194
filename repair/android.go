package repair

import (
	"github.com/wheelmend/wheelmend/audit"
)

// android is the repair of wheels for Android, which is that of Linux but for the search
// paths: its loader reads DT_RUNPATH alone.
type android struct{ linux }

func (a android) choose(p *Plan, rep *audit.Report) error {
	p.runPath = true
	return a.linux.choose(p, rep)
}
