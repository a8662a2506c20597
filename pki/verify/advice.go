package verify

import "fmt"

// Advice says in one sentence what to do about a result; empty if there is nothing to do.
// Names in it come from the certificates; characters that do not print are escaped.
func Advice(r Result) string {
	switch {
	case !r.Presented:
		return "Send a client certificate: the sender presented none."
	case r.Unreadable != "":
		return fmt.Sprintf("Have certificate %d of the presented chain issued again in a form that follows RFC 5280: %s.", r.Depth+1, r.Unreadable)
	case r.Code == OK:
		return ""
	}
	code := r.Code
	if r.Name == Name(InvalidCA) {
		code = InvalidCA // 24 in the numbering of 1.1.1
	}
	subject, issuer := quote(r.Subject), quote(r.issuerAt(r.Depth))
	switch code {
	case UnableToGetIssuerCert:
		return fmt.Sprintf("Put the self-signed root certificate %s into the trust list: %s is there, but it is an intermediate certificate and no anchor.", issuer, subject)
	case UnableToGetCRL:
		return fmt.Sprintf("Give the load balancer a current CRL of %s.", issuer)
	case UnableToDecodeIssuerPublicKey:
		return fmt.Sprintf("Have the CA certificate %s issued again: its public key cannot be read.", subject)
	case CertSignatureFailure:
		return fmt.Sprintf("Send the certificate as it was issued, with the certificate of the CA key that signed it: the signature of %s does not fit the key of %s.", subject, issuer)
	case CRLSignatureFailure:
		return fmt.Sprintf("Replace the CRL of %s: its signature is wrong.", issuer)
	case CertNotYetValid:
		return fmt.Sprintf("Wait until %s becomes valid, or correct the clock.", subject)
	case CertHasExpired:
		return fmt.Sprintf("Renew %s: it has expired.", subject)
	case CRLNotYetValid, CRLHasExpired:
		return fmt.Sprintf("Give the load balancer a current CRL of %s.", issuer)
	case ErrorInCertNotBeforeField, ErrorInCertNotAfterField:
		return fmt.Sprintf("Have %s issued again: a date in it is not written as RFC 5280 asks.", subject)
	case ErrorInCRLLastUpdateField, ErrorInCRLNextUpdateField:
		return fmt.Sprintf("Replace the CRL of %s: a date in it is not written as RFC 5280 asks.", issuer)
	case DepthZeroSelfSignedCert:
		return fmt.Sprintf("Ask a supported CA for a certificate: %s is self-signed, which is not supported.", subject)
	case SelfSignedCertInChain:
		return fmt.Sprintf("Use a certificate of a CA whose root is in the trust list: the root %s is not.", subject)
	case UnableToGetIssuerCertLocally, UnableToVerifyLeafSignature:
		return fmt.Sprintf("Send also the certificate of the CA %s, and see that the root of the chain is in the trust list: the issuer of %s was not found.", issuer, subject)
	case CertChainTooLong:
		return "Use a CA with a shorter chain: this one has more certificates than the load balancer takes."
	case CertRevoked:
		return fmt.Sprintf("Ask the CA for a new certificate: %s has been revoked.", subject)
	case PathLengthExceeded:
		return fmt.Sprintf("Use a certificate that is issued further up: %s does not allow so many CAs below it.", subject)
	case InvalidPurpose:
		if r.Depth == 0 {
			return fmt.Sprintf("Ask your CA for a client certificate (extended key usage clientAuth, key usage digitalSignature): %s is not one.", subject)
		}
		return fmt.Sprintf("Use another CA: the CA certificate %s does not allow client certificates below it (extended key usage clientAuth).", subject)
	case KeyusageNoCertsign:
		return fmt.Sprintf("Use another CA certificate: the key usage of %s does not include keyCertSign.", subject)
	case UnhandledCriticalExtension:
		return fmt.Sprintf("Have %s issued without the critical extension that the load balancer does not know.", subject)
	case KeyusageNoCRLSign:
		return fmt.Sprintf("Use another CRL: the key usage of the CA above %s does not include cRLSign.", subject)
	case UnhandledCriticalCRLExtension:
		return fmt.Sprintf("Replace the CRL of %s: it has a critical extension that the load balancer does not know.", issuer)
	case ProxyCertificatesNotAllowed, ProxyPathLengthExceeded, ProxySubjectNameViolation, KeyusageNoDigitalSignature:
		return fmt.Sprintf("Use an ordinary client certificate: %s is or issues a proxy certificate, which is not allowed.", subject)
	case InvalidNonCA:
		return fmt.Sprintf("Use another chain: %s is a CA certificate where an end-entity certificate belongs.", subject)
	case DifferentCRLScope:
		return fmt.Sprintf("Give the load balancer a CRL that covers %s: the one it has is for other certificates.", subject)
	case PermittedViolation, ExcludedViolation:
		return fmt.Sprintf("Ask for a certificate with other names: the name constraints of a CA above do not allow those of %s.", subject)
	case SubtreeMinmax, UnsupportedConstraintType, UnsupportedNameSyntax:
		return fmt.Sprintf("Use another CA: name constraints above %s cannot be evaluated for its names.", subject)
	case EEKeyTooSmall:
		return fmt.Sprintf("Make a new key pair of RSA 2048 bits or EC P-256 at least and have it certified: the key of %s is too weak or cannot be read.", subject)
	case CAKeyTooSmall:
		return fmt.Sprintf("Use a certificate of another CA: the key of the CA %s is too weak.", subject)
	case CAMDTooWeak:
		return fmt.Sprintf("Have %s issued again with a signature with SHA-256: its digest is too weak.", subject)
	case InvalidCA:
		return fmt.Sprintf("Send the certificate of the CA that issued yours: %s is no CA certificate (basic constraints CA, key usage keyCertSign).", subject)
	case ECKeyExplicitParams:
		return fmt.Sprintf("Make a new key pair on a named curve such as P-256: the key of %s spells its curve out.", subject)
	default:
		return fmt.Sprintf("Have the chain checked by the CA: %s at %s.", r.Text, subject)
	}
}

// issuerAt is the issuer of the certificate at a depth of the path.
func (r Result) issuerAt(depth int) string {
	issuer := ""
	for _, s := range r.Path {
		if s.Depth == depth {
			issuer = s.Issuer
		}
	}
	return issuer
}

func quote(name string) string {
	if name == "" {
		return "(empty name)"
	}
	return "\"" + name + "\""
}

// Limits lists where Verify is known to differ from OpenSSL 3.0, in one sentence each.
func Limits() []string {
	return []string{
		"Certificates and CRLs that are BER but not DER (indefinite or padded lengths, constructed strings) or use tags above 30 cannot be read; OpenSSL reads some of them.",
		"Extensions with BER in them count as undecodable, and a CRL distribution point whose relative name is no valid string as one without a name; OpenSSL forgives both in part.",
		"A chain of more than 1000 certificates or 1 MiB is refused unread.",
		"Of a chain that has an error already, 32 signatures are verified at most where the first error is reported; broken ones further down are not listed.",
		"A path with more than 16 signatures of keys that are slow to verify with (DSA, Ed448, RSA outside of 1024 to 8192 bits or with an exponent above 31 bits, curves other than NIST's) ends with code 1 at the next one; OpenSSL verifies them all.",
		"Public keys on curves over binary fields, GOST and Diffie-Hellman keys, and DSA keys that inherit their parameters count as keys that do not decode (code 66); OpenSSL decodes them.",
		"Signatures with SM2, MD4 and RSASSA-PSS with SHAKE are not verified; OpenSSL needs its legacy provider for MD4.",
		"RFC 3779 resources are decoded, but whether they nest is not checked (codes 41, 46).",
		"Name constraints on internationalised mailboxes (RFC 8398) compare Punycode labels as they stand.",
		"Delta CRLs, indirect CRLs and CRLs for some reasons only are not used, as by OpenSSL without extended CRL support.",
		"Auxiliary trust settings (TRUSTED CERTIFICATE in PEM) are not known.",
		"With the numbering of 1.1.1 only the number of code 79 changes; texts and order stay those of 3.0.",
	}
}
