package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/document"
)

// asCommand makes the test binary the command itself, for tests that send signals to it.
const asCommand = "GATEHOUSE_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	testscript.Main(m, map[string]func(){"gatehouse": main})
}

func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
		Setup: func(env *testscript.Env) error {
			env.Setenv("NO_COLOR", "")
			// With the race detector each command would wait a second before it ends.
			env.Setenv("GORACE", "atexit_sleep_ms=10")
			return nil
		},
	})
}

// exits runs a command and demands its exit code: exits 3 gatehouse send
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGUMENT…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		ended := (*exec.ExitError)(nil)
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("%s ended with exit code %d, expected %d", strings.Join(args[1:], " "), got, want)
	}
}

func TestPanicIsAFaultInGatehouse(t *testing.T) {
	t.Parallel()
	tree := func(do func() error) *cobra.Command {
		root := newRoot()
		root.AddCommand(&cobra.Command{Use: "try", RunE: classified(func(*cobra.Command, []string) error { return do() })})
		root.SetArgs([]string{"try"})
		return root
	}
	var stderr bytes.Buffer
	assert.Equal(t, exitOK, execute(t.Context(), tree(func() error { return nil }), &stderr), "positive control")
	assert.Empty(t, stderr.String())

	assert.Equal(t, exitFault, execute(t.Context(), tree(func() error { panic("wheel came off\x1b[2J") }), &stderr))
	assert.Contains(t, stderr.String(), `a fault in gatehouse: wheel came off\u001b[2J`)

	stderr.Reset()
	assert.Equal(t, exitFault, execute(t.Context(), tree(func() error { return errors.New("nobody thought of it") }), &stderr))
	assert.Equal(t, "gatehouse: a fault in gatehouse: nobody thought of it\n", stderr.String())
}

func TestExitCodesOfErrors(t *testing.T) {
	t.Parallel()
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	for name, one := range map[string]struct {
		ctx  context.Context
		err  error
		want int
	}{
		"failed":                {t.Context(), &failure{code: exitFailed}, exitFailed},
		"document":              {t.Context(), document.Problems{{File: "x.yaml", Message: "is wrong"}}, exitDocument},
		"document, interrupted": {interrupted, document.Problems{{File: "x.yaml", Message: "is wrong"}}, exitDocument},
		"invocation":            {t.Context(), invocation("no such thing"), exitInvocation},
		"interrupted":           {interrupted, errors.New("minting: cancelled"), exitInterrupted},
		"unreachable":           {t.Context(), unreachable("no port"), exitInterrupted},
		"unknown":               {t.Context(), errors.New("odd"), exitFault},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, one.want, classify(one.ctx, one.err).code)
		})
	}
}

func TestInterruptEndsSend(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var stdout, stderr bytes.Buffer
	require.Equal(t, exitOK, run(t.Context(), []string{"init", dir}, nil, &stdout, &stderr), stderr.String())
	file := dir + "/landscape.yaml"
	require.Equal(t, exitOK, run(t.Context(), []string{"send", "-f", file, "warehouse"}, nil, &stdout, &stderr), stderr.String())

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, exitInterrupted, run(ctx, []string{"send", "-f", file, "warehouse"}, nil, &stdout, &stderr))
	assert.Contains(t, stderr.String(), "interrupted")
}

// Whatever is in the command tree says what it does, and every flag too.
func TestEverythingIsDescribed(t *testing.T) {
	t.Parallel()
	count := 0
	var check func(*cobra.Command)
	check = func(cmd *cobra.Command) {
		count++
		assert.NotEmpty(t, cmd.Short, cmd.CommandPath())
		for _, line := range strings.Split(cmd.Long, "\n") {
			assert.LessOrEqual(t, len([]rune(line)), 102, "%s: %s", cmd.CommandPath(), line)
		}
		for _, c := range cmd.Commands() {
			check(c)
		}
	}
	check(newRoot())
	assert.Greater(t, count, 10, "control: the whole tree was looked at")
}
