package inspect

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/request"
)

// Where things belong.
const (
	keyPairBelongs    = "the sender, and nobody else: the private key never leaves it. The tenant gets the certificate alone (.cer)"
	privateKeyBelongs = "the sender, and nobody else: a private key never leaves it"
	requestBelongs    = "the CA, which signs it; neither the tenant nor the load balancer takes it"
	crlBelongs        = "whoever checks revocation; neither the sender nor the tenant takes it"

	leafBelongs         = "the tenant: certificate-to-user mapping, or the table of a channel with Client Certificate. The sender needs it too, with its private key and its chain; without the key it is of no use there"
	serverBelongs       = "a server; as a client certificate the load balancer refuses it"
	selfSignedBelongs   = "nowhere: the load balancer refuses self-signed certificates"
	intermediateBelongs = "the sender, behind its own certificate; not the tenant's mapping nor a channel's table, which want the sender's own certificate"
	rootBelongs         = "a trust list: the load balancer's for the roots of senders (a real one takes only those on its own list), or the sender's for the root of the load balancer; not the tenant's mapping"
)

// belongs says where a certificate belongs.
func belongs(e *Entry) string {
	selfSigned := e.Subject != "" && e.Subject == e.Issuer
	switch {
	case e.CA && selfSigned:
		return rootBelongs
	case e.CA:
		return intermediateBelongs
	case selfSigned:
		return selfSignedBelongs
	case len(e.Usage) > 0 && !slices.Contains(e.Usage, request.ClientAuth) && slices.Contains(e.Usage, request.ServerAuth):
		return serverBelongs
	default:
		return leafBelongs
	}
}

// describe says what the file is.
func describe(s *keystore.Store, data []byte) string {
	content := counted(s)
	switch s.Format {
	case keystore.PKCS12Format:
		return fmt.Sprintf("PKCS#12 keystore%s, with %s", encryption(data), content)
	case keystore.JKSFormat:
		return fmt.Sprintf("Java keystore (JKS), whose protection of private keys is weak, with %s", content)
	case keystore.PKCS7Format:
		return fmt.Sprintf("PKCS#7 (.p7b), what STRUST imports as certificate response, with %s", content)
	case keystore.DERFormat:
		return fmt.Sprintf("DER (binary), with %s", content)
	default:
		if bytes.Contains(data, []byte("ENCRYPTED")) {
			content += ", encrypted"
		}
		return fmt.Sprintf("PEM (text), with %s", content)
	}
}

// counted counts what is in the file.
func counted(s *keystore.Store) string {
	var out []string
	for _, k := range []struct {
		kind      keystore.EntryKind
		one, many string
	}{
		{keystore.KeyPairEntry, "key pair", "key pairs"},
		{keystore.PrivateKeyEntry, "private key", "private keys"},
		{keystore.CertificateEntry, "certificate", "certificates"},
		{keystore.RequestEntry, "certificate signing request", "certificate signing requests"},
		{keystore.CRLEntry, "certificate revocation list (CRL)", "certificate revocation lists (CRL)"},
	} {
		n := 0
		for _, e := range s.Entries {
			if e.Kind == k.kind {
				n++
			}
		}
		switch n {
		case 0:
		case 1:
			out = append(out, "1 "+k.one)
		default:
			out = append(out, fmt.Sprintf("%d %s", n, k.many))
		}
	}
	if len(out) == 0 {
		return "nothing in it"
	}
	if n := len(out); n > 1 {
		return strings.Join(out[:n-1], ", ") + " and " + out[n-1]
	}
	return out[0]
}

// The object identifiers of encryption in PKCS#12, as they stand in the file.
var (
	oidPBES2   = []byte{0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x05, 0x0d}
	oidOldPBEs = []byte{0x06, 0x0a, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x01}
)

// encryption says how a PKCS#12 file is encrypted, as far as its outside shows. Keys stand inside
// of a part that is not encrypted in most files, so that their algorithm can be seen.
func encryption(data []byte) string {
	modern, old := bytes.Contains(data, oidPBES2), bytes.Contains(data, oidOldPBEs)
	switch {
	case modern && old:
		return ", encrypted partly as old tools do it (3DES or RC2 with SHA-1)"
	case modern:
		return ", encrypted as today's tools do it (PBES2)"
	case old:
		return ", encrypted as old tools do it (3DES or RC2 with SHA-1)"
	default:
		return ""
	}
}
