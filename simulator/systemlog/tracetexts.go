package systemlog

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// AuthenticationFilter is the logger of CertificateReceived and CertificateStatus [C].
const AuthenticationFilter = "com.sap.esb.security.cloud.authentication.CloudAuthenticationFilter"

const (
	receivedText = "client certificate received at load balancer: "
	statusText   = "client certificate status from load balancer: Invalid Certificate Presented, OpenSSL verify result code: "

	notInTableText   = "Unauthorized. Subject and issuer (subject: "
	notInTableIssuer = "; issuer: "
	notInTableEnd    = ") of the provided certificate is not contained in the accepted subjectAndIssuers list of the integration flow."
)

// CertificateReceived is the text of the first of the two records that a certificate leaves which
// the load balancer did not accept [C]. subjectDN stands in the certificate's order, country first
// ("C=DE, ST=Bavaria, L=Munich, O=Example, CN=sender.example"); the text holds it in Base64.
func CertificateReceived(subjectDN string) string {
	return receivedText + base64.StdEncoding.EncodeToString([]byte(subjectDN))
}

// ParseCertificateReceived returns the subject DN of a text that CertificateReceived made.
func ParseCertificateReceived(text string) (subjectDN string, ok bool) {
	encoded, ok := strings.CutPrefix(text, receivedText)
	if !ok {
		return "", false
	}
	dn, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		return "", false
	}
	return string(dn), true
}

// CertificateStatus is the text of the second of these records [C]. code is OpenSSL's verify
// result.
func CertificateStatus(code int) string { return statusText + strconv.Itoa(code) }

// ParseCertificateStatus returns the verify result of a text that CertificateStatus made.
func ParseCertificateStatus(text string) (code int, ok bool) {
	digits, ok := strings.CutPrefix(text, statusText)
	if !ok {
		return 0, false
	}
	code, err := strconv.Atoi(digits)
	return code, err == nil
}

// NotInTable is the text for a certificate whose two DNs are not in the table of a channel with
// Client Certificate authorization [C: SAP knowledge base article 3538749]. The DNs are given as
// "CN=x, O=y" and written as there, with attribute names in lower case and no blank after a comma:
// "cn=x,o=y".
func NotInTable(subjectDN, issuerDN string) string {
	return notInTableText + tableDN(subjectDN) + notInTableIssuer + tableDN(issuerDN) + notInTableEnd
}

// ParseNotInTable returns the two DNs of a text that NotInTable made, as they are written there.
func ParseNotInTable(text string) (subjectDN, issuerDN string, ok bool) {
	rest, ok := strings.CutPrefix(text, notInTableText)
	if !ok {
		return "", "", false
	}
	if rest, ok = strings.CutSuffix(rest, notInTableEnd); !ok {
		return "", "", false
	}
	for from := 0; ; {
		i := strings.Index(rest[from:], notInTableIssuer)
		if i < 0 {
			return "", "", false
		}
		i += from
		if i == 0 || rest[i-1] != '\\' { // a semicolon in a value is escaped
			return rest[:i], rest[i+len(notInTableIssuer):], true
		}
		from = i + 1
	}
}

// tableDN rewrites a DN: attribute names in lower case, blanks around separators gone. Values,
// with their escapes and quotes, stay as they are.
func tableDN(dn string) string {
	var out strings.Builder
	out.Grow(len(dn))
	for {
		attribute, separator, rest := cutAttribute(dn)
		name, value, found := strings.Cut(strings.TrimLeft(attribute, " "), "=")
		if !found {
			out.WriteString(name)
		} else {
			out.WriteString(strings.ToLower(strings.TrimRight(name, " ")))
			out.WriteByte('=')
			out.WriteString(strings.TrimLeft(value, " "))
		}
		if separator == 0 {
			return out.String()
		}
		out.WriteByte(separator)
		dn = rest
	}
}

// cutAttribute cuts a DN at its first comma or plus sign that is neither escaped nor quoted.
func cutAttribute(dn string) (attribute string, separator byte, rest string) {
	quoted := false
	for i := 0; i < len(dn); i++ {
		switch dn[i] {
		case '\\':
			i++
		case '"':
			quoted = !quoted
		case ',', '+':
			if !quoted {
				return dn[:i], dn[i], dn[i+1:]
			}
		}
	}
	return dn, 0, ""
}
