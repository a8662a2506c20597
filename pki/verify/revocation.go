package verify

// How well a CRL fits, in the order of what counts most: OpenSSL's CRL_SCORE values.
const (
	scoreNoCritical = 0x100
	scoreScope      = 0x080
	scoreTime       = 0x040
	scoreIssuerName = 0x020
	scoreIssuerCert = 0x018
	scoreSamePath   = 0x008
	scoreKeyID      = 0x004
)

// crlChoice is the CRL chosen for a certificate.
type crlChoice struct {
	list    *revocationList
	issuer  *Certificate
	score   int
	reasons uint16
}

// checkRevocation is check_revocation, without delta CRLs and extended CRL support.
func (r *run) checkRevocation() {
	last := 0
	switch r.crlCheck {
	case CRLOff:
		return
	case CRLAll:
		last = len(r.chain) - 1
	}
	for i := 0; i <= last; i++ {
		r.checkRevoked(i)
	}
}

// checkRevoked is check_cert: it goes on until CRLs for all reasons have been seen.
func (r *run) checkRevoked(i int) {
	c := r.chain[i]
	if c.info().proxy {
		return
	}
	seen := uint16(0)
	for seen != allReasons {
		choice, ok := r.chooseCRL(i, seen)
		if !ok {
			r.fail(UnableToGetCRL, i)
			return
		}
		r.checkCRL(i, choice)
		if choice.list.critical {
			r.fail(UnhandledCriticalCRLExtension, i)
		}
		if entry, found := choice.list.find(c); found && !entry.removed {
			r.fail(CertRevoked, i)
		}
		if choice.reasons == seen {
			r.fail(UnableToGetCRL, i)
			return
		}
		seen = choice.reasons
	}
}

// chooseCRL is get_crl_sk: the list with the highest score, of equal ones the newest.
func (r *run) chooseCRL(i int, seen uint16) (crlChoice, bool) {
	var best crlChoice
	for _, l := range r.crls {
		choice := r.score(i, l, seen)
		if choice.score == 0 || choice.score < best.score {
			continue
		}
		if choice.score == best.score && best.list != nil && !l.thisUpdate.laterThan(best.list.thisUpdate) {
			continue
		}
		best = choice
	}
	return best, best.list != nil
}

// score is get_crl_score.
func (r *run) score(i int, l *revocationList, seen uint16) crlChoice {
	c := r.chain[i]
	if l.unusable || !l.issuer.equal(c.issuer) {
		return crlChoice{}
	}
	choice := crlChoice{list: l, score: scoreIssuerName, reasons: seen}
	if !l.critical {
		choice.score |= scoreNoCritical
	}
	if l.timely(r.now) {
		choice.score |= scoreTime
	}
	r.findCRLIssuer(i, &choice)
	if choice.score&scoreKeyID == 0 {
		return crlChoice{}
	}
	if reasons, ok := l.covers(c, true); ok {
		if reasons&^seen == 0 {
			return crlChoice{}
		}
		choice.reasons |= reasons
		choice.score |= scoreScope
	}
	return choice
}

// findCRLIssuer is crl_akid_check: the certificate above, or one further up with the CRL
// issuer's name, if the CRL's authority key identifier does not speak against it.
func (r *run) findCRLIssuer(i int, choice *crlChoice) {
	fits := func(c *Certificate) bool { return choice.list.authority.matches(c, c.info()) }
	at := min(i+1, len(r.chain)-1)
	if above := r.chain[at]; fits(above) {
		choice.issuer = above
		choice.score |= scoreKeyID | scoreIssuerCert
		return
	}
	for _, c := range r.chain[at+1:] {
		if c.subject.equal(choice.list.issuer) && fits(c) {
			choice.issuer = c
			choice.score |= scoreKeyID | scoreSamePath
			return
		}
	}
}

// timely tells whether the dates are well formed and now is between them.
func (l *revocationList) timely(now int64) bool {
	return l.thisUpdate.compare(now) < 0 && (!l.hasNextUpdate || l.nextUpdate.compare(now) > 0)
}

// checkCRL is check_crl.
func (r *run) checkCRL(i int, choice crlChoice) {
	l, issuer := choice.list, choice.issuer
	if !l.isDelta {
		if issuer.info().usageLacks(usageCRLSign) {
			r.fail(KeyusageNoCRLSign, i)
		}
		if choice.score&scoreScope == 0 {
			r.fail(DifferentCRLScope, i)
		}
	}
	if choice.score&scoreTime == 0 {
		r.checkCRLDates(i, l)
	}
	if issuer.key() == nil {
		r.fail(UnableToDecodeIssuerPublicKey, i)
	} else if r.signatures++; !l.signedBy(issuer) {
		r.fail(CRLSignatureFailure, i)
	}
}

func (r *run) checkCRLDates(i int, l *revocationList) {
	switch l.thisUpdate.compare(r.now) {
	case 0:
		r.fail(ErrorInCRLLastUpdateField, i)
	case 1:
		r.fail(CRLNotYetValid, i)
	}
	if !l.hasNextUpdate {
		return
	}
	switch l.nextUpdate.compare(r.now) {
	case 0:
		r.fail(ErrorInCRLNextUpdateField, i)
	case -1:
		r.fail(CRLHasExpired, i)
	}
}
