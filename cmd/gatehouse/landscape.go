package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
)

// fileFlag adds -f to a command.
func fileFlag(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVarP(file, "file", "f", defaultLandscape, "the landscape document")
	_ = cmd.MarkFlagFilename("file", "yaml", "yml")
}

// readLandscape reads a document, and says where to get one if there is none.
func readLandscape(file string) (simulator.Landscape, error) {
	if err := documentExists(file); err != nil {
		return simulator.Landscape{}, err
	}
	return simulator.ReadFile(file)
}

func documentExists(file string) error {
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return document.Problems{{File: file, Message: `there is no such file: name the landscape document with -f, or write one with "gatehouse init"`}}
	}
	return nil
}

// startFailed finds the exit code of a landscape that did not start.
func startFailed(cmd *cobra.Command, err error) error {
	if failed := classify(cmd.Context(), err); failed.code != exitFault {
		return failed
	}
	return unreachable("the landscape cannot be started: %w", err)
}

// names lists what a document calls something, for the shell to complete. Whatever is wrong with
// the document is not said here.
func names(list func(simulator.Landscape) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		file, err := cmd.Flags().GetString("file")
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		l, err := simulator.ReadFile(file)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list(l), cobra.ShellCompDirectiveNoFileComp
	}
}

func senderNames(l simulator.Landscape) []string {
	var out []string
	for _, s := range l.Senders {
		out = append(out, s.Name)
	}
	return out
}

func certificateNames(l simulator.Landscape) []string {
	var out []string
	for _, d := range l.PKI {
		out = append(out, d.Name)
	}
	return out
}
