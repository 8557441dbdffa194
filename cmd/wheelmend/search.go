package main

import (
	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/console"
)

// wheelArgs wants at least one wheel.
func wheelArgs(_ *cobra.Command, args []string) error {
	if len(args) == 0 {
		return console.Usagef("no wheel given")
	}
	return nil
}
