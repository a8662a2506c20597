package verify

import "strconv"

// Highest is the highest code of OpenSSL 3.0.
const Highest = 94

// The codes that Verify can report, named as in OpenSSL's x509_vfy.h without the prefix
// X509_V_ERR_. Numbers are those of OpenSSL 3.0; see Numbering for older ones.
const (
	OK                            = 0
	Unspecified                   = 1
	UnableToGetIssuerCert         = 2
	UnableToGetCRL                = 3
	UnableToDecodeIssuerPublicKey = 6
	CertSignatureFailure          = 7
	CRLSignatureFailure           = 8
	CertNotYetValid               = 9
	CertHasExpired                = 10
	CRLNotYetValid                = 11
	CRLHasExpired                 = 12
	ErrorInCertNotBeforeField     = 13
	ErrorInCertNotAfterField      = 14
	ErrorInCRLLastUpdateField     = 15
	ErrorInCRLNextUpdateField     = 16
	DepthZeroSelfSignedCert       = 18
	SelfSignedCertInChain         = 19
	UnableToGetIssuerCertLocally  = 20
	UnableToVerifyLeafSignature   = 21
	CertChainTooLong              = 22
	CertRevoked                   = 23
	PathLengthExceeded            = 25
	InvalidPurpose                = 26
	InvalidNonCA                  = 37
	KeyusageNoCertsign            = 32
	UnableToGetCRLIssuer          = 33
	UnhandledCriticalExtension    = 34
	KeyusageNoCRLSign             = 35
	UnhandledCriticalCRLExtension = 36
	ProxyPathLengthExceeded       = 38
	KeyusageNoDigitalSignature    = 39
	ProxyCertificatesNotAllowed   = 40
	DifferentCRLScope             = 44
	UnnestedResource              = 46
	PermittedViolation            = 47
	ExcludedViolation             = 48
	SubtreeMinmax                 = 49
	UnsupportedConstraintType     = 51
	UnsupportedNameSyntax         = 53
	CRLPathValidationError        = 54
	EEKeyTooSmall                 = 66
	CAKeyTooSmall                 = 67
	CAMDTooWeak                   = 68
	ProxySubjectNameViolation     = 72
	InvalidCA                     = 79
	ECKeyExplicitParams           = 94
)

type code struct{ name, text string }

// codes holds name and text of each code: the names of x509_vfy.h, the texts that
// X509_verify_cert_error_string of OpenSSL 3.0 returns.
var codes = [Highest + 1]code{
	0:  {"OK", "ok"},
	1:  {"ERR_UNSPECIFIED", "unspecified certificate verification error"},
	2:  {"ERR_UNABLE_TO_GET_ISSUER_CERT", "unable to get issuer certificate"},
	3:  {"ERR_UNABLE_TO_GET_CRL", "unable to get certificate CRL"},
	4:  {"ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE", "unable to decrypt certificate's signature"},
	5:  {"ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE", "unable to decrypt CRL's signature"},
	6:  {"ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY", "unable to decode issuer public key"},
	7:  {"ERR_CERT_SIGNATURE_FAILURE", "certificate signature failure"},
	8:  {"ERR_CRL_SIGNATURE_FAILURE", "CRL signature failure"},
	9:  {"ERR_CERT_NOT_YET_VALID", "certificate is not yet valid"},
	10: {"ERR_CERT_HAS_EXPIRED", "certificate has expired"},
	11: {"ERR_CRL_NOT_YET_VALID", "CRL is not yet valid"},
	12: {"ERR_CRL_HAS_EXPIRED", "CRL has expired"},
	13: {"ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD", "format error in certificate's notBefore field"},
	14: {"ERR_ERROR_IN_CERT_NOT_AFTER_FIELD", "format error in certificate's notAfter field"},
	15: {"ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD", "format error in CRL's lastUpdate field"},
	16: {"ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD", "format error in CRL's nextUpdate field"},
	17: {"ERR_OUT_OF_MEM", "out of memory"},
	18: {"ERR_DEPTH_ZERO_SELF_SIGNED_CERT", "self-signed certificate"},
	19: {"ERR_SELF_SIGNED_CERT_IN_CHAIN", "self-signed certificate in certificate chain"},
	20: {"ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "unable to get local issuer certificate"},
	21: {"ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE", "unable to verify the first certificate"},
	22: {"ERR_CERT_CHAIN_TOO_LONG", "certificate chain too long"},
	23: {"ERR_CERT_REVOKED", "certificate revoked"},
	24: {"ERR_NO_ISSUER_PUBLIC_KEY", "issuer certificate doesn't have a public key"},
	25: {"ERR_PATH_LENGTH_EXCEEDED", "path length constraint exceeded"},
	26: {"ERR_INVALID_PURPOSE", "unsuitable certificate purpose"},
	27: {"ERR_CERT_UNTRUSTED", "certificate not trusted"},
	28: {"ERR_CERT_REJECTED", "certificate rejected"},
	29: {"ERR_SUBJECT_ISSUER_MISMATCH", "subject issuer mismatch"},
	30: {"ERR_AKID_SKID_MISMATCH", "authority and subject key identifier mismatch"},
	31: {"ERR_AKID_ISSUER_SERIAL_MISMATCH", "authority and issuer serial number mismatch"},
	32: {"ERR_KEYUSAGE_NO_CERTSIGN", "key usage does not include certificate signing"},
	33: {"ERR_UNABLE_TO_GET_CRL_ISSUER", "unable to get CRL issuer certificate"},
	34: {"ERR_UNHANDLED_CRITICAL_EXTENSION", "unhandled critical extension"},
	35: {"ERR_KEYUSAGE_NO_CRL_SIGN", "key usage does not include CRL signing"},
	36: {"ERR_UNHANDLED_CRITICAL_CRL_EXTENSION", "unhandled critical CRL extension"},
	37: {"ERR_INVALID_NON_CA", "invalid non-CA certificate (has CA markings)"},
	38: {"ERR_PROXY_PATH_LENGTH_EXCEEDED", "proxy path length constraint exceeded"},
	39: {"ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE", "key usage does not include digital signature"},
	40: {"ERR_PROXY_CERTIFICATES_NOT_ALLOWED", "proxy certificates not allowed, please set the appropriate flag"},
	41: {"ERR_INVALID_EXTENSION", "invalid or inconsistent certificate extension"},
	42: {"ERR_INVALID_POLICY_EXTENSION", "invalid or inconsistent certificate policy extension"},
	43: {"ERR_NO_EXPLICIT_POLICY", "no explicit policy"},
	44: {"ERR_DIFFERENT_CRL_SCOPE", "different CRL scope"},
	45: {"ERR_UNSUPPORTED_EXTENSION_FEATURE", "unsupported extension feature"},
	46: {"ERR_UNNESTED_RESOURCE", "RFC 3779 resource not subset of parent's resources"},
	47: {"ERR_PERMITTED_VIOLATION", "permitted subtree violation"},
	48: {"ERR_EXCLUDED_VIOLATION", "excluded subtree violation"},
	49: {"ERR_SUBTREE_MINMAX", "name constraints minimum and maximum not supported"},
	50: {"ERR_APPLICATION_VERIFICATION", "application verification failure"},
	51: {"ERR_UNSUPPORTED_CONSTRAINT_TYPE", "unsupported name constraint type"},
	52: {"ERR_UNSUPPORTED_CONSTRAINT_SYNTAX", "unsupported or invalid name constraint syntax"},
	53: {"ERR_UNSUPPORTED_NAME_SYNTAX", "unsupported or invalid name syntax"},
	54: {"ERR_CRL_PATH_VALIDATION_ERROR", "CRL path validation error"},
	55: {"ERR_PATH_LOOP", "path loop"},
	56: {"ERR_SUITE_B_INVALID_VERSION", "Suite B: certificate version invalid"},
	57: {"ERR_SUITE_B_INVALID_ALGORITHM", "Suite B: invalid public key algorithm"},
	58: {"ERR_SUITE_B_INVALID_CURVE", "Suite B: invalid ECC curve"},
	59: {"ERR_SUITE_B_INVALID_SIGNATURE_ALGORITHM", "Suite B: invalid signature algorithm"},
	60: {"ERR_SUITE_B_LOS_NOT_ALLOWED", "Suite B: curve not allowed for this LOS"},
	61: {"ERR_SUITE_B_CANNOT_SIGN_P_384_WITH_P_256", "Suite B: cannot sign P-384 with P-256"},
	62: {"ERR_HOSTNAME_MISMATCH", "hostname mismatch"},
	63: {"ERR_EMAIL_MISMATCH", "email address mismatch"},
	64: {"ERR_IP_ADDRESS_MISMATCH", "IP address mismatch"},
	65: {"ERR_DANE_NO_MATCH", "no matching DANE TLSA records"},
	66: {"ERR_EE_KEY_TOO_SMALL", "EE certificate key too weak"},
	67: {"ERR_CA_KEY_TOO_SMALL", "CA certificate key too weak"},
	68: {"ERR_CA_MD_TOO_WEAK", "CA signature digest algorithm too weak"},
	69: {"ERR_INVALID_CALL", "invalid certificate verification context"},
	70: {"ERR_STORE_LOOKUP", "issuer certificate lookup error"},
	71: {"ERR_NO_VALID_SCTS", "Certificate Transparency required, but no valid SCTs found"},
	72: {"ERR_PROXY_SUBJECT_NAME_VIOLATION", "proxy subject name violation"},
	73: {"ERR_OCSP_VERIFY_NEEDED", "OCSP verification needed"},
	74: {"ERR_OCSP_VERIFY_FAILED", "OCSP verification failed"},
	75: {"ERR_OCSP_CERT_UNKNOWN", "OCSP unknown cert"},
	76: {"ERR_UNSUPPORTED_SIGNATURE_ALGORITHM", "Cannot find certificate signature algorithm"},
	77: {"ERR_SIGNATURE_ALGORITHM_MISMATCH", "subject signature algorithm and issuer public key algorithm mismatch"},
	78: {"ERR_SIGNATURE_ALGORITHM_INCONSISTENCY", "cert info signature and signature algorithm mismatch"},
	79: {"ERR_INVALID_CA", "invalid CA certificate"},
	80: {"ERR_PATHLEN_INVALID_FOR_NON_CA", "Path length invalid for non-CA cert"},
	81: {"ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN", "Path length given without key usage keyCertSign"},
	82: {"ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA", "Key usage keyCertSign invalid for non-CA cert"},
	83: {"ERR_ISSUER_NAME_EMPTY", "Issuer name empty"},
	84: {"ERR_SUBJECT_NAME_EMPTY", "Subject name empty"},
	85: {"ERR_MISSING_AUTHORITY_KEY_IDENTIFIER", "Missing Authority Key Identifier"},
	86: {"ERR_MISSING_SUBJECT_KEY_IDENTIFIER", "Missing Subject Key Identifier"},
	87: {"ERR_EMPTY_SUBJECT_ALT_NAME", "Empty Subject Alternative Name extension"},
	88: {"ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL", "Subject empty and Subject Alt Name extension not critical"},
	89: {"ERR_CA_BCONS_NOT_CRITICAL", "Basic Constraints of CA cert not marked critical"},
	90: {"ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL", "Authority Key Identifier marked critical"},
	91: {"ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL", "Subject Key Identifier marked critical"},
	92: {"ERR_CA_CERT_MISSING_KEY_USAGE", "CA cert does not include key usage extension"},
	93: {"ERR_EXTENSIONS_REQUIRE_VERSION_3", "Using cert extension requires at least X509v3"},
	94: {"ERR_EC_KEY_EXPLICIT_PARAMS", "Certificate public key has explicit ECC parameters"},
}

// Name returns the name of a code as OpenSSL's headers have it, such as
// "X509_V_ERR_CERT_HAS_EXPIRED"; "X509_V_ERR_<code>" for a number that OpenSSL 3.0 does not use.
func Name(code int) string {
	if code < 0 || code > Highest {
		return "X509_V_ERR_" + strconv.Itoa(code)
	}
	return "X509_V_" + codes[code].name
}

// Text returns what X509_verify_cert_error_string of OpenSSL 3.0 says of a code, such as
// "certificate has expired".
func Text(code int) string {
	if code < 0 || code > Highest {
		return "unknown certificate verification error"
	}
	return codes[code].text
}
