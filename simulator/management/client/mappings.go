package client

import (
	"context"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const mappingSet = "CertificateUserMappings"

// Mapping is an entry of the certificate-to-user mapping.
type Mapping struct {
	ID   string
	User string
	// Certificate is the DER; nil if what the tenant has is none.
	Certificate               []byte
	CreatedBy, LastModifiedBy string
	Created, LastModified     time.Time
	// ValidUntil is when the certificate expires, as the tenant says; zero if it does not.
	ValidUntil time.Time
}

type mappingEntity struct {
	ID               string `json:"Id"`
	User             string `json:"User"`
	Certificate      string `json:"Certificate"`
	LastModifiedBy   string `json:"LastModifiedBy"`
	CreatedBy        string `json:"CreatedBy"`
	LastModifiedTime moment `json:"LastModifiedTime"`
	CreatedTime      moment `json:"CreatedTime"`
	ValidUntil       number `json:"ValidUntil"`
}

func (e mappingEntity) mapping() Mapping {
	m := Mapping{
		ID: e.ID, User: e.User, CreatedBy: e.CreatedBy, LastModifiedBy: e.LastModifiedBy,
		Created: time.Time(e.CreatedTime), LastModified: time.Time(e.LastModifiedTime), ValidUntil: milliseconds(e.ValidUntil),
	}
	// The property is base64 of the PEM text [C]; DER without PEM around it is understood too.
	if data, err := base64.StdEncoding.DecodeString(e.Certificate); err == nil && len(data) > 0 {
		m.Certificate = data
		if block, _ := pem.Decode(data); block != nil {
			m.Certificate = block.Bytes
		}
	}
	return m
}

// Mappings lists the certificate-to-user mapping, of one user only if user is not empty.
func (c *Client) Mappings(ctx context.Context, user string) ([]Mapping, error) {
	var query url.Values
	if user != "" {
		query = url.Values{"$filter": {"User eq " + quoted(user)}}
	}
	entities, err := list[mappingEntity](ctx, c, mappingSet, query)
	if err != nil {
		return nil, fmt.Errorf("listing the mappings: %w", err)
	}
	out := make([]Mapping, len(entities))
	for i, e := range entities {
		out[i] = e.mapping()
	}
	return out, nil
}

// Mapping reads one mapping.
func (c *Client) Mapping(ctx context.Context, id string) (Mapping, error) {
	e, err := entity[mappingEntity](ctx, c, key(mappingSet, id), nil)
	if err != nil {
		return Mapping{}, fmt.Errorf("reading the mapping %s: %w", id, err)
	}
	return e.mapping(), nil
}

// Map maps a certificate, given as its DER, to a user. A certificate that is mapped already only
// changes its user [C].
func (c *Client) Map(ctx context.Context, der []byte, user string) (Mapping, error) {
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	var out struct {
		D mappingEntity `json:"d"`
	}
	body := map[string]string{"User": user, "Certificate": base64.StdEncoding.EncodeToString(text)}
	if err := c.modify(ctx, http.MethodPost, mappingSet, nil, body, &out); err != nil {
		return Mapping{}, fmt.Errorf("mapping a certificate to user %s: %w", user, err)
	}
	return out.D.mapping(), nil
}

// Unmap removes a mapping.
func (c *Client) Unmap(ctx context.Context, id string) error {
	if err := c.modify(ctx, http.MethodDelete, key(mappingSet, id), nil, nil, nil); err != nil {
		return fmt.Errorf("removing the mapping %s: %w", id, err)
	}
	return nil
}
