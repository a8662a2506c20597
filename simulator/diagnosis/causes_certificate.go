package diagnosis

import (
	"slices"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// certificateCauses are those for which a certificate of the chain is refused.
func certificateCauses() []Cause {
	refused := func(id string, common int, requirement, title, why, fix string, judge func(*view, *verdict)) Cause {
		return Cause{
			ID: id, Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: common, Requirement: requirement,
			Title: title, Why: why, Fix: fix, judge: judge,
			Symptom:  "401; the access log shows user -; the trace shows two records with the subject DN and a verify result.",
			Evidence: "The verify result in the trace: " + title + ".",
			Check:    "Check the sender's chain: gatehouse verify CHAIN --trust neo.",
			Mark:     confirms, Source: "F5 SSL::verify_result, OpenSSL",
		}
	}
	with := func(c Cause, change func(*Cause)) Cause {
		change(&c)
		return c
	}
	needsChain := func(c *Cause) { c.Needs = "the sender's chain" }
	return []Cause{
		with(refused("certificate-expired", 8, "LB-6", "The sender's certificate has expired",
			"Nobody renewed it. The mapping shows expired certificates in red.",
			"Renew the sender's certificate; add the new one beside the old under Operations View → Manage Security → Certificate-to-User Mappings before the sender changes, and remove the old one after.",
			certain(0, verify.CertHasExpired)), needsChain),
		with(refused("ca-expired", 4, "LB-6", "A CA certificate of the chain has expired",
			"The sender's own certificate is good, but it sends an old intermediate certificate.",
			"Replace the intermediate certificate in the sender's keystore by the CA's current one; if the CA has none, renew the sender's certificate.",
			certain(1, verify.CertHasExpired)), needsChain),
		refused("certificate-not-yet-valid", 2, "LB-6", "A certificate of the chain is not valid yet",
			"It was issued for a later beginning, or a clock is wrong.",
			"Wait for the beginning of its validity, or have it issued again.",
			certain(-1, verify.CertNotYetValid)),
		with(refused("server-certificate", 7, "LB-7", "The certificate is not for clients: its extended key usage lacks clientAuth",
			"A server certificate was ordered, or the CA issues none for clients.",
			"Order a client certificate: extended key usage clientAuth (1.3.6.1.5.5.7.3.2), key usage digitalSignature. Many public CAs no longer offer it in their server products.",
			func(v *view, said *verdict) {
				certain(0, verify.InvalidPurpose)(v, said)
				if _, before := v.letInBefore(); before && said.level > 0 {
					said.against("The same sender was let in before: it looks like a renewal.")
				}
			}), func(c *Cause) {
			c.Mark, c.Source, c.Scenario, c.Needs = differs, "CI, KBA 3711618", "LB-7", "the sender's chain"
		}),
		with(refused("renewal-without-client-auth", 6, "LB-7", "The certificate was renewed, and the new one is for servers only",
			"Public CAs stopped issuing clientAuth between September 2025 and May 2026, so that a renewal lacks what the old certificate had.",
			"Order the renewal with extended key usage clientAuth (1.3.6.1.5.5.7.3.2), from another product or CA if need be, and map it before the sender changes.",
			func(v *view, said *verdict) {
				before, ok := v.letInBefore()
				if !ok {
					return
				}
				certain(0, verify.InvalidPurpose)(v, said)
				if said.level > 0 {
					said.points("The same client was let in as " + before + " until then.")
				}
			}), func(c *Cause) {
			c.Mark, c.Source, c.Scenario = differs, "KBA 3711618", "FLD-3"
		}),
		with(refused("ca-without-client-auth", 2, "LB-7", "A CA certificate of the chain does not allow client certificates below it",
			"Its extended key usage lacks clientAuth, which OpenSSL demands of every certificate of the chain.",
			"Get a certificate below a CA that is for clients.",
			func(v *view, said *verdict) {
				certain(1, verify.InvalidPurpose)(v, said)
				if _, before := v.letInBefore(); before && said.level > 0 {
					said.against("The same sender was let in before: it looks like a renewal.")
				}
			}), func(c *Cause) { c.Needs = "the sender's chain" }),
		refused("broken-signature", 1, "LB-11", "A signature in the chain does not hold",
			"A certificate was changed or damaged, or the intermediate certificate is another one of the same name.",
			"Send the certificate as it was issued, with the certificate of the very CA that signed it.",
			certain(-1, verify.CertSignatureFailure, verify.UnableToDecodeIssuerPublicKey)),
		refused("issuer-is-no-ca", 1, "LB-11", "A certificate in the place of a CA's is none of a CA",
			"An end-entity certificate issued another, or the wrong certificate stands between.",
			"Send the certificate of the CA that issued yours.",
			certain(-1, verify.InvalidCA, 24, verify.KeyusageNoCertsign)),
		refused("path-too-long", 1, "LB-11", "There are more CAs in the chain than one of them allows",
			"The path length of a CA is exceeded, or the chain is longer than the load balancer takes.",
			"Use a certificate that is issued further up.",
			certain(-1, verify.PathLengthExceeded, verify.CertChainTooLong)),
		refused("name-not-allowed", 1, "LB-11", "A CA of the chain does not allow the names in the certificate",
			"Its name constraints permit or exclude others.",
			"Ask the CA for a certificate with names that it may certify.",
			certain(-1, verify.PermittedViolation, verify.ExcludedViolation, verify.SubtreeMinmax, verify.UnsupportedConstraintType, verify.UnsupportedNameSyntax)),
		refused("weak-key", 2, "LB-11", "The key of the sender's certificate is too weak",
			"RSA keys below 2048 bits are below the load balancer's security level.",
			"Make a new key pair of RSA 2048 bits or EC P-256 at least and have it certified.",
			certain(-1, verify.EEKeyTooSmall)),
		refused("weak-ca-key", 1, "LB-11", "The key of a CA in the chain is too weak",
			"RSA keys below 2048 bits are below the load balancer's security level.",
			"Use a certificate of another CA.",
			certain(-1, verify.CAKeyTooSmall)),
		refused("weak-digest", 2, "LB-11", "A certificate of the chain is signed with SHA-1 or MD5",
			"Old digests are below the load balancer's security level.",
			"Have the certificate issued again with SHA-256.",
			certain(-1, verify.CAMDTooWeak)),
		refused("unknown-critical-extension", 1, "LB-11", "A certificate of the chain has a critical extension that the load balancer does not know",
			"Who does not know a critical extension must refuse the certificate.",
			"Have the certificate issued without that extension, or not as critical.",
			certain(-1, verify.UnhandledCriticalExtension)),
		refused("revoked", 2, "LB-11", "The certificate was revoked, or its revocation cannot be checked",
			"The CA took it back, or the load balancer's list of revoked certificates is missing or out of date.",
			"Ask the CA whether the certificate is revoked, and for a new one if it is; for a custom domain bring its CRL up to date.",
			certain(-1, verify.CertRevoked, verify.UnableToGetCRL, verify.CRLHasExpired, verify.CRLNotYetValid, verify.CRLSignatureFailure)),
		refused("malformed-certificate", 1, "LB-11", "A certificate of the chain does not follow the rules",
			"A date, a key or another field is not as RFC 5280 asks.",
			"Have the certificate issued again.",
			func(v *view, said *verdict) {
				code, _, quotes, ok := v.rejected()
				if ok && code > 0 && !slices.Contains(codesOfOthers, code) {
					said.points("The load balancer's verify result is one for which there is no cause of its own: "+codeText(code)+".", quotes...)
				}
			}),
	}
}

// codesOfOthers are the verify results for which there is a cause.
var codesOfOthers = append([]int{
	verify.UnableToGetIssuerCert, verify.DepthZeroSelfSignedCert, verify.CertHasExpired, verify.CertNotYetValid, verify.InvalidPurpose,
	verify.CertSignatureFailure, verify.UnableToDecodeIssuerPublicKey, verify.InvalidCA, 24, verify.KeyusageNoCertsign, verify.PathLengthExceeded, verify.CertChainTooLong,
	verify.PermittedViolation, verify.ExcludedViolation, verify.SubtreeMinmax, verify.UnsupportedConstraintType, verify.UnsupportedNameSyntax,
	verify.EEKeyTooSmall, verify.CAKeyTooSmall, verify.CAMDTooWeak, verify.UnhandledCriticalExtension,
	verify.CertRevoked, verify.UnableToGetCRL, verify.CRLHasExpired, verify.CRLNotYetValid, verify.CRLSignatureFailure,
}, noPath...)

// letInBefore is the user as which a client of the calls was let in before they failed, and never
// since.
func (v *view) letInBefore() (string, bool) {
	l, ok := v.f.sameCaller(v.group)
	if !ok || l.user == "" || !l.first.Before(v.group.first) || l.last.After(v.group.first) {
		return "", false
	}
	return l.user, true
}
