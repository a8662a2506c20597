// Package neighbour puts a real load balancer, HAProxy or nginx, in front of the runtime nodes. It
// writes the configuration that makes such a neighbour behave as the real load balancer does as
// far as its own means go (Write), and it opens the nodes to that neighbour alone (Listen).
//
// What the neighbours cannot do is listed in Limits, and not made up for: a verdict comes from
// the neighbour, and nobody verifies a sender's certificate here. The package starts no program.
package neighbour

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/simulator/document"
	"example.com/gatehouse/simulator/loadbalancer"
)

// Kind is the program that stands in front.
type Kind string

// The kinds. Both are known in the versions of Debian 12: HAProxy 2.6 and nginx 1.22.
const (
	HAProxy Kind = "haproxy"
	Nginx   Kind = "nginx"
)

// ParseKind reads the name of a kind.
func ParseKind(text string) (Kind, error) {
	known := []string{string(HAProxy), string(Nginx)}
	if !slices.Contains(known, text) {
		return "", fmt.Errorf("found %q, expected haproxy or nginx%s", text, document.DidYouMean(text, known))
	}
	return Kind(text), nil
}

// Host is a host name that the neighbour serves.
type Host struct {
	// Name is the host name, lower case.
	Name string
	// Certificate and Key are the PEM of the server certificate, chain included, and of its key.
	Certificate, Key []byte
	// Mode says what the host wants of client certificates. Default: request.
	Mode loadbalancer.Mode
	// Trust is the CA bundle. Without one the host never asks for a certificate.
	Trust []*x509.Certificate
}

// asks tells whether a sender is asked for a certificate.
func (h Host) asks() bool { return h.Mode != loadbalancer.None && len(h.Trust) > 0 }

// Node is a runtime node that listens for the neighbour.
type Node struct {
	// ID is the node's id.
	ID string
	// Address is where the neighbour reaches it, such as 127.0.0.1:9001.
	Address string
}

// Limits are those of the load balancer that a neighbour can keep, too. Zero values are the
// defaults of package loadbalancer.
type Limits struct {
	Header, BodyStall, Call, Idle time.Duration
}

// Config describes a neighbour.
type Config struct {
	// Listen is the address that senders call, such as 127.0.0.1:8443.
	Listen string
	// Default is the host for every name that no domain has.
	Default Host
	// Domains are the custom domains.
	Domains []Host
	// Nodes are the runtime nodes, one at least.
	Nodes []Node
	// Identity is what neighbour and nodes know each other by.
	Identity Identity
	// Folder is where the neighbour finds its files, as it sees them: in a container that may be
	// another folder than the one they are written to. Absolute.
	Folder string
	Limits Limits
}

// File is one file of a neighbour's configuration.
type File struct {
	// Name is the file's name without folder.
	Name string
	Data []byte
	// Secret tells that the file holds a private key and must be readable for its owner only.
	Secret bool
}

// Main is the name of the file that the neighbour is started with.
func (k Kind) Main() string {
	if k == Nginx {
		return "nginx.conf"
	}
	return "haproxy.cfg"
}

// Command is the command line that starts the neighbour in the foreground with the files in a
// folder. It is for people to copy; nothing here runs it.
func (k Kind) Command(folder string) []string {
	file := filepath.Join(folder, k.Main())
	if k == Nginx {
		return []string{"nginx", "-p", folder, "-e", "stderr", "-c", file}
	}
	return []string{"haproxy", "-W", "-db", "-f", file}
}

// Write makes the files of a neighbour's configuration. The error says what in the description
// cannot be written: nothing of a name or an address gets into a configuration unchecked.
func Write(kind Kind, c Config) ([]File, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("writing the configuration of %s: %w", kind, err)
	}
	files := []File{
		{Name: "neighbour.pem", Data: c.Identity.neighbourPEM(), Secret: true},
		{Name: "nodes-ca.pem", Data: c.Identity.caPEM()},
	}
	for i, h := range c.hosts() {
		files = append(files, File{Name: hostFile(i, "pem"), Data: slices.Concat(h.Certificate, h.Key), Secret: true})
		if h.asks() {
			files = append(files, File{Name: hostFile(i, "trust.pem"), Data: bundle(h.Trust)})
		}
	}
	switch kind {
	case HAProxy:
		return append(files, c.haproxy()...), nil
	case Nginx:
		return append(files, c.nginx()...), nil
	default:
		return nil, fmt.Errorf("writing the configuration of a neighbour: found kind %q, expected haproxy or nginx", kind)
	}
}

func (c Config) check() error {
	if _, _, err := net.SplitHostPort(c.Listen); err != nil || !plain(c.Listen) {
		return fmt.Errorf("listening on %q: expected address:port", c.Listen)
	}
	if len(c.Nodes) == 0 {
		return errors.New("there is no runtime node")
	}
	for _, n := range c.Nodes {
		if _, _, err := net.SplitHostPort(n.Address); err != nil || !plain(n.Address) || !plain(n.ID) || n.ID == "" {
			return fmt.Errorf("runtime node %q at %q: expected an id and address:port", n.ID, n.Address)
		}
	}
	if !path.IsAbs(filepath.ToSlash(c.Folder)) && !filepath.IsAbs(c.Folder) || strings.ContainsAny(c.Folder, "\"'\\ \t\r\n#;{}$") {
		return fmt.Errorf("the folder %q: expected an absolute path without blanks, quotes and other characters that end a word in a configuration", c.Folder)
	}
	seen := map[string]bool{}
	for _, h := range c.hosts() {
		switch {
		case h.Name == "" || !plain(h.Name):
			return fmt.Errorf("host %q: expected a host name", h.Name)
		case seen[h.Name]:
			return fmt.Errorf("host %q stands twice", h.Name)
		case h.Mode == loadbalancer.Require && len(h.Trust) == 0:
			return fmt.Errorf("host %q: mode require needs a CA bundle", h.Name)
		case len(h.Certificate) == 0 || len(h.Key) == 0:
			return fmt.Errorf("host %q: certificate or key is missing", h.Name)
		}
		seen[h.Name] = true
	}
	if c.Identity.neighbour == nil {
		return errors.New("the identity of the neighbour is missing: NewIdentity makes one")
	}
	return nil
}

// plain tells whether a word is safe in a configuration: letters, digits, dots, colons, hyphens,
// underscores and the brackets of IPv6 addresses.
func plain(word string) bool {
	return strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_[]") == ""
}

// hosts are all of them, the default one first.
func (c Config) hosts() []Host { return append([]Host{c.Default}, c.Domains...) }

func hostFile(i int, suffix string) string { return fmt.Sprintf("host%d.%s", i, suffix) }

// file is the path of one of the files as the neighbour sees it.
func (c Config) file(name string) string {
	return strings.TrimSuffix(filepath.ToSlash(c.Folder), "/") + "/" + name
}

// cookie is the name of a host's affinity cookie [C: SAP-docs/btp-integration-suite]; empty with
// fewer than two nodes.
func (c Config) cookie(h Host) string {
	if len(c.Nodes) < 2 {
		return ""
	}
	return "BIGipServer" + h.Name
}

// cookieValue names a node in a host's cookie: opaque, and changed by URL-encoding as that of the
// real one is (note 2681175) [C].
func (c Config) cookieValue(h Host, n Node) string {
	mac := hmac.New(sha256.New, c.Identity.secret)
	mac.Write([]byte(h.Name + "\x00" + n.ID))
	return "!" + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func bundle(certificates []*x509.Certificate) []byte {
	var out []byte
	for _, c := range certificates {
		out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return out
}

// or is the duration, or the default if it is zero.
func or(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}
