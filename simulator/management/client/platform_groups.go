package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
)

// AddGroup makes a group of the subaccount with these users. That it is there already is no error, and
// its users stay. [I: writing groups, SAP-docs/btp-neo-environment]
func (p *Platform) AddGroup(ctx context.Context, group string, users ...string) error {
	if err := p.call(ctx, http.MethodPost, "/groups", nil, map[string]any{"groups": namedOf([]string{group})}, nil); err != nil {
		return fmt.Errorf("making the group %s: %w", group, err)
	}
	if len(users) == 0 {
		return nil
	}
	if err := p.call(ctx, http.MethodPut, "/groups/users", url.Values{"groupName": {group}}, map[string]any{"users": namedOf(users)}, nil); err != nil {
		return fmt.Errorf("adding users to the group %s: %w", group, err)
	}
	return nil
}

// RemoveGroup removes a group with what was assigned to it; that there is none is no error. [I]
func (p *Platform) RemoveGroup(ctx context.Context, group string) error {
	if err := p.call(ctx, http.MethodDelete, "/groups", url.Values{"groups": {group}}, nil, nil); err != nil {
		return fmt.Errorf("removing the group %s: %w", group, err)
	}
	return nil
}

// AssignGroup gives a role of an application to a group. [I]
func (p *Platform) AssignGroup(ctx context.Context, app, role, group string) error {
	assigned := AssignedRole{Name: role, Application: app, ProviderAccount: p.provider}
	if p.provider == "" {
		assigned.ProviderAccount = p.account
	}
	if err := p.call(ctx, http.MethodPut, "/groups/roles", url.Values{"groupName": {group}}, map[string]any{"roles": []AssignedRole{assigned}}, nil); err != nil {
		return fmt.Errorf("assigning role %s on %s to the group %s: %w", role, app, group, err)
	}
	return nil
}
