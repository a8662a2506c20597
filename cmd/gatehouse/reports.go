package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/steps/suite/report"
	"example.com/gatehouse/steps/suite/result"
)

// reportFile is a report that was asked for.
type reportFile struct {
	format report.Format
	path   string
}

func (f reportFile) String() string { return f.format.Name + "=" + f.path }

type reportFiles []reportFile

func formatNames() string {
	var names []string
	for _, f := range report.Formats() {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// parseReports reads the values of --report. What can never be written is an error before anything
// runs.
func parseReports(values []string) (reportFiles, error) {
	var out reportFiles
	seen := map[string]bool{}
	for _, value := range values {
		name, path, ok := strings.Cut(value, "=")
		if !ok || path == "" {
			return nil, invocation("--report: found %q, expected FORMAT=FILE, such as json=report.json", value)
		}
		format, known := report.Find(name)
		if !known {
			var names []string
			for _, f := range report.Formats() {
				names = append(names, f.Name)
			}
			return nil, invocation("--report: %q is no format%s; there are %s", name, document.DidYouMean(name, names), formatNames())
		}
		clean := filepath.Clean(path)
		if seen[clean] {
			return nil, invocation("--report: two reports are to be written to %s: give each a file of its own", path)
		}
		seen[clean] = true
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return nil, invocation("--report: %s is a folder: name a file in it, such as %s", path, filepath.Join(path, "report."+name))
		}
		out = append(out, reportFile{format, path})
	}
	return out, nil
}

// check warns of reports that cannot be written as things are. The run goes on: its results are
// printed, and the place may have been mended when it ends.
func (fs reportFiles) check(stderr io.Writer) {
	for _, f := range fs {
		if special(f.path) {
			continue
		}
		file, err := temporary(f.path)
		if err != nil {
			fmt.Fprintf(stderr, "gatehouse: --report %s: cannot be written: %s; the run goes on, and its results are printed\n", f, printableLines(plainFile(err)))
			continue
		}
		file.Close()
		_ = os.Remove(file.Name())
	}
}

// write writes all reports. One that cannot be written where it was wanted is put where temporary
// files are, so that no result is lost, and is an error.
func (fs reportFiles) write(stderr io.Writer, r *result.Report) error {
	var failed []string
	for _, f := range fs {
		err := f.write(f.path, r)
		if err == nil {
			continue
		}
		text := fmt.Sprintf("--report %s: cannot be written: %s", f, plainFile(err))
		if rescued, err := f.rescue(r); err == nil {
			text += "; it is in " + rescued
		}
		fmt.Fprintf(stderr, "gatehouse: %s\n", printableLines(text))
		failed = append(failed, f.String())
	}
	if len(failed) > 0 {
		return unreachable("reports that could not be written: %s", strings.Join(failed, ", "))
	}
	return nil
}

// write writes the report whole or not at all.
func (f reportFile) write(path string, r *result.Report) error {
	if special(path) {
		out, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(f.format.Write(out, r), out.Close())
	}
	file, err := temporary(path)
	if err != nil {
		return err
	}
	err = f.format.Write(file, r)
	if err = errors.Join(err, file.Chmod(0o644), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, removed(os.Remove(file.Name())))
	}
	return nil
}

func (f reportFile) rescue(r *result.Report) (string, error) {
	file, err := os.CreateTemp("", "gatehouse-report-*."+f.format.Name)
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.format.Write(file, r), file.Close()); err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// special tells whether there is something at the path that is no file: a pipe, or /dev/null.
func special(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular()
}

// temporary makes a file beside the one at path, and the folders above it.
func temporary(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.CreateTemp(filepath.Dir(path), ".gatehouse-*")
}

// plainFile is an error of a file without the name of a temporary one.
func plainFile(err error) string {
	pathErr, linkErr := (*os.PathError)(nil), (*os.LinkError)(nil)
	switch {
	case errors.As(err, &pathErr):
		return filepath.Dir(pathErr.Path) + ": " + pathErr.Err.Error()
	case errors.As(err, &linkErr):
		return linkErr.Err.Error()
	}
	return err.Error()
}

// reportFlag adds --report to a command.
func reportFlag(cmd *cobra.Command, into *[]string) {
	cmd.Flags().StringArrayVarP(into, "report", "r", nil, "write a report, such as json=report.json; repeatable. `FORMAT=FILE` has the formats "+formatNames())
}
