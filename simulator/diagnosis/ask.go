package diagnosis

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/management/client"
)

// Asking says what a tenant is asked for through its management interfaces.
type Asking struct {
	// Folder is where downloaded logs are put. Empty: the tenant's logs are not downloaded.
	Folder string
	// Since leaves out logs that were last written before. Default: all that are kept.
	Since time.Time
}

// mostFlows bounds the integration flows that are downloaded.
const mostFlows = 200

// Ask adds to the evidence what a tenant, real or simulated, tells: its logs, mappings, User
// Credentials, keystore and deployed integration flows. What the user may not read becomes a
// note; the error is about a tenant that cannot be reached, and about ctx.
func Ask(ctx context.Context, c *client.Client, e *Evidence, a Asking) error {
	ask := func(what string, do func() error) error {
		err := do()
		unreachable := (*client.UnreachableError)(nil)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil, errors.As(err, &unreachable), errors.Is(err, client.ErrUnauthorized):
			return fmt.Errorf("asking the tenant for its %s: %w", what, err)
		}
		e.Notes = append(e.Notes, fmt.Sprintf("The tenant did not tell its %s: %v", what, err))
		return nil
	}
	if e.Assignments == nil {
		e.Assignments = &Assignments{}
	}
	for _, one := range []struct {
		what string
		do   func() error
	}{
		{"certificate-to-user mappings", func() error { return askMappings(ctx, c, e) }},
		{"User Credentials", func() error { return askCredentials(ctx, c, e) }},
		{"keystore", func() error { return askKeystore(ctx, c, e) }},
		{"integration flows", func() error { return askFlows(ctx, c, e) }},
		{"HTTP access logs", func() error { return askLogs(ctx, c, e, a, "http") }},
		{"traces", func() error { return askLogs(ctx, c, e, a, "trace") }},
	} {
		if err := ask(one.what, one.do); err != nil {
			return err
		}
	}
	return nil
}

func askMappings(ctx context.Context, c *client.Client, e *Evidence) error {
	mappings, err := c.Mappings(ctx, "")
	if err != nil {
		return err
	}
	e.Whole = true
	for _, m := range mappings {
		e.Assignments.Mappings = append(e.Assignments.Mappings, m.User)
		if m.Certificate != nil {
			e.Mapped = append(e.Mapped, Mapped{Name: "mapping " + m.ID, User: m.User, DER: m.Certificate})
		}
	}
	return nil
}

func askCredentials(ctx context.Context, c *client.Client, e *Evidence) error {
	credentials, err := c.UserCredentials(ctx)
	for _, u := range credentials {
		e.Assignments.Credentials = append(e.Assignments.Credentials, u.Name)
		if u.User != "" && u.User != u.Name {
			e.Assignments.Credentials = append(e.Assignments.Credentials, u.User)
		}
	}
	return err
}

// askKeystore notes the names of the entries: the certificates themselves are not needed.
func askKeystore(ctx context.Context, c *client.Client, e *Evidence) error {
	entries, err := c.KeystoreEntries(ctx)
	for _, one := range entries {
		subject, err1 := pki.ParseDN(one.SubjectDN)
		issuer, err2 := pki.ParseDN(one.IssuerDN)
		if err1 == nil && err2 == nil {
			e.KeystoreNames = append(e.KeystoreNames, subject.CommonName()+"@"+issuer.CommonName())
		}
	}
	return err
}

// askFlows reads what is deployed. The channels are those of the designtime version, which may
// have been changed since.
func askFlows(ctx context.Context, c *client.Client, e *Evidence) error {
	flows, err := c.RuntimeFlows(ctx)
	if err != nil {
		return err
	}
	for i, flow := range flows {
		if i == mostFlows {
			e.Notes = append(e.Notes, fmt.Sprintf("The tenant has %d integration flows, of which %d were looked at.", len(flows), mostFlows))
			break
		}
		data, err := c.Download(ctx, flow.ID)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			e.Notes = append(e.Notes, fmt.Sprintf("The integration flow %s could not be read: %v", flow.ID, err))
			continue
		}
		given := map[string]string{}
		if configured, err := c.Configurations(ctx, flow.ID); err == nil {
			for _, p := range configured {
				given[p.Key] = p.Value
			}
		}
		export, err := iflow.Read(flow.ID+".zip", data, given)
		if err != nil {
			e.Notes = append(e.Notes, fmt.Sprintf("The integration flow %s could not be read: %v", flow.ID, err))
			continue
		}
		e.Channels = append(e.Channels, export.Channels()...)
	}
	return nil
}

func askLogs(ctx context.Context, c *client.Client, e *Evidence, a Asking, kind string) (err error) {
	if a.Folder == "" {
		return nil
	}
	archive, err := c.LogArchive(ctx, "all", kind, a.Since)
	if err != nil {
		return err
	}
	defer archive.Close()
	path := filepath.Join(a.Folder, kind+".zip")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keeping the logs: %w", err)
	}
	_, err = io.Copy(file, archive)
	if err = errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("downloading the logs: %w", err)
	}
	e.Logs = append(e.Logs, path)
	return nil
}

// mostUsers bounds the users of whom roles are asked for: the platform API takes 100 requests a
// minute [C], and each user takes two.
const mostUsers = 40

// AskPlatform adds the roles and groups of the users of the mapping, and of those that are named.
func AskPlatform(ctx context.Context, p *client.Platform, e *Evidence, users ...string) error {
	if e.Assignments == nil {
		e.Assignments = &Assignments{}
	}
	var all []string
	for _, u := range append(users, e.Assignments.Mappings...) {
		if !contains(all, u) {
			all = append(all, u)
		}
	}
	if len(all) > mostUsers {
		e.Notes = append(e.Notes, fmt.Sprintf("The roles of %d users were asked for, of %d.", mostUsers, len(all)))
		all = all[:mostUsers]
	}
	groups := map[string]bool{}
	for _, user := range all {
		roles, err := p.UserRoles(ctx, user)
		if err != nil {
			return fmt.Errorf("asking for the roles of %s: %w", user, err)
		}
		for _, r := range roles {
			e.Assignments.Roles = append(e.Assignments.Roles, AssignedRole{User: user, Role: r.Name, Application: r.Application})
		}
		in, err := p.UserGroups(ctx, user)
		if err != nil {
			return fmt.Errorf("asking for the groups of %s: %w", user, err)
		}
		for _, g := range in {
			e.Assignments.Groups = append(e.Assignments.Groups, AssignedGroup{Name: g, Users: []string{user}})
			if groups[g] {
				continue
			}
			groups[g] = true
			roles, err := p.GroupRoles(ctx, g)
			if err != nil {
				return fmt.Errorf("asking for the roles of group %s: %w", g, err)
			}
			for _, r := range roles {
				e.Assignments.Roles = append(e.Assignments.Roles, AssignedRole{Group: strings.TrimSpace(g), Role: r.Name, Application: r.Application})
			}
		}
	}
	return nil
}
