package node

import (
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"example.com/gatehouse/pki"
)

// certificate is what a node reads of a certificate that the load balancer accepted. It verifies
// nothing: that is done.
type certificate struct {
	// subject and issuer are the names as encoded.
	subject, issuer []byte
	// commonName and issuerName are their CNs, exactly as they stand there.
	commonName, issuerName string
}

// principal is the user name of a sender whose certificate is not mapped: <CN>@<CN of the issuer>
// [C: SAP Community blog; SAP-docs/btp-integration-suite, docs/ci].
func (c certificate) principal() string { return c.commonName + "@" + c.issuerName }

var errNoCertificate = errors.New("the forwarded bytes are no X.509 certificate")

// readCertificate finds the two names in a certificate. It looks at nothing behind them: reading
// the whole would cost more than all the rest of a call.
func readCertificate(der []byte) (*certificate, error) {
	in := cryptobyte.String(der)
	var outer, tbs, skipped, issuer, subject cryptobyte.String
	if !in.ReadASN1(&outer, cbasn1.SEQUENCE) || !in.Empty() ||
		!outer.ReadASN1(&tbs, cbasn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(cbasn1.Tag(0).Constructed().ContextSpecific()) || // version
		!tbs.ReadASN1(&skipped, cbasn1.INTEGER) || // serial number
		!tbs.ReadASN1(&skipped, cbasn1.SEQUENCE) || // signature algorithm
		!tbs.ReadASN1Element(&issuer, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1(&skipped, cbasn1.SEQUENCE) || // validity
		!tbs.ReadASN1Element(&subject, cbasn1.SEQUENCE) ||
		!tbs.ReadASN1(&skipped, cbasn1.SEQUENCE) { // public key
		return nil, errNoCertificate
	}
	subjectDN, err := pki.ParseRawDN(subject)
	if err != nil {
		return nil, errNoCertificate
	}
	issuerDN, err := pki.ParseRawDN(issuer)
	if err != nil {
		return nil, errNoCertificate
	}
	return &certificate{
		subject: subject, issuer: issuer,
		commonName: subjectDN.CommonName(), issuerName: issuerDN.CommonName(),
	}, nil
}
