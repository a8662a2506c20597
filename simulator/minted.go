package simulator

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/privatekey"
	"example.com/gatehouse/simulator/document"
)

// Certificates that were minted are kept with the tenant's state and with an exported landscape, keys
// and all: a mapping is of one certificate, byte by byte, and would be of no use if its sender got a
// new one with the next start.

// minted is a certificate as it is kept.
type minted struct {
	// Of is a digest of its description and of all that it depends on: where something of that has
	// changed, the certificate is minted anew.
	Of          string      `json:"of"`
	Certificate []byte      `json:"certificate"`
	Key         []byte      `json:"key,omitempty"` // PKCS#8
	Above       []pki.Above `json:"above,omitempty"`
	Extra       []byte      `json:"extra,omitempty"`
}

// Names of what is kept: those of the pki section have a prefix, so that no other gets in their way.
const keptPrefix = "pki/"

// serverCAs are the certificates above the server certificates that the document does not describe.
func serverCAs() []pki.Description {
	return []pki.Description{
		{Name: "server root", Subject: "CN=Example Server Root CA, O=Gatehouse, C=DE", CA: true},
		{Name: "server CA", Issuer: "server root", Subject: "CN=Example Server CA, O=Gatehouse, C=DE", CA: true},
	}
}

// mint mints the certificates of the landscape and the CA above its servers, as far as they are not
// kept already, and returns what to keep of them.
func (s *Simulator) mint(ctx context.Context, kept map[string][]byte) (keep map[string][]byte, err error) {
	l := s.landscape
	if len(kept) == 0 && l.Minted != "" {
		if kept, err = l.readMinted(); err != nil {
			return nil, err
		}
	}
	options := pki.Options{Now: s.clock.Now, Rand: s.rand, Load: l.load, Existing: existing(l.PKI, kept, keptPrefix)}
	if s.set, err = pki.Mint(ctx, l.PKI, options); err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("minting the certificates: %w", err)
		}
		return nil, s.mintProblems(err)
	}
	options.Existing = existing(serverCAs(), kept, "")
	servers, err := pki.Mint(ctx, serverCAs(), options)
	if err != nil {
		return nil, fmt.Errorf("minting the load balancer's CA: %w", err)
	}
	s.servers, _ = servers.Get("server CA")
	if s.store == nil {
		return nil, nil
	}
	keep = make(map[string][]byte)
	if err := keepOf(keep, l.PKI, s.set, keptPrefix); err != nil {
		return nil, err
	}
	return keep, keepOf(keep, serverCAs(), servers, "")
}

// existing are the certificates that are kept and whose descriptions have not changed. What cannot be
// read is minted anew.
func existing(descriptions []pki.Description, kept map[string][]byte, prefix string) map[string]pki.Existing {
	out := make(map[string]pki.Existing)
	for _, d := range descriptions {
		m, ok := readKept(kept[prefix+d.Name])
		if !ok || m.Of != digest(descriptions, d.Name) {
			continue
		}
		e := pki.Existing{DER: m.Certificate, Above: m.Above, Extra: m.Extra}
		if m.Key != nil {
			key, err := privatekey.Parse(m.Key)
			if err != nil {
				continue
			}
			e.Key = key
		}
		out[d.Name] = e
	}
	return out
}

// keepOf adds what to keep of a set. Certificates from files are not kept: the file is.
func keepOf(keep map[string][]byte, descriptions []pki.Description, set *pki.Set, prefix string) error {
	for _, d := range descriptions {
		c, ok := set.Get(d.Name)
		if !ok || d.File != "" {
			continue
		}
		m := minted{Of: digest(descriptions, d.Name), Certificate: c.DER(), Above: c.Above()}
		if extra := c.Extra(); extra != nil {
			m.Extra = extra.DER()
		}
		if key := c.Key(); key != nil {
			der, err := privatekey.Marshal(key)
			if err != nil {
				return fmt.Errorf("keeping the key of %q: %w", d.Name, err)
			}
			m.Key = der
		}
		if err := m.keep(keep, prefix+d.Name); err != nil {
			return err
		}
	}
	return nil
}

// readKept reads one certificate and tells whether it is one.
func readKept(data []byte) (m minted, ok bool) {
	ok = len(data) > 0 && json.Unmarshal(data, &m) == nil && len(m.Certificate) > 0
	return m, ok
}

// keep adds the certificate to what is kept.
func (m minted) keep(kept map[string][]byte, name string) error {
	data, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("keeping the certificate %q: %w", name, err)
	}
	kept[name] = data
	return nil
}

// digest tells whether a description is the same as before, with all that it depends on.
func digest(descriptions []pki.Description, name string) string {
	data, err := json.Marshal(pki.EntriesFor(descriptions, name))
	if err != nil {
		return "" // plain data can always be written
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// readMinted reads the file of the document's minted key.
func (l Landscape) readMinted() (map[string][]byte, error) {
	fail := func(err error) error {
		return document.Problems{l.source.Problem("minted", "%v: name the file that \"gatehouse export\" wrote, or remove the line", err)}
	}
	data, err := l.load(l.Minted)
	if err != nil {
		return nil, fail(err)
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, fail(fmt.Errorf("reading %s: %w", l.Minted, err))
	}
	out := make(map[string][]byte, len(raw))
	for name, value := range raw {
		out[name] = value
	}
	return out, nil
}

// writeMinted is the content of the file that readMinted reads.
func writeMinted(kept map[string][]byte) ([]byte, error) {
	raw := make(map[string]json.RawMessage, len(kept))
	for name, value := range kept {
		raw[name] = value
	}
	data, err := json.MarshalIndent(raw, "", " ")
	if err != nil {
		return nil, fmt.Errorf("writing the certificates that were minted: %w", err)
	}
	return append(data, '\n'), nil
}
