package command

import (
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/wheel"
)

// RepairFlags are the flags of the repair command.
type RepairFlags struct {
	Search    SearchFlags
	JSON      bool
	DryRun    bool
	WheelDir  string
	Plat      string
	OnlyPlat  bool
	KeepTags  bool
	LibSuffix string
	Graft     []string
	KeepPaths []string
	Add       []string
	Fold      bool
	Strip     bool
	Stack     bool
	Level     int
	UseLevel  *pflag.Flag
	Jobs      int
	IgnoreISA bool
	AllowPure bool
	NoSBOM    bool
	Lower     bool
	Allow     []string
	NewRecord bool
	NoCache   bool

	RequireArchs  string
	IgnoreMissing bool
	KeepRPaths    bool
	KeepIDs       bool
	Resign        bool
	MacTarget     string
	UseLibSuffix  *pflag.Flag

	NoMangle   []string
	Namespaces []string

	Defaults repair.Defaults // of the project's settings

	All *pflag.FlagSet // of the call, nil where another tool's are translated
}

// RegisterMacOS adds what macOS wheels alone ask for.
func (f *RepairFlags) RegisterMacOS(flags *pflag.FlagSet) {
	flags.StringVar(&f.RequireArchs, "require-archs", "", "`architectures` that each module and what it loads must have, such as x86_64,arm64 or universal2 (default: those of the file name)")
	flags.BoolVar(&f.IgnoreMissing, "ignore-missing", false, "go on if a library is not found")
	flags.BoolVar(&f.KeepRPaths, "no-sanitize-rpaths", false, "keep search paths of the build machine")
	flags.BoolVar(&f.KeepIDs, "keep-ids", false, "let bundled libraries keep their install names instead of /DLC/...")
	flags.BoolVar(&f.Resign, "resign", false, "sign every program, library and bundle again, ad hoc, even if nothing else changes")
	flags.StringVar(&f.MacTarget, "macos-target", "", "oldest `version` of macOS that the wheel has to run on (default: MACOSX_DEPLOYMENT_TARGET, else what it needs)")
}

// RegisterWindows adds what Windows wheels alone ask for.
func (f *RepairFlags) RegisterWindows(flags *pflag.FlagSet) {
	flags.StringArrayVar(&f.NoMangle, "no-mangle", nil, "let bundled DLLs that match this `pattern` keep their names (repeatable)")
	flags.StringArrayVar(&f.Namespaces, "namespace-pkg", nil, "leave the __init__.py of this `package` as it is, since other wheels bring it too, such as google or google.cloud (repeatable)")
}

// systemFlags do nothing for wheels of other systems than theirs.
var systemFlags = []struct {
	system   string // as people call it
	families []policy.Family
	flags    []string
}{
	{"macOS", []policy.Family{policy.MacOS}, []string{"require-archs", "ignore-missing", "no-sanitize-rpaths", "keep-ids", "resign", "macos-target", "executable-path", "dylibs-only"}},
	{"Windows", []policy.Family{policy.Windows}, []string{"add-path", "use-path", "no-mangle", "namespace-pkg"}},
	{"Linux", linuxFamilies, []string{"add-lib", "fold-copies", "clear-execstack", "only-plat", "plat", "disable-isa-ext-check"}},
	{"Linux and macOS", append([]policy.Family{policy.MacOS}, linuxFamilies...), []string{"keep-rpath"}},
}

// linuxFamilies are those of Linux, and of Android, whose wheels are repaired alike.
var linuxFamilies = []policy.Family{policy.Linux, policy.Manylinux, policy.Musllinux, policy.Android}

// WarnOfSystems warns of flags for a system that none of the wheels is for.
func (f *RepairFlags) WarnOfSystems(c *console.Console, wheels []string) {
	if f.All == nil || len(wheels) == 0 {
		return
	}
	for _, s := range systemFlags {
		if slices.ContainsFunc(wheels, func(path string) bool { return maybe(path, s.families...) }) {
			continue
		}
		for _, name := range s.flags {
			if flag := f.All.Lookup(name); flag != nil && flag.Changed && flag.Value.String() != "auto" {
				c.Log.Warnf("--%s does nothing here: it is for wheels of %s, and no wheel is for it", name, s.system)
			}
		}
	}
}

// macOptions reads the flags for macOS wheels. The environment's target is not
// read when there are none, so that it disturbs no other.
func (f *RepairFlags) macOptions(getenv func(string) string, wheels []string) (opts audit.MacOptions, err error) {
	if f.RequireArchs != "" {
		if opts.RequireArchs, err = MacArchs("--require-archs", f.RequireArchs); err != nil {
			return opts, err
		}
	}
	name, target := "--macos-target", f.MacTarget
	if target == "" && slices.ContainsFunc(wheels, MaybeMacOS) {
		name, target = "MACOSX_DEPLOYMENT_TARGET", getenv("MACOSX_DEPLOYMENT_TARGET")
	}
	if target == "" {
		return opts, nil
	}
	if opts.Target, err = policy.ParseMacVersion(target); err != nil {
		return opts, console.Usagef("%s: %w", name, err)
	}
	return opts, nil
}

// MaybeMacOS reports whether a wheel may be one for macOS. Only the name of one for
// another system tells that it is not.
func MaybeMacOS(path string) bool { return maybe(path, policy.MacOS) }

// maybe reports whether a wheel may be one for some families of systems.
func maybe(path string, wanted ...policy.Family) bool {
	families, ok := platformFamilies(path)
	return !ok || slices.ContainsFunc(families, func(f policy.Family) bool {
		return f == policy.Any || slices.Contains(wanted, f)
	})
}

// ForMacOSAlone reports whether the name of a wheel says that it is for macOS.
func ForMacOSAlone(path string) bool {
	families, ok := platformFamilies(path)
	return ok && !slices.ContainsFunc(families, func(f policy.Family) bool { return f != policy.MacOS })
}

// ForAnyPlatform reports whether the name of a wheel says that it is for all systems.
func ForAnyPlatform(path string) bool {
	families, ok := platformFamilies(path)
	return ok && slices.Contains(families, policy.Any)
}

// platformFamilies returns the systems in the name of a wheel, if it is one.
func platformFamilies(path string) ([]policy.Family, bool) {
	name, err := wheel.ParseFilename(filepath.Base(path))
	if err != nil {
		return nil, false
	}
	var families []policy.Family
	for _, tag := range name.Platform {
		if p, err := policy.ParsePlatform(tag); err == nil {
			families = append(families, p.Family)
		}
	}
	return families, true
}

// check rejects values that no wheel could be repaired with.
func (f *RepairFlags) check() error {
	if f.UseLevel.Changed && (f.Level < 0 || f.Level > 9) {
		return console.Usagef("--%s %d: want 0 to 9", f.UseLevel.Name, f.Level)
	}
	if f.WheelDir == "" {
		return console.Usagef("--wheel-dir is empty, want a directory")
	}
	dir := "name" + f.LibSuffix
	if dir != path.Clean(dir) || strings.HasPrefix(dir, "..") || strings.HasSuffix(dir, ".dist-info") || strings.ContainsAny(dir, "\\\x00:") {
		return console.Usagef("--lib-sdir %q: %q is no folder inside a wheel", f.LibSuffix, dir)
	}
	return errors.Join(CheckJobs(f.Jobs), f.Search.Check())
}

// Options checks the flags and turns them into options.
func (f *RepairFlags) Options(c *console.Console, wheels []string) (repair.Options, error) {
	var opts repair.Options
	plat, err := ParsePlat(f.Plat)
	if err != nil {
		return opts, err
	}
	if err := f.check(); err != nil {
		return opts, err
	}
	mac, err := f.macOptions(c.Getenv, wheels)
	if err != nil {
		return opts, err
	}
	if !f.UseLibSuffix.Changed {
		f.LibSuffix = ""
	}
	epoch, err := sourceDateEpoch(c.Getenv("SOURCE_DATE_EPOCH"))
	if err != nil {
		return opts, err
	}
	allow, err := allowedTopics(f.Allow)
	if err != nil {
		return opts, err
	}
	opts = repair.Options{
		Allow:      allow,
		Audit:      audit.Options{Options: f.Search.Options(c.Getenv), KeepRPath: f.KeepPaths, IgnoreISA: f.IgnoreISA},
		Load:       audit.LoadOptions{Jobs: f.Jobs, RewriteRecord: f.NewRecord},
		Platform:   plat,
		Defaults:   f.Defaults,
		OnlyPlat:   f.OnlyPlat,
		KeepTags:   f.KeepTags,
		LibSuffix:  f.LibSuffix,
		Strip:      f.Strip,
		FoldCopies: f.Fold,

		PlainStack: f.Stack,
		Level:      f.Level,
		NoSBOM:     f.NoSBOM,
		Lower:      f.Lower,
		AllowPure:  f.AllowPure,
		Epoch:      epoch,
		MacOS:      repair.MacOptions{IgnoreMissing: f.IgnoreMissing, KeepRPaths: f.KeepRPaths, KeepIDs: f.KeepIDs, Resign: f.Resign},
		Tool:       repair.Tool{Name: "wheelmend", Version: c.Version},
	}
	opts.Cache = f.cache(c)
	opts.Audit.MacOS, opts.Audit.Graft = mac, f.Graft
	opts.Audit.Add = f.Add
	opts.Windows = repair.WindowsOptions{NoMangle: f.NoMangle, Namespaces: f.Namespaces}
	switch f.Level {
	case -1:
		opts.Level = 0
	case 0:
		opts.Level = wheel.NoCompression
	}
	return opts, nil
}

// sourceDateEpoch reads the variable of that name: seconds since 1970
// (reproducible-builds.org, SOURCE_DATE_EPOCH).
func sourceDateEpoch(value string) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil || seconds < 0 {
		return time.Time{}, console.Usagef("SOURCE_DATE_EPOCH %q: want seconds since 1970", value)
	}
	return time.Unix(seconds, 0).UTC(), nil
}

// WarnOf tells what a person should know of a result.
func WarnOf(c *console.Console, result *repair.Result, path string) {
	log := c.Log.WithField("wheel", filepath.Base(path))
	if result.Plan != nil {
		for _, warning := range result.Plan.Warnings {
			log.Warn(warning)
		}
	}
	for _, finding := range result.Findings {
		log.Warn(finding)
	}
}
