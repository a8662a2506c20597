package verify

// run is one verification.
type run struct {
	trust    *TrustList
	now      int64
	level    Level
	maxDepth int
	crls     []*revocationList
	crlCheck CRLCheck

	presented []*Certificate
	// twin is, for each presented certificate, the index of the first that is the same octets.
	twin []int
	// bySubject are the indices of presented certificates by canonical subject, in their order;
	// made if there are many.
	bySubject map[string][]int
	chain     []*Certificate
	untrusted int // how many of the chain do not come from the trust list

	faults []fault
	steps  []step
	// firstCounts tells that the first error is the answer.
	firstCounts bool
	// work counts candidates that were compared, and signatures those that were verified: a
	// measure that does not depend on the machine.
	work, signatures int
	// onPath is how many of the signatures are those of certificates, not of CRLs.
	onPath int
	// verified is what came of signatures that a long path may hold again.
	verified map[signaturePair]bool

	// space is room for what a usual chain needs, so that a verification is few allocations.
	space struct {
		presented, chain [usualChain]*Certificate
		twin             [usualChain]int
		steps            [usualChain]step
		marks            [2 * usualChain]bool
	}
}

// usualChain is up to how many certificates a chain has nearly always, with its root.
const usualChain = 4

// fault is one error that OpenSSL would report to a callback.
type fault struct {
	code, depth int
	cert        *Certificate
}

// step is one step in building the path.
type step struct {
	kind  stepKind
	depth int
	cert  *Certificate
}

type stepKind uint8

const (
	stepLeaf stepKind = iota
	stepTrusted
	stepPresented
	stepReplaced
	stepLookAlike
	stepNoIssuer
)

func (r *run) fail(code, depth int) { r.failFor(code, depth, r.chain[depth]) }

func (r *run) failFor(code, depth int, c *Certificate) {
	r.faults = append(r.faults, fault{code, depth, c})
}

// verify is verify_chain with a callback that always continues.
func (r *run) verify() {
	leaf := r.presented[0]
	r.chain = append(r.space.chain[:0], leaf)
	r.untrusted = 1
	r.steps = append(r.space.steps[:0], step{stepLeaf, 0, leaf})
	if !r.keyStrong(leaf) {
		r.fail(EEKeyTooSmall, 0)
	}
	if !r.build() {
		r.fail(Unspecified, len(r.chain)-1)
		return
	}
	r.checkExtensions()
	r.checkLevel()
	if leaf.key() == nil {
		// X509_get_pubkey_parameters needs the keys of the chain and gives up: nothing is
		// checked any more. The errors so far stay.
		r.internalError(len(r.chain) - 1)
		return
	}
	r.checkRevocation()
	if r.checkSignatures() {
		r.checkNames()
	}
}

// internalError ends a verification where OpenSSL fails without telling a callback: an error
// that has been reported stays the last one, else it becomes "unspecified".
func (r *run) internalError(depth int) {
	if len(r.faults) == 0 {
		r.fail(Unspecified, depth)
	}
}

// likelyIssued is ossl_x509_likely_issued: names, key identifiers and the kind of key fit. CA
// flag, key usage, dates and signature are not looked at.
func (r *run) likelyIssued(issuer, subject *Certificate) bool {
	r.work++
	if !issuer.subject.equal(subject.issuer) {
		return false
	}
	i := issuer.info()
	if i.invalid {
		return false // before the subject's extensions are read, which checkExtensions can tell
	}
	s := subject.info()
	if s.invalid {
		return false
	}
	return s.authority.matches(issuer, i) && issuer.signatureFits(subject)
}

// selfSigned is X509_self_signed without verification of the signature. fault is set where that
// fails: the key or an extension does not decode.
func (c *Certificate) selfSigned() (yes, fault bool) {
	if c.key() == nil || c.info().invalid {
		return false, true
	}
	return c.info().selfSigned, false
}

// candidate keeps the better of two issuers: the first that is valid now, else the one that
// expires last. It reports whether c is valid, which ends the search.
func (r *run) candidate(best **Certificate, c *Certificate) bool {
	if c.validAt(r.now) {
		*best = c
		return true
	}
	if *best == nil || c.notAfter.laterThan((*best).notAfter) {
		*best = c
	}
	return false
}

// trustedIssuer looks for an issuer in the trust list.
func (r *run) trustedIssuer(c *Certificate) *Certificate {
	if r.trust == nil {
		return nil
	}
	var best *Certificate
	for _, t := range r.trust.bySubject[string(c.issuer.canonical)] {
		if r.likelyIssued(t, c) && r.candidate(&best, t) {
			break
		}
	}
	return best
}

// fewPresented is up to how many presented certificates are searched without an index.
const fewPresented = 8

// presentedIssuer looks for an issuer among what was presented, is not used yet and not in the
// chain already as another copy, and returns its index or -1.
func (r *run) presentedIssuer(c *Certificate, used, chained []bool) int {
	if len(r.presented) > fewPresented {
		return r.presentedIssuerOf(c, r.presentedNamed(c.issuer), used, chained)
	}
	var few [fewPresented]int
	for i := range r.presented {
		few[i] = i
	}
	return r.presentedIssuerOf(c, few[:len(r.presented)], used, chained)
}

// presentedNamed lists the presented certificates with that subject.
func (r *run) presentedNamed(subject name) []int {
	if r.bySubject == nil {
		r.bySubject = make(map[string][]int, len(r.presented))
		for i, p := range r.presented {
			r.bySubject[string(p.subject.canonical)] = append(r.bySubject[string(p.subject.canonical)], i)
		}
	}
	return r.bySubject[string(subject.canonical)]
}

func (r *run) presentedIssuerOf(c *Certificate, candidates []int, used, chained []bool) int {
	var best *Certificate
	at := -1
	for _, i := range candidates {
		p := r.presented[i]
		if used[i] || !r.likelyIssued(p, c) {
			continue
		}
		if chained[r.twin[i]] && !(c.info().selfIssued && len(r.chain) == 1) {
			continue
		}
		before := best
		ended := r.candidate(&best, p)
		if best != before {
			at = i
		}
		if ended {
			break
		}
	}
	return at
}

// build is build_chain: at each step the trust list first, then what was presented, in its
// order, without going back. It returns false where OpenSSL ends with an internal error.
func (r *run) build() bool {
	marks := r.space.marks[:]
	if n := 2 * len(r.presented); n > len(marks) {
		marks = make([]bool, n)
	}
	used, chained := marks[:len(r.presented)], marks[len(r.presented):2*len(r.presented)]
	chained[0] = true // the leaf, which is among the candidates too
	trusted, searchPresented := false, true
	for {
		top := r.chain[len(r.chain)-1]
		if issuer := r.issuerWithinDepth(top); issuer != nil {
			self, broken := top.selfSigned()
			if broken {
				return false
			}
			switch {
			case !self:
				r.chain = append(r.chain, issuer)
				r.step(stepTrusted, issuer)
				searchPresented = false
				if self, broken = issuer.selfSigned(); broken {
					return false
				}
				if !self {
					continue
				}
				trusted = true
			case top.same(issuer):
				// A self-signed one that is in the trust list is replaced by itself from there.
				r.chain[len(r.chain)-1] = issuer
				r.untrusted = len(r.chain) - 1
				r.step(stepReplaced, issuer)
				trusted = true
			default:
				r.step(stepLookAlike, issuer)
			}
			if trusted {
				return true
			}
		}
		if !searchPresented {
			break
		}
		at := -1
		if self, _ := top.selfSigned(); !self && len(r.chain) <= r.maxDepth+1 {
			at = r.presentedIssuer(top, used, chained)
		}
		if at < 0 {
			break
		}
		used[at], chained[r.twin[at]] = true, true
		r.chain = append(r.chain, r.presented[at])
		r.untrusted++
		r.step(stepPresented, r.presented[at])
	}
	r.untrustedEnd()
	return true
}

func (r *run) step(kind stepKind, c *Certificate) {
	r.steps = append(r.steps, step{kind, len(r.chain) - 1, c})
}

func (r *run) issuerWithinDepth(top *Certificate) *Certificate {
	if len(r.chain) > r.maxDepth+1 {
		return nil
	}
	return r.trustedIssuer(top)
}

// untrustedEnd reports why the path does not end in an anchor.
func (r *run) untrustedEnd() {
	end := len(r.chain) - 1
	top := r.chain[end]
	r.step(stepNoIssuer, top)
	if len(r.faults) > 0 {
		// A weak leaf key has been reported: OpenSSL repeats that instead of what is wrong here.
		r.fail(r.faults[len(r.faults)-1].code, end)
		return
	}
	if len(r.chain) > r.maxDepth+1 {
		r.fail(CertChainTooLong, end)
	}
	self, _ := top.selfSigned()
	switch {
	case self && end == 0:
		r.fail(DepthZeroSelfSignedCert, end)
	case self:
		r.fail(SelfSignedCertInChain, end)
	case r.untrusted <= end:
		r.fail(UnableToGetIssuerCert, end)
	default:
		r.fail(UnableToGetIssuerCertLocally, end)
	}
}
