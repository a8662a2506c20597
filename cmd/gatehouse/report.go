package main

import (
	"os"
	"path/filepath"

	"github.com/charmbracelet/colorprofile"
	"github.com/spf13/cobra"

	"example.com/gatehouse/steps/suite/report"
	"example.com/gatehouse/steps/suite/result"
)

func newReport() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "report",
		Short: "Joins, shows and converts the reports of gatehouse test",
		Long: `Works on reports that gatehouse test --report json=FILE wrote: joins the parts of a run that was
divided over machines, shows a report again, or makes another format of it.`,
	}
	group(cmd)
	cmd.AddCommand(newReportMerge(), newReportShow(), newReportSchema())
	return cmd
}

// reportOutput is what both commands do with a report.
type reportOutput struct {
	reports      []string
	output       format
	verbose      bool
	allowPartial bool
}

func (o *reportOutput) flags(cmd *cobra.Command) {
	reportFlag(cmd, &o.reports)
	cmd.Flags().BoolVarP(&o.verbose, "verbose", "v", false, "print a line for scenarios that passed, too")
	cmd.Flags().BoolVar(&o.allowPartial, "allow-partial", false, "end with exit code 0 though something was skipped, pending or not supported")
	outputFlag(cmd, &o.output)
}

// finish prints the report, writes the formats that were asked for, and finds the exit code, which
// is that of the run.
func (o *reportOutput) finish(cmd *cobra.Command, files reportFiles, r *result.Report) error {
	if o.output == jsonFormat {
		if err := r.WriteJSON(&printableWriter{Writer: cmd.OutOrStdout()}); err != nil {
			return written(err)
		}
	} else {
		printer := report.Printer{W: &colorprofile.Writer{Forward: cmd.OutOrStdout(), Profile: profile(cmd.OutOrStdout())}, Style: style}
		for i := range r.Results {
			if one := &r.Results[i]; o.verbose || one.Status != result.Passed || one.Expected != "" {
				if err := printer.Scenario(r, one); err != nil {
					return written(err)
				}
			}
		}
		if err := printer.Summary(r); err != nil {
			return written(err)
		}
	}
	failed := files.write(cmd.ErrOrStderr(), r)
	if err := ended(r, o.allowPartial); err != nil {
		return err
	}
	return failed
}

func newReportMerge() *cobra.Command {
	var o reportOutput
	var into string
	cmd := &cobra.Command{
		Use:   "merge FILE…",
		Short: "Joins the reports of the shards of one run",
		Long: `Joins the reports of the shards of one run, prints the summary of the whole and ends with its exit
code. A shard that is missing is named and makes the result an error (exit code 4): a part that
nobody ran proves nothing. A shard that is there twice, or a report of another run, is refused (3).`,
		Example: `  gatehouse report merge part-*.json -o report.json
  gatehouse report merge part-1.json part-2.json --report html=report.html --report junit=report.xml`,
		Args: arguments(1, -1, "which reports? expected the files of all shards"),
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			if into != "" {
				o.reports = append([]string{"json=" + into}, o.reports...)
			}
			files, err := parseReports(o.reports)
			if err != nil {
				return err
			}
			sources, err := readReports(args)
			if err != nil {
				return err
			}
			merged, err := result.Merge(sources...)
			if err != nil {
				return err
			}
			return o.finish(cmd, files, merged)
		}),
	}
	cmd.Flags().StringVarP(&into, "out", "o", "", "write the joined report as JSON to this `FILE`")
	o.flags(cmd)
	return cmd
}

func newReportShow() *cobra.Command {
	var o reportOutput
	cmd := &cobra.Command{
		Use:   "show FILE",
		Short: "Shows a report again, or makes another format of it",
		Long: `Prints a report as gatehouse test did, writes it in other formats, and ends with the exit code of
the run.`,
		Example: `  gatehouse report show report.json --report html=report.html`,
		Args:    arguments(1, 1, "which report? expected a file that gatehouse test --report json=FILE wrote"),
		RunE: classified(func(cmd *cobra.Command, args []string) error {
			files, err := parseReports(o.reports)
			if err != nil {
				return err
			}
			r, err := result.ReadFile(args[0])
			if err != nil {
				return err
			}
			return o.finish(cmd, files, r)
		}),
	}
	o.flags(cmd)
	return cmd
}

func newReportSchema() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Prints the JSON Schema of a report as JSON",
		Long: `Prints the JSON Schema (2020-12) of a report as gatehouse test --report json=FILE writes it. The key
"schema" of a report names its version, ` + result.Schema + `: a report in which a known key is
missing or means something else gets another number.`,
		Args: arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error {
			data, err := result.JSONSchema()
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(data)
			return written(err)
		}),
	}
}

// readReports reads files, and what patterns match where the shell did not do that.
func readReports(patterns []string) ([]result.Source, error) {
	var out []result.Source
	var files []string
	for _, pattern := range patterns {
		matches, _ := filepath.Glob(pattern)
		if _, err := os.Stat(pattern); err == nil || len(matches) == 0 {
			matches = []string{pattern}
		}
		files = append(files, matches...)
	}
	for _, file := range files {
		r, err := result.ReadFile(file)
		if err != nil {
			return nil, err
		}
		out = append(out, result.Source{Name: file, Report: r})
	}
	return out, nil
}
