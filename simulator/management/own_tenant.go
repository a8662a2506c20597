package management

import (
	"net/http"
	"slices"
	"time"

	"example.com/gatehouse/simulator/iflow"
	"example.com/gatehouse/simulator/management/odata"
	"example.com/gatehouse/simulator/tenant"
)

// auditEntry is an entry of the audit log.
type auditEntry struct {
	Time   time.Time `json:"time"`
	User   string    `json:"user"`
	Action string    `json:"action"`
	Object string    `json:"object"`
	Result string    `json:"result"`
	Detail string    `json:"detail,omitempty"`
}

// ownAudit lists the newest entries of the audit log, the oldest first.
func ownAudit(c *ownCall) (any, *odata.Error) {
	limit, err := c.number("limit", defaultListed, 1, tenant.MaxAudit)
	if err != nil {
		return nil, err
	}
	all := c.server.config.Tenant.AuditLog()
	out := []auditEntry{}
	for _, e := range all[max(0, len(all)-limit):] {
		out = append(out, auditEntry{e.Time.UTC(), e.User, e.Action, e.Object, e.Result, e.Detail})
	}
	return map[string]any{"entries": out}, nil
}

// flowReport tells what was read of an integration flow.
type flowReport struct {
	ID         string          `json:"id"`
	Name       string          `json:"name"`
	Version    string          `json:"version"`
	Channels   []flowChannel   `json:"channels"`
	Parameters []flowParameter `json:"parameters"`
	Findings   []iflow.Finding `json:"findings"`
}

type flowChannel struct {
	Address  string `json:"address"`
	Adapter  string `json:"adapter"`
	UserRole string `json:"userRole,omitempty"`
	// Table has the DN pairs of Client Certificate authorization.
	Table []tenant.DNPair `json:"table,omitempty"`
}

type flowParameter struct {
	Key    string `json:"key"`
	Value  string `json:"value"`
	Source string `json:"source"`
}

// ownFlow tells what was read of an uploaded integration flow, and what could not be read or
// resolved, with file and key: the real interface has no place for that.
func ownFlow(c *ownCall) (any, *odata.Error) {
	a, ok := c.server.config.Tenant.Snapshot().Artifact(c.rest)
	if !ok {
		return nil, odata.NotFound()
	}
	out := flowReport{ID: a.ID, Name: a.Name, Version: a.Version, Findings: []iflow.Finding{}, Channels: []flowChannel{}, Parameters: []flowParameter{}}
	for _, ch := range a.Channels {
		report := flowChannel{Address: ch.Address, Adapter: string(ch.Adapter), Table: ch.Authorization.Table}
		if !ch.Authorization.ClientCertificate() {
			report.UserRole = ch.Role()
		}
		out.Channels = append(out.Channels, report)
	}
	for _, p := range parameters(a) {
		out.Parameters = append(out.Parameters, flowParameter{p.Key, p.Value, string(p.Source)})
	}
	if a.Content != nil {
		f, err := readFlow(a.ID, a.Content, a.Parameters)
		if err != nil {
			return nil, err
		}
		out.Findings = append(out.Findings, f.Findings...)
	}
	return out, nil
}

// update changes the tenant's configuration.
func (c *ownCall) update(doing string, change func(*tenant.Config)) *odata.Error {
	return c.server.update(doing, change)
}

// ownPutUser makes a user of the identity provider, or gives it another password.
func ownPutUser(c *ownCall) (any, *odata.Error) {
	var body struct {
		Password string `json:"password"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	return struct{}{}, c.update("Making the user", func(config *tenant.Config) {
		user := tenant.User{Name: c.rest, Password: body.Password}
		if i := slices.IndexFunc(config.Users, func(u tenant.User) bool { return u.Name == c.rest }); i >= 0 {
			config.Users[i] = user
			return
		}
		config.Users = append(config.Users, user)
	})
}

func ownDeleteUser(c *ownCall) (any, *odata.Error) {
	if c.rest == c.user {
		return nil, odata.Errorf(http.StatusConflict, "This is the user of this call: nobody can remove itself.")
	}
	return struct{}{}, c.update("Removing the user", func(config *tenant.Config) {
		config.Users = slices.DeleteFunc(config.Users, func(u tenant.User) bool { return u.Name == c.rest })
	})
}

// ownPutClient makes an OAuth client, or gives it another secret and other scopes.
func ownPutClient(c *ownCall) (any, *odata.Error) {
	var body struct {
		Secret string   `json:"secret"`
		Scopes []string `json:"scopes"`
	}
	if err := c.body(&body); err != nil {
		return nil, err
	}
	return struct{}{}, c.update("Making the OAuth client", func(config *tenant.Config) {
		client := tenant.Client{ID: c.rest, Secret: body.Secret, Scopes: body.Scopes}
		if i := slices.IndexFunc(config.Clients, func(other tenant.Client) bool { return other.ID == c.rest }); i >= 0 {
			config.Clients[i] = client
			return
		}
		config.Clients = append(config.Clients, client)
	})
}

func ownDeleteClient(c *ownCall) (any, *odata.Error) {
	return struct{}{}, c.update("Removing the OAuth client", func(config *tenant.Config) {
		config.Clients = slices.DeleteFunc(config.Clients, func(other tenant.Client) bool { return other.ID == c.rest })
	})
}
