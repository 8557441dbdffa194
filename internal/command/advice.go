package command

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/wheel"
)

// waysOut tells, by what a claim is about, how a wheel gets to hold it.
var waysOut = map[audit.Topic]string{
	audit.TopicNames:      "build the wheel again",
	audit.TopicABI:        "build the extension modules for the Pythons of the tags",
	audit.TopicStable:     "build with Py_LIMITED_API set to the Python of the tag, or tag the wheel for a newer one (cp311-abi3)",
	audit.TopicSymbols:    "link the file to the library that defines them",
	audit.TopicOrder:      "give the file a search path to the library",
	audit.TopicStack:      "clear it with --clear-execstack",
	audit.TopicArchive:    "build the wheel again",
	audit.TopicInstall:    "correct that where the wheel is built",
	audit.TopicSignatures: "sign the file anew before the repair",
}

// A tool is how the flags that help are called by the name of the program that was called.
type tool struct {
	search  string // how the folder of a library is named
	plat    string // the flag for a platform tag, "" for none
	archs   string // the flag for architectures
	ignore  string // the flag to go on without a library
	command string // what comes before flags of wheelmend that the tool does not have
}

// toolOf returns the words of the tool called name, those of wheelmend by default.
func toolOf(name string) tool {
	const own = "wheelmend repair "
	switch name {
	case "auditwheel":
		return tool{search: "add the folder of the library to LD_LIBRARY_PATH", plat: "--plat", command: own}
	case "repairwheel":
		return tool{search: "name the folder of the library with --lib-dir", command: own}
	case "delocate-wheel":
		return tool{search: "add the folder of the library to DYLD_LIBRARY_PATH", archs: "--require-archs", ignore: "--ignore-missing-dependencies", command: own}
	case "delocate-path":
		return tool{search: "add the folder of the library to DYLD_LIBRARY_PATH", ignore: "--ignore-missing-dependencies", command: own}
	}
	return tool{search: "name the folder of the library with --search-path", plat: "--plat", archs: "--require-archs", ignore: "--ignore-missing"}
}

// A claimAdvice is a [repair.ClaimError] with the flags that help. Those of another
// tool have none for it, so that by its name the command is told.
type claimAdvice struct {
	*repair.ClaimError
	tool tool
}

func (e claimAdvice) Error() string {
	ways := e.ways()
	if len(ways) == 0 {
		return e.ClaimError.Error()
	}
	return e.ClaimError.Error() + "; " + strings.Join(ways, ", ")
}

// ways tells what to do about the claims that fail.
func (e claimAdvice) ways() []string {
	var ways, allow []string
	for _, topic := range e.Topics() {
		way := waysOut[topic]
		switch {
		case topic == audit.TopicLibraries:
			way = e.tool.search + ", or leave it to the user's system with --exclude"
		case topic == audit.TopicStack && e.tool.command != "":
			way = "clear it with wheelmend repair --clear-execstack"
		}
		if way != "" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
		if repair.Allowable(topic) {
			allow = append(allow, "--allow "+string(topic))
		}
	}
	if len(allow) > 0 {
		ways = append(ways, "or have the wheel as it is with "+e.tool.command+strings.Join(allow, " "))
	}
	return ways
}

func (e claimAdvice) Unwrap() error { return e.ClaimError }

// Advised adds to an error of a repair the flags that help.
func Advised(err error) error { return AdvisedFor("", err) }

// AdvisedFor is Advised for a program that is called as another tool: the flags are that
// tool's, as far as it has some.
func AdvisedFor(name string, err error) error {
	words := toolOf(name)
	var claims *repair.ClaimError
	if errors.As(err, &claims) {
		return claimAdvice{claims, words}
	}
	var unmet *repair.UnmetError
	if errors.As(err, &unmet) {
		return unmetAdvice{unmet, words}
	}
	var tag *repair.TagError
	if errors.As(err, &tag) {
		return tagAdvice(err, tag)
	}
	var option *repair.OptionError
	if errors.As(err, &option) {
		return fmt.Errorf("%w%s", err, words.waysBy(option.Option))
	}
	if errors.As(err, new(*wheel.RecordError)) {
		return recordAdvice{err, words.command}
	}
	return err
}

// tagAdvice adds to the error about a tag what a repair would do, and who tells the rest.
func tagAdvice(err error, tag *repair.TagError) error {
	if tag.Left() > 0 {
		err = fmt.Errorf("%w; wheelmend audit tells all", err)
	}
	if tag.Outside {
		err = fmt.Errorf("%w; wheelmend repair copies in what the wheel needs from outside", err)
	}
	return err
}

// waysAround names the flags that go on in spite of a blocker of a macOS wheel.
func (t tool) waysAround(blockers []audit.Blocker) string {
	has := func(kind audit.Kind) bool {
		return slices.ContainsFunc(blockers, func(b audit.Blocker) bool { return b.Kind == kind })
	}
	ways := ""
	if has(audit.KindArchitecture) && t.archs != "" {
		ways += "; name the architectures that have to be there with " + t.archs
	}
	if has(audit.KindMissing) && t.ignore != "" {
		ways += "; go on without what was not found with " + t.ignore
	}
	return ways
}

// optionWays tells how the flag for an option leads around an error: %s stands for what
// comes in front of a flag that the tool which was called does not have.
var optionWays = map[repair.Option]string{
	repair.OptionAllowPure: "; %s--allow-pure-python-wheel copies it",
	repair.OptionNoSBOM:    "; %s--no-sbom does without it",
	repair.OptionKeepTags:  ", or keep both with %s--no-update-tags",
	repair.OptionPlatform:  "; --plat is for Linux wheels, %s--macos-target names the oldest macOS that it shall run on",
	repair.OptionStrip:     "; %s--strip is for Linux wheels",
	repair.OptionTarget:    " (%s--macos-target, MACOSX_DEPLOYMENT_TARGET)",
	repair.OptionPrefer:    " with %s--prefer first or --prefer second",
	repair.OptionDirectory: "; name another directory with %s--wheel-dir",
}

// waysBy spells the way by an option. auditwheel has some of the flags itself.
func (t tool) waysBy(option repair.Option) string {
	command := t.command
	switch option {
	case repair.OptionPrefer, repair.OptionDirectory:
		command = ""
	case repair.OptionAllowPure, repair.OptionKeepTags, repair.OptionStrip:
		if t.plat != "" {
			command = ""
		}
	}
	return fmt.Sprintf(optionWays[option], command)
}

// allowedTopics reads the values of --allow.
func allowedTopics(words []string) ([]audit.Topic, error) {
	var topics []audit.Topic
	for _, word := range words {
		topic := audit.Topic(word)
		if !repair.Allowable(topic) {
			var known []string
			for _, t := range audit.Topics() {
				if repair.Allowable(t) {
					known = append(known, string(t))
				}
			}
			return nil, console.Usagef("--allow %q: want one of %s", word, strings.Join(known, ", "))
		}
		topics = append(topics, topic)
	}
	return topics, nil
}
