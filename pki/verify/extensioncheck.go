package verify

// caKind is what X509_check_ca answers.
type caKind uint8

const (
	notCA      caKind = 0
	plainCA    caKind = 1
	rootV1     caKind = 3 // version 1 and self-signed
	usageCA    caKind = 4 // no basic constraints, but key usage keyCertSign
	netscapeCA caKind = 5 // no basic constraints nor key usage, but a Netscape type
)

// ca is check_ca, for a valid certificate.
func (c *Certificate) ca() caKind {
	x := c.info()
	switch {
	case x.usageLacks(usageCertSign):
		return notCA
	case x.hasBasic:
		if x.ca {
			return plainCA
		}
		return notCA
	case c.version == 0 && x.selfSigned:
		return rootV1
	case x.hasUsage:
		return usageCA
	case x.hasNetscape && x.netscape&netscapeAnyCA != 0:
		return netscapeCA
	default:
		return notCA
	}
}

// suitable is the check for purpose sslclient. A certificate with invalid extensions passes:
// OpenSSL takes the failure to read them for consent, unless it is strict.
func (c *Certificate) suitable(asCA bool) bool {
	x := c.info()
	switch {
	case x.invalid:
		return true
	case x.hasExtUsage && !x.clientAuth:
		return false
	case asCA:
		kind := c.ca()
		return kind != notCA && (kind != netscapeCA || x.netscape&netscapeSSLCA != 0)
	default:
		return !x.usageLacks(usageDigitalSignature|usageKeyAgreement) &&
			(!x.hasNetscape || x.netscape&netscapeClient != 0)
	}
}

// checkExtensions is check_extensions without strictness.
func (r *run) checkExtensions() {
	const (
		either = iota // the leaf
		mustNotBeCA
		mustBeCA
	)
	want := either
	var pathLen, proxyLen int64
	for i, c := range r.chain {
		// OpenSSL looks at these two before it has made sure that the extensions have been
		// read. Only a leaf whose key does not decode and which met no candidate is in that
		// state.
		looked := c.known != nil
		x := c.info()
		if looked && x.critical {
			r.fail(UnhandledCriticalExtension, i)
		}
		if looked && x.proxy {
			r.fail(ProxyCertificatesNotAllowed, i)
		}
		kind := notCA
		if !x.invalid {
			kind = c.ca()
		}
		switch want {
		case mustNotBeCA:
			if kind != notCA {
				r.fail(InvalidNonCA, i)
			}
		case mustBeCA:
			if kind == notCA || i+1 < len(r.chain) && kind != plainCA {
				r.fail(InvalidCA, i)
			}
		}
		if len(r.chain) > 1 {
			if key := c.key(); key == nil {
				r.fail(Unspecified, i)
			} else if key.explicit {
				r.fail(ECKeyExplicitParams, i)
			}
		}
		if !c.suitable(want == mustBeCA) {
			r.fail(InvalidPurpose, i)
		}
		if i > 1 && x.pathLen != -1 && pathLen > x.pathLen+proxyLen {
			r.fail(PathLengthExceeded, i)
		}
		if i > 0 && !x.selfIssued {
			pathLen++
		}
		if !x.proxy {
			want = mustBeCA
			continue
		}
		if x.proxyPathLen != -1 {
			if proxyLen > x.proxyPathLen {
				r.fail(ProxyPathLengthExceeded, i)
			}
			proxyLen = x.proxyPathLen
		}
		proxyLen++
		want = mustNotBeCA
	}
}

// minimumStrength is how many bits of security the levels ask for.
var minimumStrength = [...]int{0, 80, 112, 128, 192, 256}

// keyStrong is check_key_level.
func (r *run) keyStrong(c *Certificate) bool {
	n := r.level.number()
	if n == 0 {
		return true
	}
	key := c.key()
	return key != nil && key.strength >= minimumStrength[n]
}

// digestStrong is check_sig_level.
func (r *run) digestStrong(c *Certificate) bool {
	n := r.level.number()
	if n == 0 {
		return true
	}
	bits, ok := c.digestStrength()
	return ok && bits >= minimumStrength[n]
}

// checkLevel is check_auth_level. The key of the leaf has been checked before, and the digest
// of the last one's signature does not count.
func (r *run) checkLevel() {
	if r.level.number() == 0 {
		return
	}
	for i, c := range r.chain {
		if i > 0 && !r.keyStrong(c) {
			r.fail(CAKeyTooSmall, i)
		}
		if i+1 < len(r.chain) && !r.digestStrong(c) {
			r.fail(CAMDTooWeak, i)
		}
	}
}
