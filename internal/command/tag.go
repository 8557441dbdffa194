package command

import (
	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
)

// TagFlags are the flags of the tag command.
type TagFlags struct {
	JSON      bool
	WheelDir  string
	Plat      []string
	Replace   bool
	Exclude   []string
	IgnoreISA bool
	Jobs      int
}

// Options checks the flags and turns them into options.
func (f *TagFlags) Options(c *console.Console) (repair.TagOptions, error) {
	opts := repair.TagOptions{
		Platforms: f.Plat, Replace: f.Replace, Exclude: f.Exclude, IgnoreISA: f.IgnoreISA,
		Load: audit.LoadOptions{Jobs: f.Jobs},
	}
	for _, tag := range f.Plat {
		if err := checkTag(tag); err != nil {
			return opts, err
		}
	}
	if f.WheelDir == "" {
		return opts, console.Usagef("--wheel-dir is empty, want a directory")
	}
	if err := CheckJobs(f.Jobs); err != nil {
		return opts, err
	}
	var err error
	opts.Epoch, err = sourceDateEpoch(c.Getenv("SOURCE_DATE_EPOCH"))
	return opts, err
}

// checkTag rejects what is no platform tag for binaries of a system that is served.
func checkTag(tag string) error {
	if tag == "" || tag == "auto" {
		return console.Usagef("--plat %q: want a platform tag, such as manylinux_2_28_x86_64; without --plat, the best is found", tag)
	}
	if p, err := policy.ParsePlatform(tag); err == nil && (p.Family == policy.MacOS || p.Family == policy.Linux) {
		return nil
	}
	_, err := ParsePlat(tag)
	return err
}
