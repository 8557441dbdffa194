package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/wheelmend/wheelmend/internal/command"
	"github.com/wheelmend/wheelmend/policy"
	"github.com/wheelmend/wheelmend/report"
)

func (a *app) policiesCommand() *cobra.Command {
	var asJSON bool
	var arch string
	cmd := &cobra.Command{
		Use:   "policies",
		Short: "List the platform tags and what they promise",
		Example: `  wheelmend policies
  wheelmend policies --arch aarch64 --json`,
		Args: noArgs,
		RunE: func(*cobra.Command, []string) error {
			all := policy.All()
			if arch != "" {
				all = slices.DeleteFunc(all, func(p *policy.Policy) bool { return string(p.Arch) != arch })
				if len(all) == 0 {
					return command.UnknownArch("--arch", arch)
				}
			}
			if asJSON {
				return a.PrintJSON(report.NewPolicies(all))
			}
			if a.Quiet {
				return nil
			}
			return report.WritePolicies(a.Stdout, all, a.Style())
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print libraries, symbol versions and forbidden symbols as JSON")
	cmd.Flags().StringVar(&arch, "arch", "", "list only the policies of this `architecture`")
	return cmd
}
