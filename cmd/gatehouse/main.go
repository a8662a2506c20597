//go:debug x509negativeserial=1
//go:debug tlsmaxrsasize=16384

// Command gatehouse runs a landscape (a tenant behind its load balancer, and senders that call it
// with client certificates), tells of single calls station by station, mints certificates for
// tests, and runs suites.
//
// Here are flags, printing and exit codes, one file for each subcommand. What a call may do is
// decided in the packages below simulator, and what is wrong with a document in the package that
// reads it.
//
// crypto/tls parses certificates before it asks anybody. The settings above let it read two kinds
// that OpenSSL reads too, negative serial numbers and RSA keys up to 16384 bits; package verify
// decides about them.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/journey"
)

func main() {
	// Windows knows neither signal by these names; Go delivers Ctrl-C as the first and the closing
	// of the console as the second.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// Who interrupts a second time does not want to wait for an orderly end.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return execute(ctx, root, stderr)
}

// execute runs a command tree and turns whatever comes out of it into words and an exit code.
func execute(ctx context.Context, root *cobra.Command, stderr io.Writer) (code int) {
	defer func() {
		if fault := recover(); fault != nil {
			_, _ = fmt.Fprintf(stderr, "gatehouse: a fault in gatehouse: %s\nPlease report it with what follows.\n\n%s", printableLines(fmt.Sprint(fault)), debug.Stack())
			code = exitFault
		}
	}()
	called, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	failed := &failure{}
	if !errors.As(err, &failed) {
		// Our commands classify all their errors: this one is cobra's, and about the invocation.
		failed = &failure{code: exitInvocation, err: err}
	}
	if failed.err != nil {
		_, _ = fmt.Fprint(stderr, message(failed, called.CommandPath()))
	}
	return failed.code
}

// message is what a failure says, for people.
func message(failed *failure, command string) string {
	text := printableLines(failed.err.Error()) + "\n"
	switch failed.code {
	case exitDocument:
		// Each line begins with its file and position, which editors look for.
	case exitInvocation:
		text = "gatehouse: " + text + fmt.Sprintf("\"%s --help\" says how it is called.\n", command)
	case exitFault:
		text = "gatehouse: a fault in gatehouse: " + text
	default:
		text = "gatehouse: " + text
	}
	return text
}

// printableLines makes a text of several lines fit for a terminal.
func printableLines(text string) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = journey.Printable(line)
	}
	return strings.Join(lines, "\n")
}
