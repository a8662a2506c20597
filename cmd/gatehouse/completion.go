package main

import (
	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/document"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func newCompletion() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Writes the completion script of a shell",
		Long: `Writes the script by which a shell completes gatehouse's commands, flags and the names in a landscape.

  bash        source <(gatehouse completion bash)
  zsh         gatehouse completion zsh > "${fpath[1]}/_gatehouse"
  fish        gatehouse completion fish > ~/.config/fish/completions/gatehouse.fish
  powershell  gatehouse completion powershell | Out-String | Invoke-Expression`,
		Args:      arguments(1, 1, "which shell? expected bash, zsh, fish or powershell"),
		ValidArgs: shells,
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			root, out := cmd.Root(), cmd.OutOrStdout()
			switch args[0] {
			case "bash":
				return written(root.GenBashCompletionV2(out, true))
			case "zsh":
				return written(root.GenZshCompletion(out))
			case "fish":
				return written(root.GenFishCompletion(out, true))
			case "powershell":
				return written(root.GenPowerShellCompletionWithDesc(out))
			}
			return invocation("found %q, expected bash, zsh, fish or powershell%s", args[0], document.DidYouMean(args[0], shells))
		}),
	}
}
