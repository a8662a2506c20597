package main

import "github.com/spf13/cobra"

func newPKI() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "pki",
		Short: "Mints certificates, good ones and ones that are broken in exactly one way",
	}
	group(cmd)
	cmd.AddCommand(newMint(), newSign(), newInspect(), newDefects())
	return cmd
}
