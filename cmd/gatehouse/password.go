package main

import (
	"bytes"
	"os"
	"strings"

	"github.com/spf13/cobra"
)

// maxPassword bounds a password file, in bytes.
const maxPassword = 4096

// passwordOptions say where a password is: never on the command line, where others can see it.
type passwordOptions struct {
	env, file string
}

// flags adds --password-env and --password-file; of says whose password it is.
func (o *passwordOptions) flags(cmd *cobra.Command, of string) {
	cmd.Flags().StringVar(&o.env, "password-env", "", "the environment variable with the password of "+of)
	cmd.Flags().StringVar(&o.file, "password-file", "", "the file whose first line is the password of "+of)
	_ = cmd.MarkFlagFilename("password-file")
}

// read reads the password; empty if none is given.
func (o *passwordOptions) read() (string, error) {
	switch {
	case o.env != "" && o.file != "":
		return "", invocation("--password-env stands beside --password-file, expected one of them")
	case o.env != "":
		password := os.Getenv(o.env)
		if password == "" {
			return "", invocation("--password-env: the environment variable %s is not set or empty: set it to the password", o.env)
		}
		return password, nil
	case o.file != "":
		data, err := readFile(o.file, maxPassword)
		if err != nil {
			return "", invocation("--password-file: %w", err)
		}
		line, _, _ := bytes.Cut(data, []byte("\n"))
		password := strings.TrimSuffix(string(line), "\r")
		if password == "" {
			return "", invocation("--password-file: the first line of %s is empty, expected the password", o.file)
		}
		return password, nil
	}
	return "", nil
}
