package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally is what became of the mutants of a package.
type tally struct{ killed, survived, broken, equivalent int }

// score is the share of mutants that were killed; 1 if none counts.
func (t tally) score() float64 {
	if t.killed+t.survived == 0 {
		return 1
	}
	return float64(t.killed) / float64(t.killed+t.survived)
}

// trier runs the tests against mutants.
type trier struct {
	workers int
	limit   time.Duration
	verbose bool
	out     io.Writer
}

// fate is what became of one mutant.
type fate int

const (
	survived fate = iota
	killed
	broken // it does not compile
)

// try tries mutants side by side and prints the survivors. Tests that fail without any change are
// an error: every mutant would seem to be killed.
func (t trier) try(ctx context.Context, s subject, mutants []mutant, ignored map[string]string) (tally, error) {
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return tally{}, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	counted := slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { _, ok := ignored[m.key()]; return ok })
	together, err := build(ctx, folder, s, counted)
	if err != nil {
		return tally{}, err
	}
	limits := make([]time.Duration, len(s.stages))
	for i, st := range s.stages {
		file, err := together.binary(ctx, st)
		if err != nil {
			return tally{}, err
		}
		began := time.Now()
		if f, said := t.start(ctx, st, file, 0, t.limit); f != survived {
			return tally{}, fmt.Errorf("the tests fail without a mutant: go test %s\n%s", strings.Join(st.arguments, " "), said)
		}
		limits[i] = min(t.limit, 20*time.Second+5*time.Since(began))
	}
	var (
		mu     sync.Mutex
		out    tally
		work   = make(chan mutant)
		failed error
		wg     sync.WaitGroup
	)
	for range t.workers {
		wg.Go(func() {
			for m := range work {
				var f fate
				var said string
				var err error
				if id, ok := together.ids[m.place()]; ok {
					f, said, err = t.inForce(ctx, s, together, id, limits)
				} else {
					f, said, err = t.one(ctx, s, m)
				}
				mu.Lock()
				switch {
				case err != nil:
					failed = errors.Join(failed, err)
				case f == killed:
					out.killed++
					if t.verbose {
						fmt.Fprintf(t.out, "killed by %s %s\n", killer(said), m)
					}
				case f == broken:
					out.broken++
				default:
					out.survived++
					fmt.Fprintln(t.out, "survived ", m)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		if _, ok := ignored[m.key()]; ok {
			mu.Lock()
			out.equivalent++
			mu.Unlock()
			continue
		}
		if ctx.Err() != nil {
			break
		}
		work <- m
	}
	close(work)
	wg.Wait()
	return out, errors.Join(failed, ctx.Err())
}

// one runs the stages against a mutant until one kills it, and returns what that one said.
func (t trier) one(ctx context.Context, s subject, m mutant) (fate, string, error) {
	folder, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return survived, "", err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	original, err := filepath.Abs(filepath.FromSlash(m.file))
	if err != nil {
		return survived, "", err
	}
	source, err := os.ReadFile(original)
	if err != nil {
		return survived, "", err
	}
	changed := filepath.Join(folder, "mutant.go")
	if err := os.WriteFile(changed, slices.Concat(source[:m.from], []byte(m.with), source[m.to:]), 0o600); err != nil {
		return survived, "", err
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return survived, "", err
	}
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, overlay, 0o600); err != nil {
		return survived, "", err
	}
	for _, st := range s.stages {
		if f, said := t.test(ctx, st, file); f != survived {
			return f, said, ctx.Err()
		}
	}
	return survived, "", ctx.Err()
}

// inForce runs the stages of a program with all mutants, with one of them in force.
func (t trier) inForce(ctx context.Context, s subject, p *switchboard, id int, limits []time.Duration) (fate, string, error) {
	for i, st := range s.stages {
		if f, said := t.start(ctx, st, p.binaries[st.arguments[0]], id, limits[i]); f != survived {
			return f, said, ctx.Err()
		}
	}
	return survived, "", ctx.Err()
}

// start runs a test program that is built.
func (t trier) start(ctx context.Context, st stage, file string, id int, limit time.Duration) (fate, string) {
	ctx, cancel := context.WithTimeout(ctx, limit+30*time.Second)
	defer cancel()
	arguments := []string{"-test.failfast", "-test.timeout", limit.String()}
	for _, a := range st.arguments[1:] {
		arguments = append(arguments, flagOfTests.ReplaceAllString(a, "-test.$1"))
	}
	cmd := exec.CommandContext(ctx, file, arguments...)
	cmd.Dir = filepath.FromSlash(st.arguments[0])
	cmd.Env = append(append(os.Environ(), st.environment...), fmt.Sprintf("%s=%d", variable, id))
	cmd.WaitDelay = 5 * time.Second
	said, err := cmd.CombinedOutput()
	if err == nil {
		return survived, string(said)
	}
	return killed, string(said)
}

// flagOfTests is a flag of go test as a test program takes it.
var flagOfTests = regexp.MustCompile(`^-(run|skip)$`)

// failing finds the names of tests that failed.
var failing = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// killer is the innermost test that failed, as far as the output tells.
func killer(said string) string {
	switch found := failing.FindAllStringSubmatch(said, -1); {
	case strings.Contains(said, "panic: test timed out"):
		return "the time limit"
	case len(found) == 0:
		return "a panic"
	default:
		return found[len(found)-1][1]
	}
}

// test runs one stage, with an overlay unless it is empty.
func (t trier) test(ctx context.Context, st stage, overlay string) (fate, string) {
	// The tests end themselves at the limit; this is for a program that cannot be ended so.
	ctx, cancel := context.WithTimeout(ctx, t.limit+time.Minute)
	defer cancel()
	arguments := []string{"test", "-vet=off", "-failfast", "-count=1", "-timeout", t.limit.String()}
	if overlay != "" {
		arguments = append(arguments, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(arguments, st.arguments...)...)
	cmd.Env = append(os.Environ(), st.environment...)
	cmd.WaitDelay = 5 * time.Second
	said, err := cmd.CombinedOutput()
	switch {
	case err == nil:
		return survived, string(said)
	case strings.Contains(string(said), "[build failed]"), strings.Contains(string(said), "[setup failed]"):
		return broken, string(said)
	default:
		return killed, string(said)
	}
}
