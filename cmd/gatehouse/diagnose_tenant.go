package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"

	"example.com/gatehouse/simulator/diagnosis"
)

// askedTenant is a tenant that is asked for evidence. Its flags have names of their own where those
// of the evidence have the short ones.
type askedTenant struct {
	tenantOptions
	since time.Duration
}

func (o *askedTenant) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.url, "url", "", "ask a tenant: the URL of its management node, such as https://e100999-tmn.hci.eu1.hana.ondemand.com")
	flags.StringVar(&o.user, "user", "", "the user who logs on to the tenant at --url")
	flags.StringVar(&o.clientID, "client-id", "", "the id of an OAuth client that logs on in place of a user")
	flags.StringVar(&o.tokenURL, "token-url", "", "the token endpoint of the OAuth client (default: that of a simulated tenant at --url)")
	flags.StringVar(&o.tenantOptions.trust, "tenant-trust", "", "a file with the certificates that the server at --url is trusted by (default: those of the system)")
	flags.StringVar(&o.password.env, "tenant-password-env", "", "the environment variable with the password of the user, or the secret of the OAuth client")
	flags.StringVar(&o.password.file, "tenant-password-file", "", "the file whose first line is that password")
	flags.DurationVar(&o.since, "since", 0, "take only those of the tenant's logs that were written to within so long, such as 24h (default: all)")
	_ = cmd.MarkFlagFilename("tenant-trust")
	_ = cmd.MarkFlagFilename("tenant-password-file")
}

// ask asks the tenant, if one is named. forget removes what was downloaded.
func (o *askedTenant) ask(cmd *cobra.Command, e *diagnosis.Evidence) (forget func() error, err error) {
	forget = func() error { return nil }
	if o.url == "" {
		for _, name := range []string{"user", "client-id", "token-url", "tenant-trust", "tenant-password-env", "tenant-password-file", "since"} {
			if cmd.Flags().Changed(name) {
				return forget, invocation("--%s is for a tenant that runs: name it with --url", name)
			}
		}
		return forget, nil
	}
	if o.password.env == "" && o.password.file == "" {
		return forget, invocation("the password is missing: name the environment variable with --tenant-password-env or the file with --tenant-password-file")
	}
	if o.password.env != "" && os.Getenv(o.password.env) == "" {
		return forget, invocation("--tenant-password-env: the environment variable %s is not set or empty: set it to the password", o.password.env)
	}
	c, err := o.connect()
	if err != nil {
		return forget, err
	}
	defer c.Close()
	folder, err := os.MkdirTemp("", "gatehouse-")
	if err != nil {
		return forget, unreachable("making a folder for the logs: %w", err)
	}
	forget = func() error { return os.RemoveAll(folder) }
	asking := diagnosis.Asking{Folder: folder}
	if o.since > 0 {
		asking.Since = time.Now().Add(-o.since)
	}
	return forget, tenantFailed(cmd.Context(), diagnosis.Ask(cmd.Context(), c, e, asking))
}
