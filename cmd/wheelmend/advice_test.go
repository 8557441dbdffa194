package main

import (
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/audit"
	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
	"github.com/wheelmend/wheelmend/internal/dropin"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/repair"
	"github.com/wheelmend/wheelmend/wheel"
)

// failures are errors of every kind that help is given for.
func failures(t *testing.T) []error {
	t.Helper()
	old, err := policy.Lookup("manylinux_2_17_x86_64")
	if err != nil {
		t.Fatal(err)
	}
	all := []error{&wheel.RecordError{FormatError: &wheel.FormatError{Rule: "RECORD has it otherwise"}}}
	for _, os := range []audit.OS{audit.OSLinux, audit.OSMacOS} {
		for _, kind := range []audit.Kind{
			audit.KindVersion, audit.KindMissing, audit.KindSymbol, audit.KindISA, audit.KindArchitecture, audit.KindLibc,
			audit.KindImage, audit.KindPurelib, audit.KindPython, audit.KindSystem, audit.KindRuntime,
		} {
			unmet := &repair.UnmetError{OS: os, Blockers: []audit.Blocker{{
				Kind: kind, File: "demo/_core.so", Library: "libfoo.so.2", Version: "GLIBC_2.29", Symbols: []string{"pow"}, Reason: "it was not found",
			}}}
			if os == audit.OSLinux {
				unmet.Policy, unmet.Best, unmet.Lowers = old, "manylinux_2_31_x86_64", true
			}
			all = append(all, unmet)
		}
	}
	for _, topic := range audit.Topics() {
		all = append(all, &repair.ClaimError{Failed: []audit.Claim{{Topic: topic, Outcome: audit.Fails, Faults: []audit.Fault{{Reason: "so it is"}}}}})
	}
	return all
}

var flagInHelp = regexp.MustCompile(`(wheelmend repair )?((?:--[a-z][a-z-]+(?: [a-z_0-9A-Z.]+)?(?: |$|[,;)]))+)`)

// TestHelpAdvisesFlagsThatThereAre runs every flag that a help line names, by the name
// of each program.
func TestHelpAdvisesFlagsThatThereAre(t *testing.T) {
	commands := map[string]func(*console.Console) *cobra.Command{
		"wheelmend": func(c *console.Console) *cobra.Command { return find(t, (&app{Console: c}).rootCommand(), "repair") },
		"auditwheel": func(c *console.Console) *cobra.Command {
			return find(t, dropin.Command(c, "auditwheel"), "repair")
		},
		"repairwheel":    func(c *console.Console) *cobra.Command { return dropin.Command(c, "repairwheel") },
		"delocate-wheel": func(c *console.Console) *cobra.Command { return dropin.Command(c, "delocate-wheel") },
		"delocate-path":  func(c *console.Console) *cobra.Command { return dropin.Command(c, "delocate-path") },
	}
	env := console.Environment{Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }}
	for name, make := range commands {
		told := 0
		for _, failure := range failures(t) {
			if name == "repairwheel" && strings.Contains(failure.Error(), "to manylinux_2_17") {
				continue // no tag can be asked for
			}
			explained, ok := command.AdvisedFor(name, failure).(console.Explained)
			if !ok {
				t.Fatalf("%s: %v is not explained", name, failure)
			}
			for _, help := range explained.Explain().Help {
				for _, m := range flagInHelp.FindAllStringSubmatch(help, -1) {
					cmd := make(console.New(env, "test"))
					if m[1] != "" {
						cmd = commands["wheelmend"](console.New(env, "test"))
					}
					words := strings.Fields(strings.NewReplacer(",", "", ";", "", ")", "").Replace(m[2]))
					if err := cmd.ParseFlags(withValue(cmd, words)); err != nil {
						t.Errorf("%s: %q: %v", name, help, err)
					}
					told++
				}
			}
		}
		if told < 5 {
			t.Errorf("%s: %d flags in all its help", name, told)
		}
	}
}

// withValue gives a flag that is named alone a value, if it wants one, and leaves prose out.
func withValue(cmd *cobra.Command, words []string) []string {
	var out []string
	for i, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		if !isFlag {
			continue
		}
		flag := cmd.Flags().Lookup(name)
		if flag != nil && flag.NoOptDefVal == "" {
			value := "x"
			if i+1 < len(words) && !strings.HasPrefix(words[i+1], "--") {
				value = words[i+1]
			}
			word += "=" + value
		}
		out = append(out, word)
	}
	return out
}

func find(t *testing.T, root *cobra.Command, name string) *cobra.Command {
	t.Helper()
	cmd, _, err := root.Find([]string{name})
	if err != nil {
		t.Fatal(err)
	}
	return cmd
}
