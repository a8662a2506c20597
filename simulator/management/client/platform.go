package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// PlatformConfig says where the Neo platform API is and who asks.
type PlatformConfig struct {
	// Config: URL is "https://api.<landscape>"; the credentials are those of a platform API client,
	// ClientID and ClientSecret. TokenURL has the default /oauth2/apitoken/v1 at that URL.
	Config
	// Account is the subaccount, ProviderAccount the one that provides the applications (usually of
	// SAP, and the subaccount itself in a simulated tenant). Default of the second: left out.
	Account         string
	ProviderAccount string
}

// Platform speaks to the platform API of one subaccount: roles, groups and users. A real one takes
// 100 requests a minute [C] and answers ErrTooMany then. It is safe for use by many goroutines.
type Platform struct {
	connection
	tokens            *tokenSource
	account, provider string
}

// NewPlatform makes a client; it does not connect yet.
func NewPlatform(c PlatformConfig) (*Platform, error) {
	base, err := parseBase(c.URL)
	if err != nil {
		return nil, err
	}
	if c.Account == "" || c.Credentials.ClientID == "" {
		return nil, errors.New("the platform API needs an account and the id and secret of a platform API client")
	}
	client, err := newHTTP(c.Config)
	if err != nil {
		return nil, err
	}
	token := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: "/oauth2/apitoken/v1"}
	if c.Credentials.TokenURL != "" {
		if token, err = url.Parse(c.Credentials.TokenURL); err != nil || token.Scheme != "https" || token.Host == "" {
			return nil, fmt.Errorf("the token URL %q is none, expected https://api.<landscape>/oauth2/apitoken/v1", c.Credentials.TokenURL)
		}
	}
	return &Platform{
		connection: connection{base, client}, account: c.Account, provider: c.ProviderAccount,
		tokens: newTokenSource(client, token, c.Credentials.ClientID, c.Credentials.ClientSecret, c.Now),
	}, nil
}

// Role is a role of an application.
type Role struct {
	Name string `json:"name"`
	// Type is PREDEFINED or CUSTOM.
	Type            string `json:"type,omitempty"`
	ApplicationRole bool   `json:"applicationRole,omitempty"`
	Shared          bool   `json:"shared,omitempty"`
}

// AssignedRole is a role that a user or group has on an application.
type AssignedRole struct {
	Name            string `json:"name"`
	Application     string `json:"applicationName"`
	ProviderAccount string `json:"providerAccount"`
}

type named struct {
	Name string `json:"name"`
}

func namesOf(list []named) []string {
	out := make([]string, len(list))
	for i, n := range list {
		out[i] = n.Name
	}
	return out
}

func namedOf(names []string) []named {
	out := make([]named, len(names))
	for i, n := range names {
		out[i] = named{n}
	}
	return out
}

// call sends a request below the account. body and into may be nil.
func (p *Platform) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	r := request{method: method, path: "/authorization/v1/accounts/" + url.PathEscape(p.account) + path, query: query, accept: jsonType}
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("writing a request: %w", err)
		}
		r.body, r.header = data, http.Header{"Content-Type": {jsonType}}
	}
	authorize := func(q *http.Request) error { return p.tokens.authorize(ctx, q) }
	answer, err := p.send(ctx, r, authorize)
	if errors.Is(err, ErrUnauthorized) {
		p.tokens.forget()
		answer, err = p.send(ctx, r, authorize)
	}
	if err != nil {
		return err
	}
	if into != nil {
		return decode(path, answer, into)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer)); err != nil {
		return fmt.Errorf("reading the answer: %w", err)
	}
	return nil
}

// of is the query of an application's calls.
func (p *Platform) of(pairs ...string) url.Values {
	out := url.Values{}
	if p.provider != "" {
		out.Set("providerAccount", p.provider)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out.Set(pairs[i], pairs[i+1])
	}
	return out
}

func application(name string) string { return "/apps/" + url.PathEscape(name) + "/roles" }

// Roles lists the roles of an application, such as "<account>iflmap".
func (p *Platform) Roles(ctx context.Context, app string) ([]Role, error) {
	var out struct{ Roles []Role }
	if err := p.call(ctx, http.MethodGet, application(app), p.of(), nil, &out); err != nil {
		return nil, fmt.Errorf("listing the roles of %s: %w", app, err)
	}
	return out.Roles, nil
}

// AddRoles makes custom roles of an application.
func (p *Platform) AddRoles(ctx context.Context, app string, roles ...string) error {
	if err := p.call(ctx, http.MethodPost, application(app), p.of(), map[string]any{"roles": namedOf(roles)}, nil); err != nil {
		return fmt.Errorf("adding roles to %s: %w", app, err)
	}
	return nil
}

// RemoveRoles removes custom roles; that there are none is no error.
func (p *Platform) RemoveRoles(ctx context.Context, app string, roles ...string) error {
	if err := p.call(ctx, http.MethodDelete, application(app), p.of("roles", strings.Join(roles, ";")), nil, nil); err != nil {
		return fmt.Errorf("removing roles of %s: %w", app, err)
	}
	return nil
}

// RoleUsers lists the users that have a role directly.
func (p *Platform) RoleUsers(ctx context.Context, app, role string) ([]string, error) {
	var out struct{ Users []named }
	if err := p.call(ctx, http.MethodGet, application(app)+"/users", p.of("roleName", role), nil, &out); err != nil {
		return nil, fmt.Errorf("listing the users of role %s on %s: %w", role, app, err)
	}
	return namesOf(out.Users), nil
}

// Assign gives a role to users, whether the identity provider knows them or not [C].
func (p *Platform) Assign(ctx context.Context, app, role string, users ...string) error {
	if err := p.call(ctx, http.MethodPut, application(app)+"/users", p.of("roleName", role), map[string]any{"users": namedOf(users)}, nil); err != nil {
		return fmt.Errorf("assigning role %s on %s: %w", role, app, err)
	}
	return nil
}

// Unassign takes a role from users.
func (p *Platform) Unassign(ctx context.Context, app, role string, users ...string) error {
	if err := p.call(ctx, http.MethodDelete, application(app)+"/users", p.of("roleName", role, "users", strings.Join(users, ";")), nil, nil); err != nil {
		return fmt.Errorf("withdrawing role %s on %s: %w", role, app, err)
	}
	return nil
}

// UserRoles lists the roles of a user on all applications.
func (p *Platform) UserRoles(ctx context.Context, user string) ([]AssignedRole, error) {
	var out struct{ Roles []AssignedRole }
	if err := p.call(ctx, http.MethodGet, "/users/roles/", url.Values{"userId": {user}}, nil, &out); err != nil {
		return nil, fmt.Errorf("listing the roles of user %s: %w", user, err)
	}
	return out.Roles, nil
}

// RemoveUserRoles takes every role from a user.
func (p *Platform) RemoveUserRoles(ctx context.Context, user string) error {
	if err := p.call(ctx, http.MethodDelete, "/users/roles", url.Values{"userId": {user}, "roles": {"*"}}, nil, nil); err != nil {
		return fmt.Errorf("withdrawing the roles of user %s: %w", user, err)
	}
	return nil
}

// Groups lists the groups of the subaccount.
func (p *Platform) Groups(ctx context.Context) ([]string, error) {
	return p.groups(ctx, "/groups", nil)
}

// UserGroups lists the groups of a user.
func (p *Platform) UserGroups(ctx context.Context, user string) ([]string, error) {
	return p.groups(ctx, "/users/groups", url.Values{"userId": {user}})
}

func (p *Platform) groups(ctx context.Context, path string, query url.Values) ([]string, error) {
	var out struct{ Groups []named }
	if err := p.call(ctx, http.MethodGet, path, query, nil, &out); err != nil {
		return nil, fmt.Errorf("listing groups: %w", err)
	}
	return namesOf(out.Groups), nil
}

// GroupRoles lists the roles of a group.
func (p *Platform) GroupRoles(ctx context.Context, group string) ([]AssignedRole, error) {
	var out struct{ Roles []AssignedRole }
	if err := p.call(ctx, http.MethodGet, "/groups/roles", url.Values{"groupName": {group}}, nil, &out); err != nil {
		return nil, fmt.Errorf("listing the roles of group %s: %w", group, err)
	}
	return out.Roles, nil
}

// GroupUsers lists the users of a group.
func (p *Platform) GroupUsers(ctx context.Context, group string) ([]string, error) {
	var out struct{ Users []named }
	if err := p.call(ctx, http.MethodGet, "/groups/users", url.Values{"groupName": {group}}, nil, &out); err != nil {
		return nil, fmt.Errorf("listing the users of group %s: %w", group, err)
	}
	return namesOf(out.Users), nil
}
