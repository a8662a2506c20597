package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/suite/result"
)

// The exit codes. They are part of what the command promises and are never changed.
const (
	exitOK          = 0
	exitFailed      = 1 // a test failed or the call was refused
	exitDocument    = 2 // a document is wrong
	exitInvocation  = 3 // bad invocation, or nothing was selected
	exitInterrupted = 4 // interrupted, or the target cannot be reached
	exitFault       = 5 // a fault in gatehouse
)

const exitCodes = `Exit codes:
  0  all well
  1  a test failed or the call was refused
  2  a document is wrong
  3  bad invocation, or nothing was selected
  4  interrupted, or the target cannot be reached
  5  a fault in gatehouse`

// failure is an error with its exit code. Without err everything has been said already.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}

func (f *failure) Unwrap() error { return f.err }

// invocation is a failure of whoever called the command.
func invocation(format string, args ...any) error {
	return &failure{code: exitInvocation, err: fmt.Errorf(format, args...)}
}

// unreachable is a failure of what the command needs from outside.
func unreachable(format string, args ...any) error {
	return &failure{code: exitInterrupted, err: fmt.Errorf(format, args...)}
}

// classified wraps what a command does, so that each of its errors has an exit code.
func classified(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := do(cmd, args); err != nil {
			return classify(cmd.Context(), err)
		}
		return nil
	}
}

// classify finds the exit code of an error. Whatever nobody thought of is a fault.
func classify(ctx context.Context, err error) *failure {
	if failed := (*failure)(nil); errors.As(err, &failed) {
		return failed
	}
	if problems := (document.Problems)(nil); errors.As(err, &problems) {
		return &failure{exitDocument, err}
	}
	if input := (*suite.InputError)(nil); errors.As(err, &input) {
		return &failure{exitDocument, err}
	}
	if tags := (*suite.TagError)(nil); errors.As(err, &tags) {
		return &failure{exitInvocation, fmt.Errorf("--tags: %w", err)}
	}
	if names := (*suite.NameError)(nil); errors.As(err, &names) {
		return &failure{exitInvocation, fmt.Errorf("--name: %w", err)}
	}
	if errors.Is(err, suite.ErrNothingSelected) {
		return &failure{exitInvocation, err}
	}
	if invalid := (*result.InvalidError)(nil); errors.As(err, &invalid) {
		return &failure{exitDocument, err}
	}
	if merge := (*result.MergeError)(nil); errors.As(err, &merge) {
		return &failure{exitInvocation, err}
	}
	if ctx.Err() != nil {
		return &failure{exitInterrupted, fmt.Errorf("interrupted: %w", err)}
	}
	return &failure{exitFault, err}
}
