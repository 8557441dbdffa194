package repair

import (
	"context"
	"errors"

	"github.com/wheelmend/wheelmend/policy"
)

// android is the repair of wheels for Android, which is that of Linux but for the search
// paths: its loader reads DT_RUNPATH alone.
type android struct{ linux }

func (a android) choose(ctx context.Context, p *Plan) error {
	p.runPath = true
	err := a.linux.choose(ctx, p)
	if unmet := (*UnmetError)(nil); errors.As(err, &unmet) && !p.asked() {
		unmet.Policy = nil // it is that of no level, and the newest was not asked for
	}
	if err != nil || p.asked() {
		return err
	}
	for _, tag := range p.contents.Filename.Platform {
		if f, bad := policy.ParsePlatform(tag); bad == nil && f.Family == policy.Android && f.Major > p.policy.Major {
			p.platforms, p.Policy = []string{tag}, tag // a level that nothing is known of yet is not lowered
		}
	}
	return nil
}
