package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"time"
)

// A month is long enough that no clock that is a little wrong hides the defect.
const month = 30 * 24 * time.Hour

// defects is the catalogue. Ids are never changed, since suites name them.
var defects = []Defect{
	{
		ID: "self-signed", Title: "signed by its own key", Level: AtLeaf, Code: 18,
		InLife: "Somebody made the key pair with a tool's defaults and never had it signed. " +
			"Self-signed certificates are never supported.",
		needsNoIssuer: true,
		change: func(s *settings) error {
			s.selfSigned = true
			return nil
		},
	},
	{
		ID: "expired", Title: "expired thirty days ago", Level: AtLeaf, Code: 10, alsoCA: true,
		InLife: "The renewal was forgotten, or the renewed certificate was never put into the sender.",
		change: endedAMonthAgo,
	},
	{
		ID: "not-yet-valid", Title: "valid only in thirty days", Level: AtLeaf, Code: 9, alsoCA: true,
		InLife: "A renewal was put into the sender ahead of its time, or a clock is wrong.",
		change: beginsInAMonth,
	},
	{
		ID: "no-client-auth", Title: "for code signing and e-mail only", Level: AtLeaf, Code: 26,
		InLife: "A certificate that was bought for something else is used because it was at hand.",
		change: onlyUsages(usageCodeSigning, usageEmailProtection),
	},
	{
		ID: "server-only", Title: "for servers only", Level: AtLeaf, Code: 26,
		InLife: "The certificate was renewed. Public CAs stopped issuing the usage clientAuth " +
			"between September 2025 and May 2026.",
		change: onlyUsages(usageServerAuth),
	},
	{
		ID: "any-eku-only", Title: "for any usage, but not named for clients", Level: AtLeaf, Code: 26,
		InLife: "An internal CA writes anyExtendedKeyUsage and takes that for enough.",
		change: onlyUsages(usageAny),
	},
	{
		ID: "trailing-space-cn", Title: "common name ends in a space", Level: AtLeaf, Code: 0,
		InLife: "A name was pasted into the signing request with a space behind it. The load " +
			"balancer accepts the certificate, the tenant does not.",
		change: spaceBehindCN,
	},
	{
		ID: "wrong-signer", Title: "signed by another key in the issuer's name", Level: AtLeaf, Code: 7, alsoCA: true,
		InLife: "A CA was set up again under its old name and key identifier, or somebody forges.",
		change: func(s *settings) error {
			if s.issuer == nil {
				return errors.New("a root has no other signer than itself")
			}
			s.strangerSigns = true
			return nil
		},
	},
	{
		ID: "broken-signature", Title: "signature damaged", Level: AtLeaf, Code: 7, alsoCA: true,
		InLife: "The file was damaged or changed after the CA had signed it.",
		signed: func(der []byte) []byte {
			// The last byte belongs to the signature: to its value s, or to the RSA number.
			der[len(der)-1] ^= 1
			return der
		},
	},
	{
		ID: "unknown-critical-extension", Title: "critical extension that nobody knows", Level: AtLeaf, Code: 34, alsoCA: true,
		InLife: "An internal CA marks an extension of its own as critical.",
		change: func(s *settings) error {
			s.extensions = append(s.extensions, pkix.Extension{
				Id:       asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 32473, 1}, // the arc for examples, RFC 5612
				Critical: true,
				Value:    asn1.NullBytes,
			})
			return nil
		},
	},
	{
		ID: "sha1", Title: "signed with SHA-1", Level: AtLeaf, Code: 68, alsoCA: true,
		InLife: "An old internal CA still signs as it did in 2010.",
		change: func(s *settings) error {
			s.hash = crypto.SHA1
			return nil
		},
	},
	{
		ID: "rsa-1024", Title: "RSA key of 1024 bits", Level: AtLeaf, Code: 66,
		InLife: "The key pair is from an old system and was signed anew again and again.",
		change: func(s *settings) error {
			s.keyType, s.key = rsa1024, nil
			return nil
		},
	},
	{
		ID: "intermediate-expired", Title: "issuing CA expired thirty days ago", Level: AtIntermediate, Code: 10, Depth: 1,
		InLife: "The sender presents an old certificate of the CA; the CA itself has long had a new one.",
		change: endedAMonthAgo,
	},
	{
		ID: "issuer-not-ca", Title: "issuer is not a CA", Level: AtIntermediate, Code: 79, Depth: 1,
		InLife: "Somebody signed with the key of an ordinary certificate.",
		change: func(s *settings) error {
			s.basicConstraints = &basicConstraints{pathLen: -1}
			return nil
		},
	},
	{
		ID: "no-basic-constraints", Title: "issuing CA does not say that it is one", Level: AtIntermediate, Code: 79, Depth: 1,
		InLife: "An internal CA was made by hand, without the extension basicConstraints.",
		change: func(s *settings) error {
			s.basicConstraints = nil
			return nil
		},
	},
	{
		ID: "ca-key-usage-missing", Title: "issuing CA may not sign certificates", Level: AtIntermediate, Code: 79, Depth: 1,
		InLife: "An internal CA was made with a key usage that allows to sign CRLs only.",
		change: func(s *settings) error {
			s.keyUsage &^= x509.KeyUsageCertSign
			return nil
		},
	},
	{
		ID: "root-expired", Title: "root expired thirty days ago", Level: AtRoot, Code: 10, Depth: 2,
		InLife: "The chain was never changed, and its root has reached its end.",
		change: endedAMonthAgo,
	},
	{
		ID: "chain-not-sent", Title: "intermediate certificates not sent", Level: AtChain, Code: 20,
		InLife: "The sender's keystore holds its own certificate only. The load balancer holds " +
			"nothing but roots and cannot fill the gap.",
		present: func(chain []*Certificate) []*Certificate { return chain[:1] },
	},
}

// endedAMonthAgo moves the validity, as long as it is, into the past.
func endedAMonthAgo(s *settings) error {
	lifetime := s.notAfter.Sub(s.notBefore)
	s.notAfter = s.now().UTC().Truncate(time.Second).Add(-month)
	s.notBefore = s.notAfter.Add(-lifetime)
	return nil
}

// beginsInAMonth moves the validity, as long as it is, into the future.
func beginsInAMonth(s *settings) error {
	lifetime := s.notAfter.Sub(s.notBefore)
	s.notBefore = s.now().UTC().Truncate(time.Second).Add(month)
	s.notAfter = s.notBefore.Add(lifetime)
	return nil
}

func onlyUsages(usages ...string) func(*settings) error {
	return func(s *settings) error {
		s.usages = usages
		return nil
	}
}

// spaceBehindCN puts a space behind the last common name of the subject.
func spaceBehindCN(s *settings) error {
	dn, err := ParseRawDN(s.subject)
	if err != nil {
		return err
	}
	for i := len(dn) - 1; i >= 0; i-- {
		for j := range dn[i] {
			if a := &dn[i][j]; a.Type == oidCommonName && a.Raw == nil {
				a.Value += " "
				s.subject, err = dn.Marshal()
				return err
			}
		}
	}
	return errors.New("the subject has no common name")
}
