package pki

import "crypto/x509"

// Which list or answer differs from that for the good twin.
var (
	inCRL  = []string{"CRL"}
	inOCSP = []string{"OCSP response"}
)

var revocationDefects = []Defect{
	{
		ID: "revoked", Title: "revoked, by CRL and OCSP", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 6.3.3, RFC 6960 2.2", Code: 23, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"CRL", "OCSP response"}, Twin: "a CRL without it, and the answer good",
		InLife: "The key got into wrong hands, or a former employee's certificate was taken back. Only who looks into CRLs notices: 23. Whether the real load balancer does is not documented, and crypto/x509 does not, so a revoked sender may well get in. " +
			"Do not rely on it: remove the mapping too.",
		crl:  onLeaf(func(of *Certificate, l *statusList) bool { return l.listed(of, KeyCompromise) }),
		ocsp: func(r *response) { r.answer, r.reason = OCSPRevoked, KeyCompromise },
	},
	{
		ID: "on-hold", Title: "on hold", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 5.3.1", Code: 23, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"CRL", "OCSP response"}, Twin: "a CRL without it, and the answer good",
		InLife: "A card was mislaid, or an invoice was not paid, and the CA has suspended the certificate. It counts as revoked, 23, and is the one reason that can be taken back: once the entry is gone, the same certificate works again without any renewal. " +
			"Ask the CA before making a new one.",
		crl:  onLeaf(func(of *Certificate, l *statusList) bool { return l.listed(of, OnHold) }),
		ocsp: func(r *response) { r.answer, r.reason = OCSPRevoked, OnHold },
	},
	{
		ID: "ca-revoked", Title: "issuing CA revoked", Group: Revocation, Level: AtIntermediate, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 6.3.3", Code: 23, Depth: 1, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inCRL, Twin: "a CRL of the root without it",
		InLife: "A CA revokes one of its intermediates, for a breach or for an error in its certificate, and everything below goes down with it. Only a verifier that checks the whole chain (-crl_check_all) sees it, at depth 1; one that checks leaves alone accepts. " +
			"The CA reissues for free in such a case; ask for it.",
		crl: func(depth int, of *Certificate, l *statusList) bool {
			if depth == 1 {
				return l.listed(of, CACompromise)
			}
			return true
		},
	},
	{
		ID: "crl-missing", Title: "issuer's CRL is not there", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 6.3.3", Code: 3, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inCRL, Twin: "the CRL of its issuer",
		InLife: "Revocation checking was switched on and the CRL of one CA was not loaded, or its download is blocked by a proxy. OpenSSL then refuses, with 3: no list means no proof. All senders of that CA are locked out, and no certificate is at fault. " +
			"It is the verifier that needs the list.",
		crl: onLeaf(func(*Certificate, *statusList) bool { return false }),
	},
	{
		ID: "crl-expired", Title: "issuer's CRL is out of date", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 5.1.2.5", Code: 12, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inCRL, Twin: "a CRL whose nextUpdate lies ahead",
		InLife: "The CA did not publish in time, or the job that fetches lists has stopped. Up to nextUpdate all is well, from the second after it every sender of the CA is refused with 12. " +
			"It often begins in the night and ends by itself when the next list comes. Watch nextUpdate as you watch notAfter.",
		crl: onLeaf(func(_ *Certificate, l *statusList) bool {
			l.expiredAt(l.thisUpdate.Add(-month))
			return true
		}),
	},
	{
		ID: "crl-not-yet-valid", Title: "issuer's CRL is from the future", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 5.1.2.4", Code: 11, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inCRL, Twin: "a CRL whose thisUpdate has passed",
		InLife: "The clock of the CA or of the verifier is wrong, or a list that was made in advance was published too early: 11. If all senders of all CAs are hit it is the own clock, if only those of one CA it is the CA's.",
		crl: onLeaf(func(_ *Certificate, l *statusList) bool {
			l.thisUpdate, l.nextUpdate = l.thisUpdate.Add(month), l.nextUpdate.Add(month)
			return true
		}),
	},
	{
		ID: "crl-wrong-signer", Title: "CRL in the issuer's name signed by another key", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 6.3.3 (g)", Code: 8, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inCRL, Twin: "a CRL signed by the issuer's key",
		InLife: "The CA has changed its key and kept its name, and the new key signs the list for both; or the list on an unprotected server was exchanged. OpenSSL says 8 and does not believe the list. " +
			"A CA that changes its key has to sign a list with each of them as long as certificates of both live.",
		crl: onLeaf(func(_ *Certificate, l *statusList) bool {
			// The CA above signs; where there is none, a damaged signature is as wrong as a stranger's.
			if above := l.issuer.issuer; above != nil && above.key != nil {
				l.signer = above
			} else {
				l.damaged = true
			}
			return true
		}),
	},
	{
		ID: "crl-critical-extension", Title: "issuer's CRL has a critical extension that nobody knows", Group: Revocation, Level: AtLeaf, NeedsCRL: true, leafOnly: true,
		Clause: "RFC 5280 5.2", Code: 36, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inCRL, Twin: "a CRL without such an extension",
		InLife: "A CA splits its lists or publishes differences in a way of its own and marks that as critical, as it must. A verifier that does not know the extension cannot tell whether a missing entry means anything, and refuses: 36. " +
			"Fetch the CA's full list instead.",
		crl: onLeaf(func(_ *Certificate, l *statusList) bool {
			l.critical = true
			return true
		}),
	},
	{
		ID: "crl-sign-missing", Title: "issuing CA may not sign CRLs", Group: Revocation, Level: AtIntermediate, NeedsCRL: true,
		Clause: "RFC 5280 6.3.3 (f)", Code: 35, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"keyUsage"}, Twin: "keyCertSign and cRLSign",
		InLife: "The CA's certificate has keyCertSign and not cRLSign, because nobody thought of revocation when it was made. Everything works until somebody switches on the checking of CRLs; then 35 is reported for every sender of this CA, at depth 0. " +
			"The CA's certificate has to be issued again.",
		change: func(s *settings) error {
			s.keyUsage &^= x509.KeyUsageCRLSign
			return nil
		},
	},
	{
		ID: "ocsp-revoked", Title: "revoked, which only OCSP says", Group: Revocation, Level: AtLeaf, leafOnly: true,
		Clause: "RFC 6960 2.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inOCSP, Twin: "the answer good",
		InLife: "CAs publish lists once a day or a week, or not at all any more, while their OCSP responder knows of a revocation within minutes. Neither OpenSSL's chain verification nor Go nor the load balancer here asks it, so the certificate is accepted. " +
			"openssl ocsp shows what the responder says. To lock somebody out now, remove the mapping.",
		ocsp: func(r *response) { r.answer, r.reason = OCSPRevoked, Superseded },
	},
	{
		ID: "ocsp-unknown", Title: "unknown to the OCSP responder", Group: Revocation, Level: AtLeaf, leafOnly: true,
		Clause: "RFC 6960 2.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inOCSP, Twin: "the answer good",
		InLife: "The certificate is so new that the responder has not heard of it, or the address in it is that of another CA's responder; a forged one gets the same answer. Strict checkers treat unknown as revoked. " +
			"Nothing on the way of a call here asks, so it gets in. If it lasts for more than an hour, tell the CA.",
		ocsp: func(r *response) { r.answer = OCSPUnknown },
	},
	{
		ID: "ocsp-expired", Title: "OCSP response out of date", Group: Revocation, Level: AtLeaf, leafOnly: true,
		Clause: "RFC 6960 4.2.2.1", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: inOCSP, Twin: "a response whose nextUpdate lies ahead",
		InLife: "A proxy in front of the responder answers from its cache, or the CA's signing job has stopped. The answer says good and its time has passed, so who checks it must not believe it. " +
			"Chain verification does not look. Whoever staples such responses to handshakes has to refresh them.",
		ocsp: func(r *response) { r.expiredAt(r.thisUpdate.Add(-month)) },
	},
}

// onLeaf changes the CRL that speaks of the leaf and leaves those of the CAs as they are.
func onLeaf(change func(of *Certificate, l *statusList) bool) func(int, *Certificate, *statusList) bool {
	return func(depth int, of *Certificate, l *statusList) bool { return depth != 0 || change(of, l) }
}

// listed puts a certificate on the list.
func (l *statusList) listed(c *Certificate, reason Reason) bool {
	l.reason = reason
	return l.revoke(c) == nil
}
