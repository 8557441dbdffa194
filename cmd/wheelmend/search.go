package main

import (
	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/internal/console"
)

// wheelArgs wants at least one wheel.
func wheelArgs(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return console.Usagef("no wheel given; write wheelmend %s WHEEL", cmd.Name())
	}
	return command.CheckNames("wheel", args)
}

// noArgs wants no argument.
func noArgs(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return console.Usagef("%s takes no argument, and %q was given", cmd.Name(), args[0])
	}
	return nil
}
