package main

import (
	"errors"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"example.com/gatehouse/simulator/document"
)

// defaultLandscape is the document that commands read if none is named.
const defaultLandscape = "landscape.yaml"

// newRoot makes the whole command tree.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "gatehouse",
		Short: "Simulates and checks calls with client certificates into an integration tenant",
		Long: `Gatehouse simulates the way of a call that is secured with a client certificate: from the sender
through the load balancer and the runtime node to the integration flow. It shows at which station
a call ends, why, and what to change.

Begin with "gatehouse init" and "gatehouse serve".

` + exitCodes,
		Version:           readBuild().Version,
		SilenceUsage:      true,
		SilenceErrors:     true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	group(root)
	root.SetVersionTemplate("gatehouse {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.AddCommand(newInit(), newServe(), newSend(), newExport(), newTest(), newReport(), newSteps(), newRequirements(),
		newDiagnose(), newReproduce(), newCauses(), newReceive(), newPKI(), newVerify(), newConnect(), newMappings(), newSchema(), newVersion(), newCompletion())
	root.SetHelpCommand(newHelp())
	return root
}

// group makes a command one that only holds others: alone it prints its help, and a word that is
// none of its commands is an error.
func group(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return noCommand(cmd, args[0])
		}
		return nil
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

func noCommand(cmd *cobra.Command, word string) error {
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return invocation("%q is no command of %q%s", word, cmd.CommandPath(), document.DidYouMean(word, names))
}

// flagError says what is wrong with a flag, and which one may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	if words := cmd.Flags().Args(); cmd.HasSubCommands() && len(words) > 0 {
		// The flag was meant for a command that does not exist.
		return noCommand(cmd, words[0])
	}
	unknown := (*pflag.NotExistError)(nil)
	if !errors.As(err, &unknown) {
		return invocation("%w", err)
	}
	var names []string
	collect := func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	}
	cmd.Flags().VisitAll(collect)
	cmd.InheritedFlags().VisitAll(collect)
	slices.Sort(names)
	return invocation("%w%s", err, document.DidYouMean("--"+unknown.GetSpecifiedName(), names))
}

// arguments says how many arguments a command takes; usage names what is missing.
func arguments(least, most int, missing string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return invocation("%s", missing)
		case most >= 0 && len(args) > most:
			return invocation("unexpected argument %q", args[most])
		}
		return nil
	}
}

func newHelp() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND…]",
		Short: "Tells how a command is called",
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil {
				return invocation("%w", err)
			}
			if len(rest) > 0 {
				return noCommand(about, rest[0])
			}
			about.InitDefaultHelpFlag()
			return about.Help()
		}),
	}
}
