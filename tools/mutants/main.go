// Command mutants finds out whether the tests would notice a fault: it changes one place of the
// program at a time, a comparison, a condition, a number, a statement, and runs the tests, which
// must fail then. It changes no file: the changed source goes to the compiler as an overlay, with
// many mutants in one program (see switched.go), and one by one those that cannot be put there.
//
//	go run ./tools/mutants [--sample N] [--seed S] [--quick] [PACKAGE…]
//
// The score of a package is the share of mutants that its tests killed, of those that compile.
// Survivors are listed, with what was changed. A mutant that no test can notice, since the program
// means the same, is listed in equivalent.txt with the reason, and does not count.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// stage is one run of tests against a mutant; the next one is made if the mutant survives it.
type stage struct {
	arguments   []string
	environment []string // beside that of the command
}

// subject is a package that is mutated, and how its mutants are tried: quick tests first.
type subject struct {
	folder string
	stages []stage
}

// The suite speaks for the packages that a call passes through.
var bundled = tests("./steps/suite", "-run", "^TestBundledSuite")

// The quick stage of each leaves out what is slow, random or hard on a busy machine: tests that fail
// for want of time would kill mutants that they did not notice.
var subjects = []subject{
	{"simulator/loadbalancer", []stage{tests("./simulator/loadbalancer", "-skip", "Storm"), tests("./simulator"), bundled}},
	{"simulator/node", []stage{tests("./simulator/node"), bundled}},
	{"simulator/tenant", []stage{tests("./simulator/tenant"), tests("./simulator/node"), bundled}},
	{"pki/verify", []stage{
		tests("./pki/verify", "-skip", "Oracle|Pathological|Fuzz|AnswersOfOpenSSL"),
		// All recorded answers, of which a usual run compares a part.
		{[]string{"./pki/verify", "-run", "AnswersOfOpenSSL"}, []string{"GATEHOUSE_ORACLE=300"}},
		// Against OpenSSL, with fewer chains than usual, and the same ones each time.
		{
			[]string{"./pki/verify", "-run", "Fuzz|OracleRandomChainsLibrary|OracleMutatedChainsLibrary"},
			[]string{"GATEHOUSE_ORACLE=300", "GATEHOUSE_ORACLE_SEED=20261123"},
		},
		tests("./pki/verify", "-run", "Pathological"),
	}},
}

func tests(arguments ...string) stage { return stage{arguments: arguments} }

// target is the score that the tests are meant to have.
const target = 0.90

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, arguments []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	sample := flags.Int("sample", 0, "how many mutants of each package are tried, chosen by --seed; 0: all")
	seed := flags.Uint64("seed", 1, "chooses the sample")
	workers := flags.Int("workers", max(1, runtime.GOMAXPROCS(0)), "how many mutants are tried at the same time")
	limit := flags.Duration("limit", 3*time.Minute, "how long the tests of a stage may run; a mutant that makes them run longer is killed")
	quick := flags.Bool("quick", false, "run the first stage only, the package's own quick tests; the score is then a lower bound")
	verbose := flags.Bool("verbose", false, "also print the mutants that were killed, and the test that killed each")
	list := flags.Bool("list", false, "list the mutants and try none")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	chosen, err := choose(flags.Args())
	if err != nil {
		return err
	}
	ignored, err := readEquivalent(filepath.Join("tools", "mutants", "equivalent.txt"))
	if err != nil {
		return err
	}
	t := trier{workers: *workers, limit: *limit, verbose: *verbose, out: out}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PACKAGE\tMUTANTS\tTRIED\tKILLED\tSURVIVED\tDO NOT COMPILE\tEQUIVALENT\tSCORE")
	for _, s := range chosen {
		all, err := mutantsOf(s.folder)
		if err != nil {
			return err
		}
		total := len(all)
		if *sample > 0 && *sample < len(all) {
			rng := rand.New(rand.NewPCG(*seed, uint64(len(s.folder))))
			rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			all = all[:*sample]
			slices.SortFunc(all, func(a, b mutant) int { return strings.Compare(a.place(), b.place()) })
		}
		if *list {
			for _, m := range all {
				fmt.Fprintln(out, m)
			}
			continue
		}
		if *quick {
			s.stages = s.stages[:1]
		}
		tally, err := t.try(ctx, s, all, ignored)
		if err != nil {
			return err
		}
		fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%.1f %%\n", s.folder, total, len(all), tally.killed, tally.survived, tally.broken, tally.equivalent, 100*tally.score())
		if tally.score() < target {
			defer fmt.Fprintf(out, "%s is below the target of %.0f %%\n", s.folder, 100*target)
		}
	}
	return table.Flush()
}

func choose(names []string) ([]subject, error) {
	if len(names) == 0 {
		return subjects, nil
	}
	var out []subject
	for _, name := range names {
		name = strings.Trim(strings.TrimPrefix(filepath.ToSlash(name), "./"), "/")
		i := slices.IndexFunc(subjects, func(s subject) bool { return s.folder == name || strings.HasSuffix(s.folder, "/"+name) })
		if i < 0 {
			var known []string
			for _, s := range subjects {
				known = append(known, s.folder)
			}
			return nil, fmt.Errorf("found package %q, expected one of %s", name, strings.Join(known, ", "))
		}
		out = append(out, subjects[i])
	}
	return out, nil
}

// readEquivalent reads the mutants that mean the same as the program: "file | line | change |
// reason", the line as it stands in the source.
func readEquivalent(file string) (map[string]string, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of equivalent mutants: %w", err)
	}
	out := map[string]string{}
	for i, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(line, " ¦ ")
		if len(fields) != 4 || fields[3] == "" {
			return nil, fmt.Errorf("%s:%d: expected: file ¦ source line ¦ change ¦ reason", file, i+1)
		}
		key := strings.Join(fields[:3], " ¦ ")
		if _, twice := out[key]; twice {
			return nil, fmt.Errorf("%s:%d: stands twice: %s", file, i+1, key)
		}
		out[key] = fields[3]
	}
	return out, nil
}
