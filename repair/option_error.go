package repair

// An Option names what a user may ask for in another way, see [OptionError].
type Option string

// The options that lead around an error, or that mean nothing for a wheel.
const (
	OptionAllowPure Option = "allow pure"   // Options.AllowPure
	OptionNoSBOM    Option = "no sbom"      // Options.NoSBOM
	OptionKeepTags  Option = "keep tags"    // Options.KeepTags
	OptionPlatform  Option = "platform"     // Options.Platform
	OptionStrip     Option = "strip"        // Options.Strip
	OptionTarget    Option = "macos target" // audit.MacOptions.Target
	OptionPrefer    Option = "prefer"       // MergeOptions.Prefer
	OptionDirectory Option = "directory"    // where the result goes
)

// An OptionError is an error that another value of an option leads around, or that says
// that an option means nothing for the wheel. How it is spelled is for the caller to say.
type OptionError struct {
	Option Option
	Err    error
}

func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap gives the error itself.
func (e *OptionError) Unwrap() error { return e.Err }
