package main

import (
	"context"

	"github.com/spf13/cobra"

	tenantclient "example.com/gatehouse/simulator/management/client"
)

// tenantOptions say which running tenant is meant, and who asks it.
type tenantOptions struct {
	url, user, clientID, tokenURL, trust string
	password                             passwordOptions
}

// flags adds --url and what belongs to it.
func (o *tenantOptions) flags(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.url, "url", "", "the URL of a tenant's management node, such as https://e100999-tmn.hci.eu1.hana.ondemand.com")
	flags.StringVar(&o.user, "user", "", "the user of the identity provider who logs on to the tenant at --url")
	flags.StringVar(&o.clientID, "client-id", "", "the id of an OAuth client that logs on in place of a user")
	flags.StringVar(&o.tokenURL, "token-url", "", "the token endpoint of the OAuth client (default: that of a simulated tenant at --url)")
	flags.StringVar(&o.trust, "trust", "", "a file with the certificates that the server at --url is trusted by (default: those of the system)")
	o.password.flags(cmd, "the user, or the secret of the OAuth client")
	_ = cmd.MarkFlagFilename("trust")
}

// unused refuses flags that only mean something with --url.
func (o *tenantOptions) unused(cmd *cobra.Command) error {
	for _, name := range []string{"user", "client-id", "token-url", "trust", "password-env", "password-file"} {
		if cmd.Flags().Changed(name) {
			return invocation("--%s is for a tenant that runs: name it with --url", name)
		}
	}
	return nil
}

// connect makes a client of the tenant.
func (o *tenantOptions) connect() (*tenantclient.Client, error) {
	switch {
	case o.user == "" && o.clientID == "":
		return nil, invocation("--url: name who logs on with --user or --client-id")
	case o.user != "" && o.clientID != "":
		return nil, invocation("--user stands beside --client-id, expected one of them")
	case o.tokenURL != "" && o.clientID == "":
		return nil, invocation("--token-url is for an OAuth client: name it with --client-id")
	}
	secret, err := o.password.read()
	if err != nil {
		return nil, err
	}
	if secret == "" {
		return nil, invocation("the password is missing: name the environment variable with --password-env or the file with --password-file")
	}
	config := tenantclient.Config{URL: o.url, Credentials: tenantclient.Credentials{User: o.user, Password: secret}}
	if o.clientID != "" {
		config.Credentials = tenantclient.Credentials{ClientID: o.clientID, ClientSecret: secret, TokenURL: o.tokenURL}
	}
	if o.trust != "" {
		if config.Trusted, err = readTrusted(o.trust, ""); err != nil {
			return nil, err
		}
	}
	c, err := tenantclient.New(config)
	if err != nil {
		return nil, invocation("--url: %w", err)
	}
	return c, nil
}

// mappings reads the tenant's mappings.
func (o *tenantOptions) mappings(ctx context.Context) ([]tenantclient.Mapping, error) {
	c, err := o.connect()
	if err != nil {
		return nil, err
	}
	defer c.Close()
	list, err := c.Mappings(ctx, "")
	return list, tenantFailed(ctx, err)
}
