package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/journey"
	"example.com/gatehouse/simulator/tenant"
	"example.com/gatehouse/simulator/tenant/sqlite"
)

type exportOptions struct {
	file, state, output string
	force               bool
}

func newExport() *cobra.Command {
	var o exportOptions
	cmd := &cobra.Command{
		Use:   "export --state FILE --out FILE",
		Short: "Writes the present state of a tenant as a landscape document",
		Long: `Writes what "gatehouse serve --state" keeps as a landscape document, with files beside it:
certificates of mappings, zips of integration flows, and the certificates and keys that were minted.
A landscape that is started from it has the same tenant and the same senders. What is not the
tenant's, such as the load balancer and the senders, is taken from the document of -f.

The landscape may be running meanwhile. The document and the files hold passwords and private keys
and are for their owner only.`,
		Args: arguments(0, 0, ""),
		RunE: classified(func(cmd *cobra.Command, _ []string) error { return o.run(cmd) }),
	}
	fileFlag(cmd, &o.file)
	stateFlag(cmd, &o.state, "the state file that serve keeps")
	cmd.Flags().StringVarP(&o.output, "out", "o", "", "the document to write")
	_ = cmd.MarkFlagFilename("out", "yaml", "yml")
	cmd.Flags().BoolVar(&o.force, "force", false, "replace files that are there already")
	return cmd
}

func (o exportOptions) run(cmd *cobra.Command) (err error) {
	switch {
	case o.state == "":
		return invocation(`--state is missing: name the file in which "gatehouse serve --state" keeps the tenant`)
	case o.output == "":
		return invocation("--out is missing: name the document to write, such as exported.yaml")
	}
	l, err := readLandscape(o.file)
	if err != nil {
		return err
	}
	config, kept, err := o.read(cmd, l)
	if err != nil {
		return err
	}
	files, err := l.Export(config, kept, o.output)
	if err != nil {
		return &failure{exitDocument, err}
	}
	if err := o.write(files); err != nil {
		return err
	}
	return show(cmd.OutOrStdout(), fmt.Sprintf("Wrote %s and %d files beside it (%d mappings, %d channels, %d integration flows at designtime). They hold passwords and private keys.\n",
		journey.Printable(o.output), len(files)-1, len(config.Mappings), len(config.Channels), len(config.Artifacts)))
}

// read reads the tenant from its state file, which it does not change.
func (o exportOptions) read(cmd *cobra.Command, l simulator.Landscape) (c tenant.Config, kept map[string][]byte, err error) {
	store, err := sqlite.Read(cmd.Context(), o.state)
	if err != nil {
		return c, nil, stateError(err)
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	tn, err := tenant.Open(cmd.Context(), store, tenant.Config{}, nil)
	if err != nil {
		return c, nil, stateError(err)
	}
	c = tn.Config()
	if account := l.TenantAccount(); c.Account != account {
		return c, nil, &failure{exitDocument, fmt.Errorf("--state: %s is the state of tenant %s, and %s describes %s: name the document that belongs to it with -f", o.state, c.Account, o.file, account)}
	}
	return c, tn.Kept(), nil
}

// write writes the files, the document last: what it names is there when it is.
func (o exportOptions) write(files []simulator.Exported) error {
	folder := filepath.Dir(o.output)
	if _, err := os.Stat(folder); err != nil {
		return invocation("there is no folder %s for the document: make it first", folder)
	}
	if !o.force {
		for _, f := range files {
			if _, err := os.Lstat(filepath.Join(folder, filepath.FromSlash(f.Path))); err == nil {
				return invocation("%s is there already: choose another name, or replace it with --force", filepath.Join(folder, filepath.FromSlash(f.Path)))
			}
		}
	}
	for i := len(files) - 1; i >= 0; i-- {
		file := filepath.Join(folder, filepath.FromSlash(files[i].Path))
		err := error(nil)
		if i > 0 {
			err = os.MkdirAll(filepath.Dir(file), 0o700)
		}
		if err == nil {
			err = writeSecret(file, files[i].Data)
		}
		if err != nil {
			return invocation("%w", err)
		}
	}
	return nil
}

// writeSecret writes a file for its owner only, whole or not at all; one that is there is replaced.
func writeSecret(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".gatehouse-*") // 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removed(os.Remove(f.Name())))
		}
	}()
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(f.Name(), path)
}
