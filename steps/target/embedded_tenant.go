package target

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/tenant"
)

func (s *embeddedSession) Map(_ context.Context, certificate []byte, user string) error {
	return s.tenant().MapCertificate(certificate, user)
}

func (s *embeddedSession) Unmap(_ context.Context, certificate []byte) (bool, error) {
	return s.tenant().Unmap(certificate), nil
}

func (s *embeddedSession) Update(_ context.Context, change func([]tenant.Mapping) []tenant.Mapping) error {
	return s.tenant().Update(func(c *tenant.Config) error {
		c.Mappings = change(c.Mappings)
		return nil
	})
}

func (s *embeddedSession) Assign(_ context.Context, a tenant.Assignment) error {
	return s.tenant().Assign(a)
}

func (s *embeddedSession) Unassign(_ context.Context, a tenant.Assignment) (bool, error) {
	return s.tenant().Unassign(a), nil
}

func (s *embeddedSession) AddGroup(_ context.Context, group, user string) error {
	return s.tenant().Update(func(c *tenant.Config) error {
		for i, g := range c.Groups {
			if strings.EqualFold(g.Name, group) {
				c.Groups[i].Users = append(c.Groups[i].Users, user)
				return nil
			}
		}
		c.Groups = append(c.Groups, tenant.Group{Name: group, Users: []string{user}})
		return nil
	})
}

func (s *embeddedSession) AddUser(_ context.Context, user, password string) error {
	return s.tenant().Update(func(c *tenant.Config) error {
		c.Users = append(c.Users, tenant.User{Name: user, Password: password})
		return nil
	})
}

func (s *embeddedSession) AddCredential(_ context.Context, user, password string) error {
	return s.tenant().Update(func(c *tenant.Config) error {
		c.Credentials = append(c.Credentials, tenant.Credential{Name: user, User: user, Password: password})
		return nil
	})
}

func (s *embeddedSession) AddClient(_ context.Context, id string) error {
	return s.tenant().Update(func(c *tenant.Config) error {
		c.Clients = append(c.Clients, tenant.Client{ID: id, Secret: "secret of " + id})
		return nil
	})
}

// tokenLifetime is how long the tokens of a scenario's OAuth clients are valid.
const tokenLifetime = 25 * time.Minute

func (s *embeddedSession) Token(_ context.Context, client string) (string, error) {
	return s.tenant().IssueToken(client, tokenLifetime, nil)
}

func (s *embeddedSession) AddToKeystore(_ context.Context, alias string, certificate []byte) error {
	return s.tenant().Update(func(c *tenant.Config) error {
		c.Keystore = append(c.Keystore, tenant.KeystoreEntry{Alias: alias, Certificate: certificate})
		return nil
	})
}

func (s *embeddedSession) PutChannel(_ context.Context, c simulator.Channel) error {
	return s.tenant().Update(func(config *tenant.Config) error {
		runtime := c.Runtime(s.sim.Certificates())
		for i, have := range config.Channels {
			if have.Address == c.Address {
				config.Channels[i] = runtime
				return nil
			}
		}
		config.Channels = append(config.Channels, runtime)
		return nil
	})
}

func (s *embeddedSession) Design(_ context.Context, address string, change func(*tenant.Channel)) error {
	return s.tenant().Design(address, change)
}

func (s *embeddedSession) Deploy(_ context.Context, address string, downtime time.Duration) error {
	return s.tenant().Deploy(address, downtime)
}

// LinesOfDay counts in the files that are named after the day: a line in another day's file is not
// one of this day.
func (s *embeddedSession) LinesOfDay(_ context.Context, day string) (lines, files int, err error) {
	found, err := filepath.Glob(filepath.Join(s.sim.LogFolder(), "http_access_*_"+day+".log"))
	if err != nil {
		return 0, 0, fmt.Errorf("the day %q is no date such as 2026-11-24: %w", day, err)
	}
	for _, f := range found {
		data, err := os.ReadFile(f)
		if err != nil {
			return 0, 0, &FaultError{"reading the access logs", err}
		}
		lines += strings.Count(string(data), "\n")
	}
	return lines, len(found), nil
}

func (s *embeddedSession) TraceFiles(context.Context) ([]string, error) {
	entries, err := os.ReadDir(s.sim.LogFolder())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, &FaultError{"listing the log files", fmt.Errorf("folder %s: %w", s.sim.LogFolder(), err)}
	}
	var files []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "ljs_trace_") {
			files = append(files, e.Name())
		}
	}
	return files, nil
}
