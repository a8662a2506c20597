package verify

// slowBudget is how many signatures are verified with keys for which there is no fast code. Each
// takes up to 20 ms, and a hundred could keep a processor busy for seconds; OpenSSL has no such
// limit.
const slowBudget = 16

// furtherSignatures is how many signatures are verified of a chain that has an error already, where
// the first error is the answer: the others are for the list only, and a path of a hundred could cost
// ten times what a good chain does.
const furtherSignatures = 32

// checkSignatures is internal_verify: from the top to the leaf, the signature and the dates. It
// returns false if the chain has too many slow signatures.
func (r *run) checkSignatures() bool {
	slow := 0
	n := len(r.chain) - 1
	issuer := r.chain[n]
	subject := issuer
	if !r.likelyIssued(issuer, issuer) {
		if n > 0 {
			n--
			subject = r.chain[n]
		} else {
			r.fail(UnableToVerifyLeafSignature, 0)
		}
	}
	for {
		// The signature of a self-signed certificate on itself says nothing.
		if subject != issuer {
			if key := issuer.key(); key != nil && key.slow() && !r.verifiedBefore(issuer, subject) {
				if slow++; slow > slowBudget {
					r.fail(Unspecified, n)
					return false
				}
			}
			r.checkSignature(n, issuer, subject)
		}
		r.checkDates(n, subject)
		if n--; n < 0 {
			return true
		}
		issuer, subject = subject, r.chain[n]
	}
}

// checkSignature checks what issuer, at depth n+1, says of subject, at depth n.
func (r *run) checkSignature(n int, issuer, subject *Certificate) {
	if subject.info().proxy {
		if issuer.info().usageLacks(usageDigitalSignature) {
			r.failFor(KeyusageNoDigitalSignature, n+1, issuer)
		}
	} else if issuer.info().usageLacks(usageCertSign) {
		r.failFor(KeyusageNoCertsign, n+1, issuer)
	}
	if key := issuer.key(); key == nil {
		r.failFor(UnableToDecodeIssuerPublicKey, n+1, issuer)
	} else if !r.signedBy(subject, issuer, key) {
		r.failFor(CertSignatureFailure, n, subject)
	}
}

// signaturePair is a certificate and the one whose key its signature was verified with.
type signaturePair struct{ subject, issuer *Certificate }

// longPath is from how many certificates on a path may hold the same ones again and again: CAs in
// the trust list that certify each other.
const longPath = 8

// signedBy verifies a signature, one that a path holds repeatedly once.
func (r *run) signedBy(subject, issuer *Certificate, key *publicKey) bool {
	if r.firstCounts && len(r.faults) > 0 && r.onPath >= furtherSignatures {
		return true
	}
	if len(r.chain) < longPath {
		r.signatures++
		r.onPath++
		return subject.signedBy(key)
	}
	pair := signaturePair{subject, issuer}
	good, known := r.verified[pair]
	if !known {
		r.signatures++
		r.onPath++
		good = subject.signedBy(key)
		if r.verified == nil {
			r.verified = map[signaturePair]bool{}
		}
		r.verified[pair] = good
	}
	return good
}

func (r *run) verifiedBefore(issuer, subject *Certificate) bool {
	_, known := r.verified[signaturePair{subject, issuer}]
	return known
}

// checkDates is ossl_x509_check_cert_time. At the very second of notAfter a certificate has
// expired.
func (r *run) checkDates(n int, c *Certificate) {
	switch c.notBefore.compare(r.now) {
	case 0:
		r.failFor(ErrorInCertNotBeforeField, n, c)
	case 1:
		r.failFor(CertNotYetValid, n, c)
	}
	switch c.notAfter.compare(r.now) {
	case 0:
		r.failFor(ErrorInCertNotAfterField, n, c)
	case -1:
		r.failFor(CertHasExpired, n, c)
	}
}

// checkNames is check_name_constraints.
func (r *run) checkNames() {
	budget := constraintBudget
	for i := len(r.chain) - 1; i >= 0; i-- {
		c := r.chain[i]
		x := c.info()
		if i != 0 && x.selfIssued {
			continue
		}
		if x.proxy && !proxyNamed(c) {
			r.fail(ProxySubjectNameViolation, i)
		}
		weight, beside := -1, 0
		for j := len(r.chain) - 1; j > i; j-- {
			nc := r.chain[j].info().constraints
			if nc == nil {
				continue
			}
			if weight < 0 {
				weight, beside = c.weight()
			}
			if budget -= beside + weight*(len(nc.permitted)+len(nc.excluded)); budget < 0 {
				r.fail(Unspecified, i)
				return
			}
			code := nc.check(c)
			if code == 0 && i == 0 && !x.hasDNSName() {
				code = nc.checkCommonNames(c)
			}
			switch code {
			case 0:
			case undecodable:
				r.internalError(i)
				return
			default:
				r.fail(code, i)
			}
		}
	}
}

// proxyNamed tells whether the subject is the issuer with one common name more (RFC 3820).
func proxyNamed(c *Certificate) bool {
	if c.subject.entries < 2 || c.subject.entries != c.issuer.entries+1 || !c.subject.within(c.issuer) {
		return false
	}
	last := attribute{}
	sets := map[int]int{}
	c.subject.attributes(func(a attribute) bool {
		last = a
		sets[a.set]++
		return true
	})
	return sets[last.set] == 1 && string(last.oid) == oidCommonName
}
