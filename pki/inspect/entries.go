package inspect

import (
	"crypto"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
	"example.com/gatehouse/pki/request"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
)

// add makes entries of one entry of the file.
func (v *view) add(e keystore.Entry) {
	number := len(v.report.Entries) + 1
	one := Entry{Number: number, Kind: e.Kind, Alias: e.Alias, Created: e.Created}
	switch e.Kind {
	case keystore.CertificateEntry:
		v.fillCertificate(&one, e.Raw)
		one.Belongs = belongs(&one)
	case keystore.KeyPairEntry:
		if len(e.Chain) > 0 {
			v.fillCertificate(&one, e.Chain[0])
		}
		one.Belongs = keyPairBelongs
	case keystore.PrivateKeyEntry:
		one.Key = request.KeyName(e.Key.Public())
		one.Belongs = privateKeyBelongs
	case keystore.RequestEntry:
		fillRequest(&one, e.Raw)
		one.Belongs = requestBelongs
	case keystore.CRLEntry:
		v.fillCRL(&one, e.Raw)
		one.Belongs = crlBelongs
	}
	v.report.Entries = append(v.report.Entries, one)
	if e.Kind != keystore.KeyPairEntry {
		return
	}
	for i, der := range e.Chain {
		if i == 0 {
			continue
		}
		above := Entry{Number: number + i, Kind: keystore.CertificateEntry, PairOf: number}
		v.fillCertificate(&above, der)
		above.Belongs = belongs(&above)
		v.report.Entries = append(v.report.Entries, above)
	}
}

// fillCertificate fills in what a certificate says, and what is wrong with it by itself.
func (v *view) fillCertificate(e *Entry, der []byte) {
	e.der = der
	e.SHA1, e.SHA256 = roots.Fingerprint(der), fingerprint(der)
	read, err := verify.ParseCertificate(der)
	if err != nil {
		e.find(Unreadable, 0, "the certificate cannot be read: %s; a TLS server that uses OpenSSL ends the handshake with decode_error. Have it issued again in a form that follows RFC 5280", err)
		return
	}
	e.read = read
	e.Subject, e.Issuer = pki.FormatDN(read.RawSubject()), pki.FormatDN(read.RawIssuer())
	e.Serial = hexNumber(read.SerialNumber())
	e.NotBefore, e.NotAfter = read.NotBefore(), read.NotAfter()
	e.Validity = validity(e.NotBefore, e.NotAfter, v.options.At)
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		e.Key, e.Signature = "not supported", "not known"
		e.find(Unreadable, 0, "strict programs, Go's TLS among them, cannot read it: %s. Have it issued again in a form that follows RFC 5280", strings.TrimPrefix(err.Error(), "x509: "))
	} else {
		e.public = parsed.PublicKey
		e.Key, e.Signature = request.KeyName(parsed.PublicKey), request.SignatureName(parsed.SignatureAlgorithm)
		e.CA = parsed.IsCA
		e.KeyUsage = request.KeyUsageNames(parsed.KeyUsage)
		e.Usage = usages(parsed)
		e.Names = names(parsed)
	}
	v.datesOf(e)
	outlined(e, der)
	if parsed != nil {
		weaknesses(e, parsed)
		oddExtensions(e, parsed)
	}
	if !e.CA && e.Subject != e.Issuer || !e.CA && e.Kind == keystore.KeyPairEntry {
		namesOf(e, read.RawSubject())
	}
}

func usages(c *x509.Certificate) []string {
	var out []string
	for _, e := range c.Extensions {
		if e.Id.String() == oidExtKeyUsage {
			for _, dotted := range usageOIDs(e.Value) {
				out = append(out, request.UsageName(dotted))
			}
		}
	}
	return out
}

func names(c *x509.Certificate) []string {
	var out []string
	for _, name := range c.DNSNames {
		out = append(out, "DNS:"+name)
	}
	for _, ip := range c.IPAddresses {
		out = append(out, "IP:"+ip.String())
	}
	for _, mail := range c.EmailAddresses {
		out = append(out, "email:"+mail)
	}
	for _, uri := range c.URIs {
		out = append(out, "URI:"+uri.String())
	}
	return out
}

// datesOf says what is wrong with the dates.
func (v *view) datesOf(e *Entry) {
	at := v.options.At
	switch {
	case e.NotBefore.IsZero() || e.NotAfter.IsZero():
		e.find(OddDates, 0, "its dates cannot be read; have it issued again with dates as RFC 5280 asks")
		return
	case e.NotAfter.Before(e.NotBefore):
		e.find(OddDates, 0, "it ends before it begins: no time is good for it; have it issued again")
	}
	switch {
	case !at.Before(e.NotAfter):
		e.find(VerifyResult, verify.CertHasExpired, "%s: renew it (verify result 10)", e.Validity)
	case at.Before(e.NotBefore):
		e.find(VerifyResult, verify.CertNotYetValid, "%s: wait, or correct the clock (verify result 9)", e.Validity)
	}
}

// weaknesses says what is weak by itself. A self-signed certificate's own signature proves
// nothing, so that its digest does not matter.
func weaknesses(e *Entry, c *x509.Certificate) {
	if weak := request.WeakKey(c.PublicKey); weak != "" {
		code := verify.EEKeyTooSmall
		if c.IsCA {
			code = verify.CAKeyTooSmall
		}
		e.find(VerifyResult, code, "%s (verify result %d): make a new key pair and have it certified", weak, code)
	}
	if digest := request.WeakDigest(c.SignatureAlgorithm); digest != "" && e.Subject != e.Issuer {
		e.find(VerifyResult, verify.CAMDTooWeak, "it is signed with %s, which is too weak (verify result 68): have it issued again with SHA-256", digest)
	}
	oddKey(e, c)
}

// namesOf says what is wrong with a sender's name.
func namesOf(e *Entry, raw []byte) {
	dn, err := pki.ParseRawDN(raw)
	if err != nil {
		e.find(OddName, 0, "its subject is not a distinguished name; have it issued again")
		return
	}
	for _, p := range request.NameProblems(dn) {
		e.find(Kind(p.Kind), 0, "%s", p.Text)
	}
}

func fillRequest(e *Entry, der []byte) {
	e.SHA1, e.SHA256 = "", fingerprint(der)
	r, err := request.ParseDER(der)
	if err != nil {
		e.find(Unreadable, 0, "%s", err)
		return
	}
	asks := r.Asks()
	e.Subject, e.Key, e.Signature, e.CA = asks.Subject, asks.Key, asks.Signature, asks.CA
	e.KeyUsage, e.Usage = asks.KeyUsage, asks.Usage
	for _, name := range asks.DNS {
		e.Names = append(e.Names, "DNS:"+name)
	}
	for _, ip := range asks.IP {
		e.Names = append(e.Names, "IP:"+ip)
	}
	for _, mail := range asks.Email {
		e.Names = append(e.Names, "email:"+mail)
	}
	for _, uri := range asks.URI {
		e.Names = append(e.Names, "URI:"+uri)
	}
	for _, f := range r.Findings() {
		e.find(Kind(f.Kind), 0, "%s", f.Text)
	}
}

func (v *view) fillCRL(e *Entry, der []byte) {
	e.SHA1, e.SHA256 = roots.Fingerprint(der), fingerprint(der)
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		e.find(Unreadable, 0, "the CRL cannot be read: %s", strings.TrimPrefix(err.Error(), "x509: "))
		return
	}
	e.Issuer = pki.FormatDN(list.RawIssuer)
	if list.Number != nil {
		e.Serial = hexNumber(list.Number)
	}
	e.Subject = fmt.Sprintf("%d revoked certificates", len(list.RevokedCertificateEntries))
	if len(list.RevokedCertificateEntries) == 1 {
		e.Subject = "1 revoked certificate"
	}
	e.Signature = request.SignatureName(list.SignatureAlgorithm)
	e.NotBefore, e.NotAfter = list.ThisUpdate.UTC(), list.NextUpdate.UTC()
	if list.NextUpdate.IsZero() {
		e.NotAfter = time.Time{}
		return
	}
	at := v.options.At
	e.Validity = validity(e.NotBefore, e.NotAfter, at)
	switch {
	case !at.Before(e.NotAfter):
		e.find(VerifyResult, verify.CRLHasExpired, "the CRL has %s: fetch the current one (verify result 12)", e.Validity)
	case at.Before(e.NotBefore):
		e.find(VerifyResult, verify.CRLNotYetValid, "the CRL is %s (verify result 11)", e.Validity)
	}
}

// validity says what the dates mean at a time.
func validity(from, to, at time.Time) string {
	switch {
	case from.IsZero() || to.IsZero():
		return ""
	case to.Before(from):
		return "never valid: it ends before it begins"
	case !at.Before(to):
		return "expired " + distance(at.Sub(to)) + " ago"
	case at.Before(from):
		return "valid only in " + distance(from.Sub(at))
	default:
		return "valid for " + distance(to.Sub(at)) + " more"
	}
}

// distance says how long that is, in the unit that fits.
func distance(d time.Duration) string {
	plural := func(n int, unit string) string {
		if n == 1 {
			return "1 " + unit
		}
		return fmt.Sprintf("%d %ss", n, unit)
	}
	const day = 24 * time.Hour
	switch {
	case d >= 2*365*day:
		return plural(int(d/(365*day)), "year")
	case d >= day:
		return plural(int(d/day), "day")
	case d >= time.Hour:
		return plural(int(d/time.Hour), "hour")
	default:
		return plural(int(d/time.Minute), "minute")
	}
}

func hexNumber(n *big.Int) string {
	if n == nil {
		return ""
	}
	return strings.ToUpper(n.Text(16))
}

func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	parts := make([]string, len(sum))
	for i, octet := range sum {
		parts[i] = strings.ToUpper(hex.EncodeToString([]byte{octet}))
	}
	return strings.Join(parts, ":")
}

// hasKey tells whether the certificate is that of a private key; false for one whose key cannot be
// read.
func (e *Entry) hasKey(key crypto.Signer) bool {
	public, comparable := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return comparable && e.public != nil && public.Equal(e.public)
}
