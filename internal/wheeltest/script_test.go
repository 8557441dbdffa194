package wheeltest_test

import (
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/wheelmend/wheelmend/internal/wheeltest"
)

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: wheeltest.Commands()})
}
