// Package verify answers whether a client's certificate chain would pass, with the code that
// OpenSSL's X509_verify_cert reports for purpose "sslclient": 0, or number, depth and text of
// the first (or last) error. It builds the path as OpenSSL 3.0 does, trust list first and
// without going back, and checks in OpenSSL's order. Which code belongs to which defect is a
// fact of OpenSSL [C: its source, and comparison with the openssl command in this package's
// tests]; that the real load balancer's codes are OpenSSL's is [C] too, its level and which of
// several errors it reports are choices, marked at the options.
//
// The package does not speak TLS, does not fetch anything (no AIA, OCSP or CRL download), does
// not check host names and does not evaluate certificate policies. It reads certificates
// itself, since crypto/x509 refuses some that OpenSSL reads.
//
// [Limits] lists where it is known to differ from OpenSSL. A chain that cannot be read gives a
// result of its own, see [Result.Unreadable].
package verify

import (
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"
)

// Options configure a Verifier. The zero value is the default throughout.
type Options struct {
	// Now is asked once per verification. Default: time.Now.
	Now func() time.Time
	// Level is the security level. Default: level 2.
	Level Level
	// Numbering of the codes. Default: OpenSSL 3.x.
	Numbering Numbering
	// Report says which error is the answer. Default: the first.
	Report Report
	// Depth is how many certificates may lie between leaf and root. Default, and for values
	// below 1: 100, as OpenSSL.
	Depth int
	// CRLs are certificate revocation lists, DER. One that cannot be read is an error of
	// CheckCRLs, and is left out otherwise. Default: none.
	CRLs [][]byte
	// CRLCheck says which certificates are looked up in them. Default: none.
	CRLCheck CRLCheck
	// CacheSize is how many verdicts are remembered. Default: 1024. Negative: none.
	CacheSize int
}

// Level is OpenSSL's security level: how strong keys and digests must be. The zero value is
// level 2, Debian's default [I for the real load balancer].
type Level int8

// The levels ask for 0, 80, 112, 128, 192 and 256 bits of security; at level 2 that is RSA
// from 2048 bits (exactly: 1963), EC from 224 bits and SHA-224.
const (
	DefaultLevel Level = iota // level 2
	Level0
	Level1
	Level2
	Level3
	Level4
	Level5
)

// number is the level as OpenSSL numbers it; above 5 is 5.
func (l Level) number() int {
	if l == DefaultLevel {
		return 2
	}
	return min(max(int(l)-1, 0), 5)
}

// String is the level's number.
func (l Level) String() string { return fmt.Sprint(l.number()) }

// LevelNumber returns the level that OpenSSL numbers n. It fails outside 0 to 5.
func LevelNumber(n int) (Level, error) {
	if n < 0 || n > 5 {
		return DefaultLevel, fmt.Errorf("security level %d, expected 0 to 5", n)
	}
	return Level(n + 1), nil
}

// Numbering says whose numbers the codes have.
type Numbering uint8

const (
	// OpenSSL3 is the numbering of 3.x: 79 for a CA that is none.
	OpenSSL3 Numbering = iota
	// OpenSSL11 is the numbering up to 1.1.1: 24 instead of 79. Texts and the order of checks
	// stay those of 3.0.
	OpenSSL11
)

func (n Numbering) number(code int) int {
	if n == OpenSSL11 && code == InvalidCA {
		return 24
	}
	return code
}

// Report says which of several errors is the answer.
type Report uint8

const (
	// First is what X509_verify_cert returns without a callback. [I] for the real load
	// balancer: 20 is published where the remedy is to send the whole chain; Last would be 21.
	First Report = iota
	// Last is what remains where a callback lets verification go on: SSL_get_verify_result,
	// HAProxy's ssl_c_verify, nginx.
	Last
)

// CRLCheck says for which certificates a CRL is asked.
type CRLCheck uint8

const (
	// CRLOff: none.
	CRLOff CRLCheck = iota
	// CRLLeaf: the leaf.
	CRLLeaf
	// CRLAll: every certificate of the chain, the root included.
	CRLAll
)

const (
	defaultDepth     = 100
	defaultCacheSize = 1024
	// maxPresented is how many certificates a chain may have, and maxChain how many octets:
	// more than any TLS server takes. OpenSSL's default limit is 100 KB.
	maxPresented = 1000
	maxChain     = 1 << 20
)

// Verifier verifies chains against a trust list. It remembers verdicts and may be used
// concurrently. The zero value trusts nobody and remembers nothing.
type Verifier struct {
	opts  Options
	crls  []*revocationList
	dates []int64 // of the CRLs
	state atomic.Pointer[trusted]
}

// trusted is a trust list with the verdicts that were reached with it.
type trusted struct {
	list  *TrustList
	cache *cache
	known *knownCAs // nil: nothing is remembered
}

// New returns a Verifier. A nil trust list trusts nobody.
func New(trust *TrustList, opts Options) *Verifier {
	v := &Verifier{opts: opts}
	for _, der := range opts.CRLs {
		l, err := parseCRL(slices.Clone(der))
		if err != nil {
			continue
		}
		v.crls = append(v.crls, l)
		if l.thisUpdate.strict {
			v.dates = append(v.dates, l.thisUpdate.unix)
		}
		if l.nextUpdate.strict {
			v.dates = append(v.dates, l.nextUpdate.unix)
		}
	}
	v.opts.CRLs = nil
	slices.Sort(v.dates)
	v.SetTrust(trust)
	return v
}

// CheckCRLs tells whether all CRLs of the options can be read. The error says which cannot.
func (o Options) CheckCRLs() error {
	for i, der := range o.CRLs {
		if _, err := parseCRL(der); err != nil {
			return fmt.Errorf("CRL %d of %d: %w", i+1, len(o.CRLs), err)
		}
	}
	return nil
}

// SetTrust exchanges the trust list and forgets all verdicts. Verifications that have begun are
// finished with the old one.
func (v *Verifier) SetTrust(trust *TrustList) {
	t := &trusted{list: trust}
	if v.opts.CacheSize >= 0 {
		size := v.opts.CacheSize
		if size == 0 {
			size = defaultCacheSize
		}
		t.cache, t.known = newCache(size), &knownCAs{}
	}
	v.state.Store(t)
}

// Trust returns the trust list.
func (v *Verifier) Trust() *TrustList {
	if t := v.state.Load(); t != nil {
		return t.list
	}
	return nil
}

// Verify verifies what a client presented: DER, leaf first. It never panics, whatever the
// octets are. The result is the caller's own; presented is not kept.
//
// Nothing presented gives code 0 and Presented false. A certificate that cannot be read gives
// code 1 and says why in Unreadable: see there.
func (v *Verifier) Verify(presented [][]byte) Result {
	result, _ := v.VerifyCached(presented)
	return result
}

// VerifyCached is Verify; the second result tells whether the verdict was a remembered one.
func (v *Verifier) VerifyCached(presented [][]byte) (result Result, remembered bool) {
	if len(presented) == 0 {
		return Result{Name: Name(OK), Text: Text(OK)}, false
	}
	clock := v.opts.Now
	if clock == nil {
		clock = time.Now
	}
	now := clock().Unix()
	state := v.state.Load()
	if state == nil {
		state = &trusted{}
	}
	size := chainSize(presented)
	if state.cache == nil || size > maxCachedChain {
		result, _, _ := v.run(state, presented, size, now)
		return result, false
	}
	key := state.cache.key(presented)
	if known, ok := state.cache.get(key, presented, now); ok {
		return known.result.clone(), true
	}
	flat := flatten(presented)
	result, from, until := v.run(state, presented, size, now)
	if len(result.Errors) <= maxCachedErrors {
		state.cache.put(key, &verdict{chain: flat, from: from, until: until, result: result.clone()})
	}
	return result, false
}

func (r Result) clone() Result {
	r.Errors, r.Path = slices.Clone(r.Errors), slices.Clone(r.Path)
	return r
}

// run verifies without the cache. The answer holds from "from" until before "until".
func (v *Verifier) run(state *trusted, presented [][]byte, size int, now int64) (result Result, from, until int64) {
	trust := state.list
	from, until = math.MinInt64, math.MaxInt64
	if len(presented) > maxPresented || size > maxChain {
		return unreadable(0, fmt.Sprintf("%d certificates with %d octets, expected at most %d with %d",
			len(presented), size, maxPresented, maxChain)), from, until
	}
	r := &run{
		trust: trust, now: now, level: v.opts.Level, maxDepth: v.opts.Depth,
		crls: v.crls, crlCheck: v.opts.CRLCheck, firstCounts: v.opts.Report == First,
	}
	if r.maxDepth < 1 {
		r.maxDepth = defaultDepth
	}
	if at, err := r.read(presented, state.known); err != nil {
		return unreadable(at, err.Error()), from, until
	}
	r.verify()
	result = r.result(&v.opts)
	if result.OK() {
		state.known.keep(r.chain[1:max(1, r.untrusted)])
	}

	around := func(date int64) {
		if date <= now {
			from = max(from, date)
		} else {
			until = min(until, date)
		}
	}
	for _, c := range r.presented {
		for _, t := range [...]asn1Time{c.notBefore, c.notAfter} {
			if t.strict {
				around(t.unix)
			}
		}
	}
	lists := [][]int64{v.dates}
	if trust != nil {
		lists = append(lists, trust.dates)
	}
	for _, dates := range lists {
		next, _ := slices.BinarySearch(dates, now+1)
		if next > 0 {
			around(dates[next-1])
		}
		if next < len(dates) {
			around(dates[next])
		}
	}
	if until != math.MaxInt64 {
		result.Until = time.Unix(until, 0).UTC()
	}
	return result, from, until
}

func unreadable(at int, why string) Result {
	return Result{
		Presented: true, Code: Unspecified, Name: Name(Unspecified), Text: Text(Unspecified),
		Depth: at, Unreadable: why,
		Errors: []Error{{Code: Unspecified, Name: Name(Unspecified), Text: Text(Unspecified), Depth: at}},
	}
}

// read parses what was presented. It returns the index of the first that cannot be read.
func (r *run) read(presented [][]byte, known *knownCAs) (int, error) {
	if n := len(presented); n <= usualChain {
		r.presented, r.twin = r.space.presented[:n], r.space.twin[:n]
	} else {
		r.presented, r.twin = make([]*Certificate, n), make([]int, n)
	}
	var seen map[string]int
	if len(presented) > fewPresented {
		seen = make(map[string]int, len(presented))
	}
	var room []Certificate // for a short chain in one piece
	for i, der := range presented {
		c := known.get(der)
		if c == nil {
			if len(room) == 0 {
				room = make([]Certificate, min(len(presented)-i, usualChain))
			}
			c, room = &room[0], room[1:]
			if err := c.parse(der); err != nil {
				return i, err
			}
		}
		r.presented[i], r.twin[i] = c, i
		if seen != nil {
			if first, ok := seen[string(der)]; ok {
				r.twin[i] = first
			} else {
				seen[string(der)] = i
			}
			continue
		}
		for j := range i {
			if c.same(r.presented[j]) {
				r.twin[i] = j
				break
			}
		}
	}
	return 0, nil
}
