package client

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// UserCredential is a deployed User Credentials artifact. It serves outbound calls; nobody can log on
// with it [C]. The password is never read.
type UserCredential struct {
	Name, Kind, Description, User string
}

// UserCredentials lists the User Credentials artifacts.
func (c *Client) UserCredentials(ctx context.Context) ([]UserCredential, error) {
	type credential struct {
		Name        string `json:"Name"`
		Kind        string `json:"Kind"`
		Description string `json:"Description"`
		User        string `json:"User"`
	}
	entities, err := list[credential](ctx, c, "UserCredentials", nil)
	if err != nil {
		return nil, fmt.Errorf("listing the user credentials: %w", err)
	}
	out := make([]UserCredential, len(entities))
	for i, e := range entities {
		out[i] = UserCredential(e)
	}
	return out, nil
}

// AddUserCredential deploys a User Credentials artifact.
func (c *Client) AddUserCredential(ctx context.Context, u UserCredential, password string) error {
	if u.Kind == "" {
		u.Kind = "default"
	}
	body := map[string]string{"Name": u.Name, "Kind": u.Kind, "Description": u.Description, "User": u.User, "Password": password}
	if err := c.modify(ctx, http.MethodPost, "UserCredentials", nil, body, nil); err != nil {
		return fmt.Errorf("deploying the user credentials %s: %w", u.Name, err)
	}
	return nil
}

// RemoveUserCredential removes a User Credentials artifact. [?]
func (c *Client) RemoveUserCredential(ctx context.Context, name string) error {
	if err := c.modify(ctx, http.MethodDelete, key("UserCredentials", name), nil, nil, nil); err != nil {
		return fmt.Errorf("removing the user credentials %s: %w", name, err)
	}
	return nil
}

// KeystoreEntry is an entry of the tenant keystore, which has nothing to do with inbound calls [C].
type KeystoreEntry struct {
	Hexalias, Alias, KeyType, Type, Owner, Status string
	SubjectDN, IssuerDN, SerialNumber             string
	FingerprintSHA256                             string
	NotBefore, NotAfter                           time.Time
}

// KeystoreEntries lists the tenant keystore.
func (c *Client) KeystoreEntries(ctx context.Context) ([]KeystoreEntry, error) {
	type entry struct {
		Hexalias          string `json:"Hexalias"`
		Alias             string `json:"Alias"`
		KeyType           string `json:"KeyType"`
		Type              string `json:"Type"`
		Owner             string `json:"Owner"`
		Status            string `json:"Status"`
		SubjectDN         string `json:"SubjectDN"`
		IssuerDN          string `json:"IssuerDN"`
		SerialNumber      string `json:"SerialNumber"`
		FingerprintSha256 string `json:"FingerprintSha256"`
		ValidNotBefore    moment `json:"ValidNotBefore"`
		ValidNotAfter     moment `json:"ValidNotAfter"`
	}
	entities, err := list[entry](ctx, c, "KeystoreEntries", nil)
	if err != nil {
		return nil, fmt.Errorf("listing the keystore: %w", err)
	}
	out := make([]KeystoreEntry, len(entities))
	for i, e := range entities {
		out[i] = KeystoreEntry{
			Hexalias: e.Hexalias, Alias: e.Alias, KeyType: e.KeyType, Type: e.Type, Owner: e.Owner, Status: e.Status,
			SubjectDN: e.SubjectDN, IssuerDN: e.IssuerDN, SerialNumber: e.SerialNumber, FingerprintSHA256: e.FingerprintSha256,
			NotBefore: time.Time(e.ValidNotBefore), NotAfter: time.Time(e.ValidNotAfter),
		}
	}
	return out, nil
}
