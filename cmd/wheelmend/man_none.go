//go:build !man

package main

import "github.com/spf13/cobra"

// manCommands returns nothing: man.go, which needs -tags man, writes the man pages.
func (a *app) manCommands() []*cobra.Command { return nil }
