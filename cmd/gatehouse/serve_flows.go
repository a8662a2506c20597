package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/iflow"
)

// flowOptions name integration flows that are served beside the document's channels.
type flowOptions struct {
	files, parameters []string
}

// flags adds --iflow and --parameter.
func (o *flowOptions) flags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.files, "iflow", nil, "an exported integration flow or package (.zip, .iflw) whose sender channels are served too (may be repeated)")
	cmd.Flags().StringArrayVar(&o.parameters, "parameter", nil, "KEY=VALUE, or FLOW/KEY=VALUE for one flow only: an externalized parameter of --iflow, in place of its parameters.prop (may be repeated)")
	_ = cmd.MarkFlagFilename("iflow", "zip", "iflw")
}

// add adds the flows to the landscape. The text says what was read, and what could not be read or
// resolved.
func (o *flowOptions) add(l simulator.Landscape) (simulator.Landscape, string, error) {
	given, err := o.given()
	if err != nil || len(o.files) == 0 {
		return l, "", err
	}
	var all iflow.Export
	var b strings.Builder
	from := map[string]string{}
	for _, file := range o.files {
		data, err := readFlowFile(file)
		if err != nil {
			return l, "", err
		}
		export, err := iflow.Read(file, data, given)
		if err != nil {
			return l, "", err
		}
		for _, f := range export.AllFindings() {
			if f.File == filepath.Base(file) {
				f.File = file // an .iflw file that stands alone
			} else {
				f.File = file + ": " + f.File
			}
			fmt.Fprintln(&b, clean(f.String()))
		}
		for _, flow := range export.Flows {
			from[flow.ID] = file
			if len(flow.Channels) == 0 {
				fmt.Fprintf(&b, "%s: the flow %s has no sender channel that is served\n", clean(file), clean(flow.ID))
			}
		}
		all.Flows = append(all.Flows, export.Flows...)
	}
	if unused := all.Unused(given); len(unused) > 0 {
		return l, "", invocation("--parameter: no flow has a parameter %q%s; there is %s", unused[0], document.DidYouMean(unused[0], all.ParameterNames()), orNone(all.ParameterNames()))
	}
	l, not := l.WithFlows(all.Flows...)
	for _, n := range not {
		fmt.Fprintf(&b, "%s: the flow %s does not start: %s\n", clean(from[n.Flow]), clean(n.Flow), clean(n.Reason))
	}
	return l, b.String(), nil
}

// given reads --parameter.
func (o *flowOptions) given() (map[string]string, error) {
	out := make(map[string]string, len(o.parameters))
	for _, text := range o.parameters {
		key, value, ok := strings.Cut(text, "=")
		if !ok || key == "" {
			return nil, invocation("--parameter: found %q, expected KEY=VALUE such as 'Sender Path=/orders'", text)
		}
		if _, twice := out[key]; twice {
			return nil, invocation("--parameter: %q is given twice, expected it once", key)
		}
		out[key] = value
	}
	if len(out) > 0 && len(o.files) == 0 {
		return nil, invocation("--parameter is for the integration flows of --iflow: name one")
	}
	return out, nil
}

func readFlowFile(file string) ([]byte, error) {
	data, err := readFile(file, iflow.MaxSize)
	var failed *fs.PathError
	switch {
	case errors.As(err, &failed):
		message := "cannot be read: " + failed.Err.Error()
		if near, ok := nearFile(file); ok {
			message += fmt.Sprintf(", did you mean %q?", near)
		}
		return nil, document.Problems{{File: file, Message: message}}
	case err != nil:
		return nil, document.Problems{{File: file, Message: err.Error()}}
	}
	return data, nil
}

// nearFile finds an export beside a file that is not there.
func nearFile(file string) (string, bool) {
	var names []string
	for _, pattern := range []string{"*.zip", "*.iflw"} {
		found, err := filepath.Glob(filepath.Join(filepath.Dir(file), pattern))
		if err != nil {
			continue // a folder with a name that is a pattern
		}
		names = append(names, found...)
	}
	if slices.Contains(names, file) {
		return "", false // it is there
	}
	return document.Nearest(file, names)
}
