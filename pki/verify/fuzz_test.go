package verify

import (
	"encoding/binary"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pack and unpack put a chain into one string of octets for the fuzzer.
func pack(chain [][]byte) []byte {
	var b []byte
	for _, c := range chain {
		b = binary.BigEndian.AppendUint16(b, uint16(len(c)))
		b = append(b, c...)
	}
	return b
}

func unpack(b []byte) [][]byte {
	var chain [][]byte
	for len(b) >= 2 {
		n := min(int(binary.BigEndian.Uint16(b)), len(b)-2)
		chain = append(chain, b[2:2+n])
		b = b[2+n:]
	}
	return chain
}

// FuzzVerify verifies arbitrary octets. It must not panic, and the answer must fit together.
func FuzzVerify(f *testing.F) {
	var roots [][]byte
	for _, c := range recordedCases(f) {
		j := c.job(f)
		f.Add(pack(j.chain))
		roots = append(roots, j.trusted...)
	}
	list, err := NewTrustList(roots...)
	require.NoError(f, err)
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	first := New(list, Options{Now: func() time.Time { return now }, CacheSize: -1})
	last := New(list, Options{Now: func() time.Time { return now }, Report: Last, CacheSize: -1, CRLCheck: CRLAll})
	f.Fuzz(func(t *testing.T, b []byte) {
		chain := unpack(b)
		for _, v := range []*Verifier{first, last} {
			r := v.Verify(chain)
			require.Equal(t, len(chain) > 0, r.Presented)
			require.Equal(t, r.Code == 0, len(r.Errors) == 0)
			require.Equal(t, r.Code == 0, r.Err() == nil)
			require.NotContains(t, r.String()+Advice(r), "\x1b")
			require.Equal(t, r, v.Verify(chain), "the same question has the same answer")
		}
	})
}

// FuzzParseCertificate reads arbitrary octets and everything in them.
func FuzzParseCertificate(f *testing.F) {
	for _, c := range recordedCases(f) {
		for _, der := range c.job(f).chain {
			f.Add(der)
		}
	}
	f.Fuzz(func(t *testing.T, der []byte) {
		c, err := ParseCertificate(der)
		if err != nil {
			return
		}
		c.prepare()
		_, _ = c.Subject(), c.Issuer()
		_, _, _ = c.NotBefore(), c.NotAfter(), c.SerialNumber()
		_, _ = c.digestStrength()
		if c.key() != nil {
			c.signedBy(c.key())
		}
		if nc := c.info().constraints; nc != nil {
			nc.check(c)
			nc.checkCommonNames(c)
		}
	})
}

// FuzzParseCRL reads arbitrary octets as a CRL.
func FuzzParseCRL(f *testing.F) {
	for _, name := range []string{"43b_crl_ok", "43e_revoked_and_expired_leaf", "43f_crl_issuing_ca_only"} {
		for _, der := range readPEM(f, filepath.Join("testdata", "cases", name, "crl.pem")) {
			f.Add(der)
		}
	}
	chain := readPEM(f, filepath.Join("testdata", "cases", "43b_crl_ok", "chain.pem"))
	c, err := ParseCertificate(chain[0])
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, der []byte) {
		l, err := parseCRL(der)
		if err != nil {
			return
		}
		l.find(c)
		l.covers(c, true)
		l.timely(0)
	})
}

// FuzzTime reads arbitrary text as a time; a strict time is also a loose one.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"261123090000Z", "20261123090000Z", "2611230900Z", "20261123090000.5+0100", "", "Z", "991231235960Z"} {
		f.Add(s, true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, s string, utc bool) {
		x := newTime(utc, []byte(s))
		loose, ok := parseTime(utc, []byte(s))
		if x.strict {
			require.True(t, ok)
			require.Equal(t, loose, x.unix)
			require.NotZero(t, x.compare(0))
		} else {
			require.Zero(t, x.compare(0))
		}
		require.False(t, x.laterThan(x))
	})
}
