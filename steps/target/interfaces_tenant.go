package target

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"sync"
	"time"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/management/client"
	"example.com/gatehouse/simulator/systemlog"
	"example.com/gatehouse/simulator/tenant"
)

// clients are the tenant's interfaces by way of the client that everything in Gatehouse uses.
type clients struct {
	odata    *client.Client
	platform *client.Platform // nil without
	waits    Waits

	mu       sync.Mutex
	mappings map[string]mapping // by DER; nil: not asked for yet
	app      map[string]string  // applications of log files, by name
}

type mapping struct{ id, user string }

// interfaces makes the clients that the document describes; none is asked anything yet.
func (d Document) interfaces() (tenantInterfaces, ownInterfaces, error) {
	if d.Management == nil {
		return nil, nil, nil
	}
	config, err := d.client(*d.Management)
	if err != nil {
		return nil, nil, fmt.Errorf("the target's management section: %w", err)
	}
	odata, err := client.New(config)
	if err != nil {
		return nil, nil, fmt.Errorf("the target's management section: %w", err)
	}
	out := &clients{odata: odata, waits: d.Limits.withDefaults(), app: map[string]string{}}
	if d.Platform != nil {
		config, err := d.client(*d.Platform)
		if err != nil {
			return nil, nil, fmt.Errorf("the target's platform section: %w", err)
		}
		account := d.Account
		if account == "" {
			account = "e100999"
		}
		if out.platform, err = client.NewPlatform(client.PlatformConfig{Config: config, Account: account, ProviderAccount: d.ProviderAccount}); err != nil {
			return nil, nil, fmt.Errorf("the target's platform section: %w", err)
		}
	}
	own, err := d.ownClient(*d.Management)
	return out, own, err
}

// client is the configuration of a client for an interface.
func (d Document) client(i Interface) (client.Config, error) {
	secret, err := d.secret(i.Secret)
	if err != nil {
		return client.Config{}, err
	}
	roots, err := d.roots(i.Endpoint)
	if err != nil {
		return client.Config{}, err
	}
	config := client.Config{URL: i.URL, Trusted: roots}
	if i.Client != "" {
		config.Credentials = client.Credentials{ClientID: i.Client, ClientSecret: secret, TokenURL: i.TokenURL}
	} else {
		config.Credentials = client.Credentials{User: i.User, Password: secret}
	}
	if i.Address != "" {
		config.Transport = transport(roots, i.Address)
	}
	return config, nil
}

// transport connects to an address, whatever the URL's host is.
func transport(roots []*x509.Certificate, address string) http.RoundTripper {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.Proxy = nil
	t.TLSClientConfig = tlsConfig(roots)
	if address != "" {
		t.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, network, address)
		}
	}
	return t
}

// judged tells a refusal of the tenant from a fault of the way.
func judged(err error) error {
	var refused *client.Error
	if err == nil || !errors.As(err, &refused) || refused.Status >= 500 && refused.Status != http.StatusNotImplemented && refused.Status != http.StatusInternalServerError {
		return err
	}
	return &refusedError{err, refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden || refused.Status == http.StatusTooManyRequests}
}

// patiently repeats a call that was answered with "too many requests". [C] The platform API takes
// 100 a minute.
func patiently[T any](ctx context.Context, limit time.Duration, call func() (T, error)) (T, error) {
	end := time.Now().Add(limit)
	for {
		out, err := call()
		var refused *client.Error
		if !errors.Is(err, client.ErrTooMany) || !errors.As(err, &refused) {
			return out, judged(err)
		}
		pause := max(refused.RetryAfter, PollInterval)
		if time.Now().Add(pause).After(end) {
			return out, judged(err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return out, context.Cause(ctx)
		}
	}
}

// mapped looks into the mappings as they were when somebody first asked, and what was changed here
// since: certificates of scenarios are nobody else's, and a tenant may have thousands of mappings.
func (c *clients) mapped(ctx context.Context, certificate []byte) (id, user string, found bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mappings == nil {
		all, err := c.odata.Mappings(ctx, "")
		if err != nil {
			return "", "", false, judged(err)
		}
		c.mappings = make(map[string]mapping, len(all))
		for _, m := range all {
			c.mappings[string(m.Certificate)] = mapping{m.ID, m.User}
		}
	}
	m, found := c.mappings[string(certificate)]
	return m.id, m.user, found, nil
}

func (c *clients) mapCertificate(ctx context.Context, certificate []byte, user string) error {
	m, err := c.odata.Map(ctx, certificate, user)
	if err != nil {
		return judged(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mappings[string(certificate)] = mapping{m.ID, user}
	return nil
}

func (c *clients) unmap(ctx context.Context, id string) error {
	if err := c.odata.Unmap(ctx, id); err != nil && !errors.Is(err, client.ErrNotFound) {
		return judged(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.mappings, func(_ string, m mapping) bool { return m.id == id })
	return nil
}

func (c *clients) usersOfRole(ctx context.Context, application, role string) ([]string, error) {
	users, err := patiently(ctx, c.waits.Change+time.Minute, func() ([]string, error) { return c.platform.RoleUsers(ctx, application, role) })
	if errors.Is(err, client.ErrNotFound) {
		return nil, nil
	}
	return users, err
}

func (c *clients) assign(ctx context.Context, application, role, user string) error {
	return c.patient(ctx, func() error { return c.platform.Assign(ctx, application, role, user) })
}

func (c *clients) unassign(ctx context.Context, application, role, user string) error {
	return c.patient(ctx, func() error { return c.platform.Unassign(ctx, application, role, user) })
}

// patient is patiently for a call that answers nothing.
func (c *clients) patient(ctx context.Context, call func() error) error {
	_, err := patiently(ctx, c.waits.Change+time.Minute, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

func (c *clients) addGroup(ctx context.Context, group, user string) error {
	return c.patient(ctx, func() error { return c.platform.AddGroup(ctx, group, user) })
}

func (c *clients) assignGroup(ctx context.Context, application, role, group string) error {
	return c.patient(ctx, func() error { return c.platform.AssignGroup(ctx, application, role, group) })
}

func (c *clients) removeGroup(ctx context.Context, group string) error {
	return c.patient(ctx, func() error { return c.platform.RemoveGroup(ctx, group) })
}

func (c *clients) addCredential(ctx context.Context, name, user, password string) error {
	return judged(c.odata.AddUserCredential(ctx, client.UserCredential{Name: name, User: user}, password))
}

func (c *clients) removeCredential(ctx context.Context, name string) error {
	return judged(unless(c.odata.RemoveUserCredential(ctx, name), client.ErrNotFound))
}

// close closes idle connections.
func (c *clients) close() {
	c.odata.Close()
	if c.platform != nil {
		c.platform.Close()
	}
}

func (c *clients) hasPlatform() bool { return c.platform != nil }

func (c *clients) logFiles(ctx context.Context, kind systemlog.Kind) ([]logFile, error) {
	all, err := c.odata.LogFiles(ctx, string(kind))
	if err != nil {
		return nil, judged(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]logFile, len(all))
	for i, f := range all {
		out[i] = logFile{name: f.Name, size: f.Size, modified: f.LastModified}
		c.app[f.Name] = f.Application
	}
	return out, nil
}

// maxLog bounds what is read of one log file, in bytes.
const maxLog = 1 << 30

func (c *clients) logFile(ctx context.Context, name string) ([]byte, error) {
	c.mu.Lock()
	application := c.app[name]
	c.mu.Unlock()
	body, err := c.odata.OpenLogFile(ctx, client.LogFile{Name: name, Application: application})
	if err != nil {
		return nil, judged(err)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, maxLog+1))
	if err == nil && len(data) > maxLog {
		err = fmt.Errorf("the file is larger than %d bytes", maxLog)
	}
	return data, err
}

func (c *clients) viewFlows(ctx context.Context) error {
	_, err := c.odata.Artifact(ctx, "GatehouseProbe")
	return judged(unless(err, client.ErrNotFound))
}

func (c *clients) upload(ctx context.Context, pkg, id string, channels []tenant.Channel) error {
	export, err := iflow.Describe(id, id, channels).Zip()
	if err != nil {
		return fmt.Errorf("writing the flow %s: %w", id, err)
	}
	return judged(c.odata.Upload(ctx, client.Artifact{ID: id, Name: id, Package: pkg}, export))
}

func (c *clients) remove(ctx context.Context, id string) error {
	return judged(unless(c.odata.RemoveArtifact(ctx, id), client.ErrNotFound))
}

func (c *clients) deploy(ctx context.Context, id string) error {
	task, err := c.odata.Deploy(ctx, id)
	if err != nil {
		return judged(err)
	}
	if err := c.odata.WaitDeployed(ctx, task, PollInterval); err != nil {
		return err
	}
	// Deployed is not started yet: there is a short downtime. [C] blog
	return waitFor(ctx, c.waits.Change, func() (bool, error) {
		flow, err := c.odata.RuntimeFlow(ctx, id)
		if err != nil {
			return false, err
		}
		if flow.Status == client.Failed {
			return false, fmt.Errorf("the flow %s was deployed and has the status %s", id, flow.Status)
		}
		return flow.Status == client.Started, nil
	})
}

func (c *clients) undeploy(ctx context.Context, id string) error {
	return judged(unless(c.odata.Undeploy(ctx, id), client.ErrNotFound))
}

// unless is no error if the error is the expected one.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
