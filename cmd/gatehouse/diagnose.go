package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/simulator/connectivity"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/systemlog"
)

type diagnoseOptions struct {
	stdin              bool
	chain, trust, at   string
	mapped, tenantKeys []string
	flows, parameters  []string
	roles              string
	hosts              []string
	all                bool
	cases              int
	password           passwordOptions
	tenant             askedTenant
	output             pageFormat
}

func newDiagnose() *cobra.Command {
	var o diagnoseOptions
	cmd := &cobra.Command{
		Use:   "diagnose [FILE…]",
		Short: "Tells from logs, chains and other evidence what is wrong with calls, and how to mend it",
		Long: `Takes whatever there is of calls that failed and names the causes in order of likelihood: what points
to each, what speaks against it, what to look at next and what to change.

FILE is told by its content: HTTP access logs and CP default traces (plain, gzip, zip, folders of
several runtime nodes), pasted log lines (also as mail programs and blogs make them), the output of
curl -v, openssl s_client, Java or an ABAP trace, a chain or keystore of the sender, an exported
integration flow or package, and role assignments. - is the standard input.

Role assignments are YAML or JSON with roles, groups, users, mappings and credentials, or CSV with
the columns user, group, role and application.

With --url a tenant, real or simulated, is asked through its management interfaces for its logs,
mappings, User Credentials, keystore and integration flows; the user needs the roles for that.

Logs stay on this machine, and nothing in them is run. The exit code is 0 once there is a diagnosis,
whatever it says, and 3 if there was nothing to look at.`,
		Example: `  gatehouse diagnose logs.zip
  gatehouse diagnose http_access_*.log ljs_trace_*.log --chain warehouse.p12 --password-env P12
  gatehouse diagnose logs/ --mapped WAREHOUSE=warehouse.cer --flow orders.zip --roles roles.csv
  curl -v https://HOST/http/orders 2>&1 | gatehouse diagnose -`,
		RunE: classified(func(cmd *cobra.Command, args []string) error { return o.run(cmd, args) }),
	}
	flags := cmd.Flags()
	o.evidenceFlags(cmd)
	flags.IntVar(&o.cases, "cases", diagnosis.DefaultCases, "how many different failures are diagnosed, those with most calls first")
	flags.BoolVar(&o.all, "all", false, "tell of causes that are merely possible at length too")
	o.output.format = textFormat
	flags.Var(&o.output, "output", "text for people, json for programs, html for a page")
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions([]string{"text", "json", "html"}, cobra.ShellCompDirectiveNoFileComp))
	return cmd
}

// evidenceFlags are those that name evidence.
func (o *diagnoseOptions) evidenceFlags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.stdin, "stdin", false, "read pasted lines from the standard input, as the file - does")
	flags.StringVar(&o.chain, "chain", "", "the chain or keystore of the sender")
	flags.StringArrayVar(&o.mapped, "mapped", nil, "a certificate of the certificate-to-user mapping, FILE or USER=FILE (may be repeated)")
	flags.StringArrayVar(&o.tenantKeys, "tenant-keystore", nil, "certificates of the tenant keystore (may be repeated)")
	flags.StringArrayVar(&o.flows, "flow", nil, "an exported integration flow or package (may be repeated)")
	flags.StringArrayVar(&o.parameters, "parameter", nil, "a value KEY=VALUE of an externalized parameter of the flows (may be repeated)")
	flags.StringVar(&o.roles, "roles", "", "the role assignments: YAML, JSON or CSV")
	flags.StringVar(&o.trust, "trust", "", "what the load balancer trusts: a file, neo, neo-2022 or neo-until-2022 (default: the list at the time of the calls)")
	flags.StringArrayVar(&o.hosts, "host", nil, "a host to look at, HOST or HOST:PORT: one connection is made (may be repeated)")
	flags.StringVar(&o.at, "at", "", "the time of the call where the evidence does not tell, RFC 3339 or a day (default now)")
	o.password.flags(cmd, "the keystores")
	o.tenant.flags(cmd)
	_ = cmd.RegisterFlagCompletionFunc("trust", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return roots.Names(), cobra.ShellCompDirectiveDefault
	})
}

func (o *diagnoseOptions) run(cmd *cobra.Command, files []string) error {
	if o.cases < 1 || o.cases > 100_000 {
		return invocation("--cases: found %d, expected 1 to 100000", o.cases)
	}
	_, report, err := o.diagnose(cmd, files)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	switch o.output.format {
	case jsonFormat:
		err = showJSON(out, report)
	case htmlFormat:
		err = written(diagnosis.WriteHTML(out, report))
	default:
		err = show(out, diagnosisText(report, o.all))
	}
	if err == nil && len(report.Cases) == 0 && report.Read.AccessLines == 0 {
		err = invocation("nothing to look at was found: neither access log lines nor the output of a client; %s", notRead(report))
	}
	return err
}

// diagnose reads the evidence and weighs causes.
func (o *diagnoseOptions) diagnose(cmd *cobra.Command, files []string) (e diagnosis.Evidence, report *diagnosis.Report, err error) {
	if e, err = o.evidence(cmd, files); err != nil {
		return e, nil, err
	}
	forget, err := o.tenant.ask(cmd, &e)
	defer func() { err = errors.Join(err, forget()) }()
	if err != nil {
		return e, nil, err
	}
	report, err = diagnosis.Diagnose(cmd.Context(), e, diagnosis.Options{Cases: o.cases})
	switch {
	case cmd.Context().Err() != nil:
		return e, nil, unreachable("interrupted: the evidence was not read to its end")
	case errors.Is(err, systemlog.ErrNoLogs):
		return e, nil, invocation("%w", err)
	case err != nil:
		return e, nil, document.Problems{{File: strings.Join(files, ", "), Message: err.Error()}}
	}
	return e, report, nil
}

func notRead(r *diagnosis.Report) string {
	if r.Read.UnreadableLines == 0 {
		return "give HTTP access log files, pasted lines of them, or what the sender's client wrote"
	}
	return fmt.Sprintf("%d lines were not understood, the first: %s", r.Read.UnreadableLines, clean(r.Read.Examples[0]))
}

// evidence reads what the arguments and flags name.
func (o *diagnoseOptions) evidence(cmd *cobra.Command, files []string) (diagnosis.Evidence, error) {
	var e diagnosis.Evidence
	password, err := o.password.read()
	if err != nil {
		return e, err
	}
	reader := diagnosis.Reader{Password: password, Parameters: map[string]string{}}
	for _, p := range o.parameters {
		key, value, ok := strings.Cut(p, "=")
		if !ok || key == "" {
			return e, invocation("--parameter: found %q, expected KEY=VALUE", p)
		}
		reader.Parameters[key] = value
	}
	if err := o.time(&e); err != nil {
		return e, err
	}
	stdin := o.stdin
	for _, file := range files {
		if file == standardInput {
			stdin = true
			continue
		}
		if _, err := os.Stat(file); errors.Is(err, os.ErrNotExist) {
			return e, document.Problems{{File: file, Message: "there is no such file or folder"}}
		}
		kind, err := reader.Take(&e, file)
		if err != nil {
			return e, err
		}
		if kind == diagnosis.KindChain && o.chain != "" {
			return e, invocation("%s is a chain, and --chain names one too: give a mapped certificate with --mapped", file)
		}
	}
	if stdin {
		data, err := readAll(cmd.InOrStdin(), "the standard input", diagnosis.MaxText)
		if err != nil {
			return e, invocation("%w", err)
		}
		e.Texts = append(e.Texts, diagnosis.Text{Name: "standard input", Data: data})
	}
	if err := o.named(reader, &e); err != nil {
		return e, err
	}
	for _, host := range o.hosts {
		result, err := connectivity.Test(cmd.Context(), host, connectivity.Options{})
		if err != nil {
			return e, invocation("--host: %w", err)
		}
		e.Hosts = append(e.Hosts, result)
	}
	if len(e.Logs)+len(e.Texts)+len(e.Hosts) == 0 && o.tenant.url == "" {
		return e, invocation("what is there to look at? Name log files or folders, a client's output, - for the standard input, a host with --host, or a tenant with --url")
	}
	return e, nil
}

// named reads the files that have flags of their own.
func (o *diagnoseOptions) named(reader diagnosis.Reader, e *diagnosis.Evidence) error {
	if o.chain != "" {
		if err := reader.Chain(e, o.chain); err != nil {
			return err
		}
	}
	for _, file := range o.mapped {
		if err := reader.Mapped(e, file); err != nil {
			return err
		}
	}
	for _, file := range o.tenantKeys {
		if err := reader.TenantKeystore(e, file); err != nil {
			return err
		}
	}
	for _, file := range o.flows {
		if err := reader.Flow(e, file); err != nil {
			return err
		}
	}
	if o.roles != "" {
		if err := reader.Roles(e, o.roles); err != nil {
			return err
		}
	}
	if o.trust == "" {
		return nil
	}
	verifying := verifyOptions{trust: o.trust}
	at := e.At
	if at.IsZero() {
		at = time.Now()
	}
	trust, _, err := verifying.readTrust(at, reader.Password)
	if err != nil {
		return err
	}
	e.Trust = &trust
	return nil
}

// time reads --at.
func (o *diagnoseOptions) time(e *diagnosis.Evidence) error {
	if o.at == "" {
		return nil
	}
	verifying := verifyOptions{at: o.at, level: 2}
	options, err := verifying.options()
	if err != nil {
		return err
	}
	e.At = options.At
	return nil
}
