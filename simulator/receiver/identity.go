package receiver

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

// lifetime of an identity: long enough that a root that was imported into a sender's trust store
// need not be exchanged soon.
const lifetime = 4 * 365 * 24 * time.Hour

// Identity is what the receiver shows to senders: a server certificate, and the root above it that
// they must trust.
type Identity struct {
	// Root is the root certificate.
	Root *x509.Certificate
	// Certificate is the server certificate with its chain and key.
	Certificate tls.Certificate

	minted *pki.Certificate // nil if it was read
}

// hostsOf are the names and addresses that a server certificate is for: those given, and always
// localhost with its addresses.
func hostsOf(hosts []string) (names []string, addresses []net.IP) {
	for _, host := range append([]string{"localhost", "127.0.0.1", "::1"}, hosts...) {
		if ip := net.ParseIP(host); ip != nil {
			if !slices.ContainsFunc(addresses, ip.Equal) {
				addresses = append(addresses, ip)
			}
		} else if host = strings.ToLower(strings.TrimSuffix(host, ".")); host != "" && !slices.Contains(names, host) {
			names = append(names, host)
		}
	}
	return names, addresses
}

// NewIdentity makes a root, a CA below it and a server certificate for the hosts (names or IP
// addresses) and for localhost.
func NewIdentity(hosts []string, now func() time.Time) (*Identity, error) {
	names, addresses := hostsOf(hosts)
	subject := names[0]
	if len(names) > 1 {
		subject = names[1]
	}
	with := func(cn string, more ...pki.Option) []pki.Option {
		return append([]pki.Option{pki.Clock(now), pki.ValidFor(lifetime), pki.Subject("CN=" + cn + ", O=Gatehouse, C=DE")}, more...)
	}
	root, err := pki.Create(nil, pki.CA, "root", with("Gatehouse Receiver Root CA")...)
	if err != nil {
		return nil, fmt.Errorf("making the receiver's root certificate: %w", err)
	}
	issuing, err := pki.Create(root, pki.CA, "issuing", with("Gatehouse Receiver CA")...)
	if err != nil {
		return nil, fmt.Errorf("making the receiver's CA: %w", err)
	}
	server, err := pki.Create(issuing, pki.Server, "server", with(subject, pki.DNS(names...), pki.IP(addresses...))...)
	if err != nil {
		return nil, fmt.Errorf("making the receiver's certificate for %s: %w", strings.Join(names, ", "), err)
	}
	return &Identity{Root: root.X509(), Certificate: server.TLSCertificate(), minted: server}, nil
}

const (
	// identityFolder is the folder within that of the keys; serve has the same.
	identityFolder = "load-balancer"
	// marker stands in a folder that was written here: only there is anything read or replaced.
	marker = ".gatehouse-receiver"
)

// RootFile is the file with the root certificate in a folder that OpenIdentity or Save wrote.
func RootFile(dir string) string { return filepath.Join(dir, identityFolder, "root.pem") }

// OpenIdentity reads the identity that Save wrote into the folder, so that senders need to be told
// to trust a root only once. Where there is none, or it has expired or is not for all hosts, a new
// one is made and saved; made tells that. A folder with files of somebody else is an error.
func OpenIdentity(dir string, hosts []string, now func() time.Time) (identity *Identity, made bool, err error) {
	identity, err = readIdentity(dir, hosts, now())
	if err == nil {
		return identity, false, nil
	}
	if !errors.Is(err, ErrExpired) && !errors.Is(err, fs.ErrNotExist) {
		return nil, false, err
	}
	if identity, err = NewIdentity(hosts, now); err != nil {
		return nil, false, err
	}
	return identity, true, identity.Save(dir)
}

// Save writes an identity that NewIdentity made into a folder: the root for senders to import, the
// server certificate with its chain, and its key, which only the owner can read.
func (i *Identity) Save(dir string) error {
	if i.minted == nil {
		return errors.New("saving the receiver's identity: it was read from a file")
	}
	folder := filepath.Join(dir, identityFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("making the folder of the receiver's keys: %w", err)
	}
	mark := filepath.Join(folder, marker)
	if _, err := os.Lstat(mark); errors.Is(err, fs.ErrNotExist) {
		there, err := os.ReadDir(folder)
		if err != nil {
			return fmt.Errorf("reading the folder of the receiver's keys: %w", err)
		}
		if len(there) > 0 {
			return fmt.Errorf("%s holds files of somebody else, %s for instance: %w: choose another folder", folder, there[0].Name(), fs.ErrExist)
		}
	}
	if err := os.WriteFile(mark, []byte("Keys of a test tool. \"gatehouse receive\" replaces the files in this folder.\n"), 0o644); err != nil {
		return fmt.Errorf("writing the receiver's keys: %w", err)
	}
	if _, err := keystore.Write(folder, i.minted, keystore.Options{Force: true, Exports: []keystore.Export{keystore.ChainFile, keystore.KeyFile}}); err != nil {
		return fmt.Errorf("writing the receiver's keys: %w", err)
	}
	if err := os.WriteFile(RootFile(dir), keystore.CertificatePEM(i.minted.Root()), 0o644); err != nil {
		return fmt.Errorf("writing the receiver's root certificate: %w", err)
	}
	return nil
}

func readIdentity(dir string, hosts []string, now time.Time) (*Identity, error) {
	folder := filepath.Join(dir, identityFolder)
	if _, err := os.Lstat(filepath.Join(folder, marker)); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(RootFile(dir))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, fmt.Errorf("%s: no certificate in PEM was found: remove the folder, and a new one is made", RootFile(dir))
	}
	root, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: remove the folder, and a new one is made", RootFile(dir), err)
	}
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "server-chain.pem"), filepath.Join(folder, "server.key"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("reading the receiver's keys in %s: %w: remove the folder, and new ones are made", folder, err)
	}
	i := &Identity{Root: root, Certificate: pair}
	return i, i.check(hosts, now)
}

// check tells whether the identity is good for the hosts now.
func (i *Identity) check(hosts []string, now time.Time) error {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	roots.AddCert(i.Root)
	for _, der := range i.Certificate.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(c)
		}
	}
	names, addresses := hostsOf(hosts)
	for _, ip := range addresses {
		names = append(names, ip.String())
	}
	for _, name := range names {
		if _, err := i.Certificate.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: now, DNSName: name}); err != nil {
			return fmt.Errorf("%w: %w", ErrExpired, err)
		}
	}
	return nil
}

// ErrExpired says that an identity has expired, or is not for a host.
var ErrExpired = errors.New("the receiver's own certificate is no longer of use")
