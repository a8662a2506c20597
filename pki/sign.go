package pki

import (
	"bytes"
	"context"
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"example.com/gatehouse/pki/privatekey"
)

// maxAuthority bounds the certificates of [Authority].
const maxAuthority = 20

// Authority is the CA that what was read from files makes up, ready to issue: its certificate,
// the certificates of its issuers upward as far as they are at hand, all DER, and its private key
// among the keys. Keys of its issuers may be there too; the defects that are in a CA need those of
// the CAs above it. Keys that belong to none of the certificates are ignored.
//
// The certificates follow each other by their names; that their signatures are right is not
// checked. It returns an error if the first one is not a CA or its key is missing.
func Authority(chain [][]byte, keys []crypto.Signer, options Options) (*Certificate, error) {
	c, err := authority(chain, keys, options)
	if err != nil {
		return nil, fmt.Errorf("taking a CA from its files: %w", err)
	}
	return c, nil
}

func authority(chain [][]byte, keys []crypto.Signer, options Options) (*Certificate, error) {
	if len(chain) == 0 || len(chain) > maxAuthority {
		return nil, fmt.Errorf("found %d certificates, expected 1 to %d", len(chain), maxAuthority)
	}
	files := map[string][]byte{}
	descriptions := make([]Description, len(chain))
	var below *x509.Certificate
	for i, der := range chain {
		parsed, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", i+1, err)
		}
		if !parsed.IsCA {
			return nil, fmt.Errorf("%q is not a CA, expected one that issues certificates", FormatDN(parsed.RawSubject))
		}
		if below != nil && !bytes.Equal(below.RawIssuer, parsed.RawSubject) {
			return nil, fmt.Errorf("the issuer of %q is %q, expected its certificate next, found that of %q",
				FormatDN(below.RawSubject), FormatDN(below.RawIssuer), FormatDN(parsed.RawSubject))
		}
		below = parsed
		d := Description{Name: fmt.Sprintf("ca-%d", i), CA: true, File: fmt.Sprintf("ca-%d.pem", i)}
		files[d.File] = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
		if i+1 < len(chain) {
			d.Issuer = fmt.Sprintf("ca-%d", i+1)
		}
		if key := keyOf(parsed.PublicKey, keys); key != nil {
			der, err := privatekey.Marshal(key)
			if err != nil {
				return nil, err
			}
			d.KeyFile = fmt.Sprintf("ca-%d.key", i)
			files[d.KeyFile] = pem.EncodeToMemory(&pem.Block{Type: privatekey.PKCS8Block, Bytes: der})
		}
		descriptions[i] = d
	}
	if descriptions[0].KeyFile == "" {
		return nil, fmt.Errorf("the private key of the CA is not there, and without it nothing can be signed")
	}
	options.Load = func(path string) ([]byte, error) {
		data, known := files[path]
		if !known {
			return nil, fs.ErrNotExist
		}
		return data, nil
	}
	set, err := Mint(context.Background(), descriptions, options)
	if err != nil {
		return nil, err
	}
	ca, _ := set.Get(descriptions[0].Name)
	return ca, nil
}

// keyOf is the private key that belongs to a public one; nil if it is not there.
func keyOf(public crypto.PublicKey, keys []crypto.Signer) crypto.Signer {
	for _, key := range keys {
		if own, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool }); comparable && own.Equal(public) {
			return key
		}
	}
	return nil
}

// SignRequest makes a client certificate for the public key of a signing request: with the
// subject of the request, byte by byte, and the alternative names that it asks for, and with the
// usages of [Certificate.Client], whatever it asks for. Options change all that but the key. The
// private key stays with the requester: [Certificate.Key] of the result is nil.
//
// That the request is signed with its own key is for the caller to check (package request does
// it). It returns an error for a defect that needs the private key of the certificate
// (self-signed), or another key than the requester's (rsa-1024), for a request whose key is of a
// kind that certificates here cannot have, and if this certificate cannot issue.
func (c *Certificate) SignRequest(name string, csr *x509.CertificateRequest, options ...Option) (*Certificate, error) {
	signed, err := c.signRequest(name, csr, options)
	if err != nil {
		return nil, fmt.Errorf("signing the request of %q: %w", name, err)
	}
	return signed, nil
}

func (c *Certificate) signRequest(name string, csr *x509.CertificateRequest, options []Option) (*Certificate, error) {
	if csr == nil || csr.PublicKey == nil {
		return nil, errors.New("the kind of its public key is not supported, expected RSA, ECDSA with P-224 to P-521, or Ed25519")
	}
	key := publicOnly{csr.PublicKey}
	s := settings{template: template{
		kind: leafKind, subject: csr.RawSubject, issuer: c,
		keyUsage: usageOfLeaf, usages: []string{usageClientAuth},
		key: key, keyType: keyTypeOf(csr.PublicKey),
	}}
	options = append(options[:len(options):len(options)], askedNames(csr))
	signed, err := s.make(name, options)
	switch {
	case errors.Is(err, errKeyElsewhere):
		return nil, fmt.Errorf("%w; this defect can only be minted together with a key pair", err)
	case err != nil:
		return nil, err
	case !keepsKey(signed, csr):
		if signed.defect == nil {
			return nil, errors.New("its public key is not encoded as expected, and would stand otherwise in the certificate")
		}
		return nil, fmt.Errorf("defect %s needs another key than the requester's; mint it together with a key pair", signed.defect.ID)
	}
	signed.key = nil
	return signed, nil
}

// keepsKey tells whether the certificate has the key of the request, encoded as it is there.
func keepsKey(signed *Certificate, csr *x509.CertificateRequest) bool {
	_, same := signed.key.(publicOnly)
	return same && bytes.Contains(signed.der, csr.RawSubjectPublicKeyInfo)
}

// askedNames takes over the alternative names of a request as they stand there, unless an option
// gives others.
func askedNames(csr *x509.CertificateRequest) Option {
	return option(func(s *settings) error {
		if s.hasNames() {
			return nil
		}
		for _, e := range csr.Extensions {
			if e.Id.Equal(oidSubjectAltName) {
				s.extensions = append(s.extensions, pkix.Extension{Id: e.Id, Critical: len(s.subject) == len(emptyName), Value: e.Value})
				return nil
			}
		}
		return nil
	})
}

// hasNames tells whether the certificate gets a subject alternative name already.
func (t template) hasNames() bool {
	for _, e := range slices.Concat(t.given, t.extensions) {
		if e.Id.Equal(oidSubjectAltName) {
			return true
		}
	}
	return len(t.dns)+len(t.ips)+len(t.emails)+len(t.uris) > 0
}

var errKeyElsewhere = errors.New("only the requester has the private key of the certificate")

// publicOnly stands in the place of a key whose private part is somewhere else.
type publicOnly struct{ public crypto.PublicKey }

func (k publicOnly) Public() crypto.PublicKey { return k.public }

func (k publicOnly) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errKeyElsewhere
}

// SafeName makes a name for files of a text such as a common name: letters, digits, '-', '_' and
// '.', all else replaced by '-', in lower case, 60 bytes at most; "request" if nothing is left.
func SafeName(text string) string {
	const most = 60
	var out strings.Builder
	for _, r := range strings.ToLower(strings.TrimSpace(text)) {
		switch {
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '_' || r == '.':
			out.WriteRune(r)
		case !strings.HasSuffix(out.String(), "-"):
			out.WriteByte('-')
		}
		if out.Len() == most {
			break
		}
	}
	name := strings.Trim(out.String(), "-.")
	if name == "" {
		return "request"
	}
	return name
}
