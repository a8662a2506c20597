package receiver

import (
	"strings"

	"example.com/gatehouse/pki/verify"
)

// System is a kind of sender.
type System string

// The kinds of senders that hints are given for.
const (
	SM59       System = "SM59"
	SOAMANAGER System = "SOAMANAGER"
	Java       System = "Java"
	Postman    System = "Postman"
	Curl       System = "curl"
)

// Systems lists the kinds of senders.
func Systems() []System { return []System{SM59, SOAMANAGER, Java, Postman, Curl} }

// Hint says what to change in a kind of sender.
type Hint struct {
	System System `json:"system"`
	// About is the point of the checklist that the hint belongs to.
	About string `json:"about"`
	Text  string `json:"text"`
}

// cause is what hints are found by.
type cause string

const (
	notKnown      cause = ""
	notTrusted    cause = "the sender does not trust the server"
	noCertificate cause = "no certificate is sent"
	incomplete    cause = "intermediate certificates are not sent"
	otherCA       cause = "the certificate is not of a supported CA"
	expired       cause = "a certificate has expired"
	notForClients cause = "the certificate is not one for clients"
	keyMismatch   cause = "the key does not belong to the certificate"
	oldTLS        cause = "TLS is too old"
	noServerName  cause = "no server name is sent"
	plainHTTP     cause = "TLS is not used"
	trailingSpace cause = "the common name ends in a space"
	beside        cause = "credentials are sent beside the certificate"
	wrongPath     cause = "the path has no prefix"
)

// causeOf is what a verify result means for the owner of a sender.
func causeOf(code int) cause {
	switch code {
	case verify.UnableToGetIssuerCertLocally, verify.UnableToVerifyLeafSignature:
		return incomplete
	case verify.DepthZeroSelfSignedCert, verify.SelfSignedCertInChain, verify.UnableToGetIssuerCert:
		return otherCA
	case verify.CertHasExpired, verify.CertNotYetValid:
		return expired
	case verify.InvalidPurpose:
		return notForClients
	}
	return notKnown
}

// systemOf recognises the kind of a sender by its User-Agent.
func systemOf(asked Request) System {
	agent := strings.ToLower(asked.UserAgent)
	switch {
	case strings.Contains(agent, "sap netweaver application server") || strings.Contains(agent, "sap-web-application-server") || strings.Contains(agent, "sap web application server"):
		if strings.HasPrefix(asked.Path, "/cxf/") {
			return SOAMANAGER
		}
		return SM59
	case strings.Contains(agent, "postmanruntime"):
		return Postman
	case strings.HasPrefix(agent, "curl/"):
		return Curl
	case strings.Contains(agent, "java"), strings.Contains(agent, "apache-httpclient"), strings.Contains(agent, "okhttp"):
		return Java
	}
	return ""
}

// sameInABAP are the hints of SM59 and SOAMANAGER that concern the system and not the destination.
const (
	abapRenew = "STRUST: open the PSE that the destination uses, create a certificate request for it, have it signed by a supported CA for client authentication, and import the response with the whole chain"
	abapTLS   = "profile parameters ssl/client_ciphersuites and ssl/ciphersuites, with a current CommonCryptoLib, switch TLS 1.2 on (SAP note 510007); restart the ICM in SMICM"
)

// hints by cause and kind of sender. Menus and transactions are those of the products; what the
// blog of the reference names is [C], the rest is common knowledge of these tools [I].
var hints = map[cause]map[System]string{
	notTrusted: {
		SM59:       "STRUST: import the root certificate into the certificate list of the very PSE that the destination uses (SSL client Standard, or the one chosen in SM59 → Logon & Security → SSL Certificate), save, and restart the ICM in SMICM. The trace shows SSSLERR_PEER_CERT_UNTRUSTED until then",
		SOAMANAGER: "STRUST: import the root certificate into the PSE that the logical port names (Consumer Security → SSL client PSE), save, and restart the ICM in SMICM",
		Java:       "import the root into the trust store: keytool -importcert -alias load-balancer -file root.pem -keystore truststore.p12, and name it with -Djavax.net.ssl.trustStore. PKIX path building failed is the message until then",
		Postman:    "Settings → Certificates → CA Certificates: switch it on and choose root.pem; or switch SSL certificate verification off for a test",
		Curl:       "name the root with --cacert root.pem; and call by a name that the certificate has, with --resolve or --connect-to if it does not resolve",
	},
	noCertificate: {
		SM59:       "SM59 → Logon & Security: SSL active, and as SSL Certificate the PSE that holds the client certificate, not ANONYM. In STRUST that PSE must have a certificate of a CA that the load balancer names",
		SOAMANAGER: "SOAMANAGER → logical port → Consumer Security: X.509 SSL Client Certificate as authentication, with the PSE that holds it",
		Java:       "give the keystore with the private key: -Djavax.net.ssl.keyStore and -Djavax.net.ssl.keyStorePassword, or an SSLContext with a KeyManager. Java sends a certificate only if its chain leads to a CA that the server names: import the whole chain into the key's entry",
		Postman:    "Settings → Certificates → Add Certificate: the host must be that of the URL, with the port if it is not 443, and both the certificate and its key file (or a PFX) must be given. The public part alone sends nothing",
		Curl:       "curl --cert chain.pem --key sender.key; the file of --cert begins with the sender's own certificate",
	},
	incomplete: {
		SM59:       "STRUST: import the certificate response together with the intermediate certificates (one file, own certificate first, or a .p7b), so that Own Certificate shows the whole chain; then restart the ICM",
		SOAMANAGER: "STRUST: the PSE of the logical port must hold the whole chain: import the certificate response together with the intermediate certificates; then restart the ICM",
		Java:       "the key's entry must hold the whole chain: keytool -list -v shows Certificate chain length. Import the CA's response as .p7b or as one PEM with all certificates under the alias of the key, or make a PKCS#12 with openssl pkcs12 -export -certfile intermediates.pem",
		Postman:    "choose as CRT file one that has the intermediate certificates behind the sender's own (or a PFX that holds them)",
		Curl:       "put the intermediate certificates behind the sender's own into the file of --cert; curl sends what is in there (openssl s_client needs -cert_chain)",
	},
	otherCA: {
		SM59:       abapRenew + ". Self-signed certificates, as STRUST makes them at first, are not supported",
		SOAMANAGER: abapRenew + ". Self-signed certificates, as STRUST makes them at first, are not supported",
		Java:       "keytool -certreq for the key, have it signed by a CA whose root is on the list, and keytool -importcert the response with its chain",
		Postman:    "get a key pair certified by a CA whose root is on the list; an SAP Passport is not, since September 2022",
		Curl:       "get a key pair certified by a CA whose root is on the list; openssl req makes the request",
	},
	expired: {
		SM59:       abapRenew + ". Put the new certificate beside the old one into the tenant's mapping first",
		SOAMANAGER: abapRenew + ". Put the new certificate beside the old one into the tenant's mapping first",
		Java:       "renew the certificate and import the response with its chain under the alias of the key; put the new one beside the old one into the tenant's mapping first",
		Postman:    "replace the certificate under Settings → Certificates, and add the new one to the tenant's mapping",
		Curl:       "name the renewed certificate with --cert, and add it to the tenant's mapping",
	},
	notForClients: {
		SM59:       abapRenew + ". The certificate of the SSL server PSE is not one for clients",
		SOAMANAGER: abapRenew + ". The certificate of the SSL server PSE is not one for clients",
		Java:       "have a certificate issued with the extended key usage clientAuth; Java itself sends whichever it has",
		Postman:    "have a certificate issued with the extended key usage clientAuth; that of a web server is not enough",
		Curl:       "have a certificate issued with the extended key usage clientAuth; that of a web server is not enough",
	},
	keyMismatch: {
		SM59:       "STRUST: import the response into the PSE in which the request was created; any other has another key",
		SOAMANAGER: "STRUST: import the response into the PSE in which the request was created; any other has another key",
		Java:       "import the response under the alias of the key that made the request; keytool -list shows PrivateKeyEntry",
		Postman:    "choose the key file that belongs to the certificate: openssl x509 -pubkey and openssl pkey -pubout must print the same",
		Curl:       "--key must be the key of the first certificate in the file of --cert: openssl x509 -pubkey and openssl pkey -pubout must print the same",
	},
	oldTLS: {
		SM59: abapTLS, SOAMANAGER: abapTLS,
		Java:    "Java 8 and newer speak TLS 1.2; for Java 7 set -Dhttps.protocols=TLSv1.2",
		Postman: "Settings → General or the request's own settings: do not disable TLS 1.2",
		Curl:    "leave out --tls-max and --tlsv1.0; update curl and its TLS library",
	},
	noServerName: {
		SM59:       "profile parameter icm/HTTPS/client_sni_enabled = TRUE; and the host in SM59 must be a name, not an address",
		SOAMANAGER: "profile parameter icm/HTTPS/client_sni_enabled = TRUE; and the host of the logical port must be a name, not an address",
		Java:       "call by host name; -Djsse.enableSNIExtension must not be false",
		Postman:    "call by host name, not by address",
		Curl:       "call by host name, with --resolve if it does not resolve; for addresses no name is sent",
	},
	plainHTTP: {
		SM59:       "SM59 → Logon & Security: SSL must be active, and the port that of HTTPS",
		SOAMANAGER: "logical port → Transport Settings: the URL protocol is HTTPS",
		Java:       "use https in the URL",
		Postman:    "use https in the URL",
		Curl:       "use https in the URL",
	},
	trailingSpace: {
		SM59:       abapRenew + ". The name of the request must not end in a space",
		SOAMANAGER: abapRenew + ". The name of the request must not end in a space",
		Java:       "make the request anew with a -dname whose CN does not end in a space",
		Postman:    "have the certificate issued again",
		Curl:       "make the request anew with a -subj whose CN does not end in a space",
	},
	beside: {
		SM59:       "SM59 → Logon & Security: choose Do Not Use a User for the logon procedure; the PSE identifies the system",
		SOAMANAGER: "logical port → Consumer Security: X.509 SSL Client Certificate only, without user and password",
		Java:       "leave out the Authorization header and any Authenticator",
		Postman:    "Authorization tab: No Auth; look at inherited settings of the collection too",
		Curl:       "leave out --user and -H 'Authorization: …'; look into ~/.curlrc and ~/.netrc too",
	},
	wrongPath: {
		SM59:       "SM59 → Technical Settings → Path Prefix: the whole path of the endpoint, such as /http/orders or /cxf/orders",
		SOAMANAGER: "logical port → Transport Settings → Access Path: the whole path of the endpoint, such as /cxf/orders",
		Java:       "use the endpoint's URL as Manage Integration Content shows it",
		Postman:    "use the endpoint's URL as Manage Integration Content shows it",
		Curl:       "use the endpoint's URL as Manage Integration Content shows it",
	},
}

// hintsFor gives hints for what is not right in a call: for its kind of sender, or for all kinds if
// that is not known.
func hintsFor(call Call) []Hint {
	systems := Systems()
	if call.System != "" {
		systems = []System{call.System}
	}
	var out []Hint
	told := map[cause]bool{}
	for _, c := range call.Checks {
		if c.cause == notKnown || told[c.cause] {
			continue
		}
		told[c.cause] = true
		for _, system := range systems {
			if text, ok := hints[c.cause][system]; ok {
				out = append(out, Hint{System: system, About: c.Point, Text: text})
			}
		}
	}
	return out
}
