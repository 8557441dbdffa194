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
	audit.TopicSymbols:    "link the file to the library that defines them",
	audit.TopicLibraries:  "name the folder of the library with --search-path, or leave it to the user's system with --exclude",
	audit.TopicOrder:      "give the file a search path to the library",
	audit.TopicStack:      "clear it with --clear-execstack",
	audit.TopicArchive:    "build the wheel again",
	audit.TopicInstall:    "correct that where the wheel is built",
	audit.TopicSignatures: "sign the file anew before the repair",
}

// A claimAdvice is a [repair.ClaimError] with the flags that help. Those of another
// tool have none for it, so that by its name the command is told.
type claimAdvice struct {
	*repair.ClaimError
	byName bool
}

func (e claimAdvice) Error() string {
	var ways, allow []string
	for _, topic := range e.Topics() {
		if way := waysOut[topic]; way != "" && !slices.Contains(ways, way) {
			ways = append(ways, way)
		}
		if repair.Allowable(topic) {
			allow = append(allow, "--allow "+string(topic))
		}
	}
	if command := "wheelmend repair "; len(allow) > 0 && e.byName {
		ways = append(ways, "or have the wheel as it is with "+command+strings.Join(allow, " "))
	} else if len(allow) > 0 {
		ways = append(ways, "or have the wheel as it is with "+strings.Join(allow, " "))
	}
	if len(ways) == 0 {
		return e.ClaimError.Error()
	}
	return e.ClaimError.Error() + "; " + strings.Join(ways, ", ")
}

func (e claimAdvice) Unwrap() error { return e.ClaimError }

// Advised adds to an error of a repair the flags that help.
func Advised(err error) error { return withAdvice(err, false) }

// AdvisedByName is advised for a program that is called as another tool.
func AdvisedByName(err error) error { return withAdvice(err, true) }

func withAdvice(err error, byName bool) error {
	var claims *repair.ClaimError
	if errors.As(err, &claims) {
		return claimAdvice{claims, byName}
	}
	var unmet *repair.UnmetError
	if errors.As(err, &unmet) && unmet.OS == audit.OSMacOS && !byName {
		return fmt.Errorf("%w%s", err, waysAround(unmet.Blockers))
	}
	if errors.As(err, new(*wheel.RecordError)) {
		command := ""
		if byName {
			command = "wheelmend repair "
		}
		return fmt.Errorf("%w; if the members are right, have RECORD written anew with %s--rewrite-record", err, command)
	}
	return err
}

// waysAround names the flags that go on in spite of a blocker of a macOS wheel.
func waysAround(blockers []audit.Blocker) string {
	has := func(kind audit.Kind) bool {
		return slices.ContainsFunc(blockers, func(b audit.Blocker) bool { return b.Kind == kind })
	}
	ways := ""
	if has(audit.KindArchitecture) {
		ways += "; name the architectures that have to be there with --require-archs"
	}
	if has(audit.KindMissing) {
		ways += "; go on without what was not found with --ignore-missing"
	}
	return ways
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
