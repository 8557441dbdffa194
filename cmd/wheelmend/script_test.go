package main

import (
	"maps"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wheelmend/wheelmend/internal/dropin"
	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

// TestMain lets the test binary be the command: what scripts call wheelmend, or by
// the name of a tool whose place it takes, is this binary, so they see the code under
// test.
func TestMain(m *testing.M) {
	commands := map[string]func(){"wheelmend": main}
	for _, name := range dropin.Names() {
		commands[name] = main
	}
	testscript.Main(m, commands)
}

// TestScripts runs testdata/*.txt. The environment of a script is empty save
// for what testscript sets: no LD_LIBRARY_PATH, no SOURCE_DATE_EPOCH.
//
// Scripts look for libraries below the sysroot that they make, or have
// --ldpaths empty, so that none depends on the machine it runs on.
func TestScripts(t *testing.T) {
	commands := wheeltest.Commands()
	maps.Copy(commands, scriptCommands())
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		Cmds:               commands,
		Condition:          condition,
		RequireUniqueNames: true,
		UpdateScripts:      *update,
	})
}

// condition knows [root]: whether permissions bind this process.
func condition(name string) (bool, error) {
	if name == "root" {
		return os.Geteuid() == 0, nil
	}
	return false, errUnknownCondition(name)
}
