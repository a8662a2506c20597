package pki

import (
	"errors"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

var timeDefects = []Defect{
	{
		ID: "expired", Title: "expired thirty days ago", Group: Time, Level: AtLeaf, alsoCA: true,
		Clause: "RFC 5280 4.1.2.5", Code: 10, Go: GoExpired, Handshake: HandshakeCompletes,
		Differs: []string{"notBefore", "notAfter"}, Twin: "valid since an hour ago, for a year",
		InLife: "The renewal was forgotten, or the renewed certificate was never put into the sender. " +
			"From one call to the next the sender gets 401, the access log shows no user, and the trace shows verify result 10. " +
			"Put the renewed certificate into the sender, and map it too: to the tenant it is another certificate.",
		change: endedAMonthAgo,
	},
	{
		ID: "not-yet-valid", Title: "valid only in thirty days", Group: Time, Level: AtLeaf, alsoCA: true,
		Clause: "RFC 5280 4.1.2.5", Code: 9, Go: GoExpired, Handshake: HandshakeCompletes,
		Differs: []string{"notBefore", "notAfter"}, Twin: "valid since an hour ago, for a year",
		InLife: "A renewal was put into the sender ahead of its time, or the clock of the CA is wrong. " +
			"The sender is refused with verify result 9 until the day has come, and then works without anybody having done anything. " +
			"Keep the old key pair in use until then.",
		change: beginsInAMonth,
	},
	{
		ID: "validity-inverted", Title: "ends a day before it begins", Group: Time, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.5", Code: 10, Go: GoExpired, Handshake: HandshakeCompletes,
		Differs: []string{"notAfter"}, Twin: "ends a year after its beginning",
		InLife: "A script of a private CA computed the end with the wrong sign or from the wrong field. " +
			"There is no moment at which the certificate is valid; since its beginning has passed, verifiers call it expired. " +
			"Look at both dates before renewing: the same script makes the same mistake again.",
		change: func(s *settings) error {
			s.notAfter = s.notBefore.Add(-24 * time.Hour)
			s.raw.anyDates = true
			return nil
		},
	},
	{
		ID: "expires-this-second", Title: "expires in the second in which it is minted", Group: Time, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.5", Code: 10, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"notAfter"}, Twin: "expires in a year",
		InLife: "RFC 5280 counts the second of notAfter as part of the validity, and so does Go; OpenSSL already takes the " +
			"certificate for expired. Two products that look at the same certificate at the same time disagree for one second. " +
			"It matters to whoever writes a verifier, and to nobody who renews in time.",
		change: func(s *settings) error {
			s.notAfter = second(s.now())
			return nil
		},
	},
	{
		ID: "leaf-outlives-issuer", Title: "valid for longer than its issuer", Group: Time, Level: AtLeaf,
		Clause: "RFC 5280 6.1.3 (a)(2)", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"notAfter"}, Twin: "ends before its issuer",
		InLife: "A private CA that nears its end goes on issuing certificates for the usual time. Nobody minds today: OpenSSL " +
			"accepts the chain. On the day on which the CA expires all of them fail at once, at depth 1, although each of them " +
			"looks valid for months. Renew the CA before its remaining time is shorter than what it issues.",
		change: func(s *settings) error {
			if s.issuer == nil {
				return errors.New("a certificate without an issuer cannot outlive it")
			}
			s.notAfter = s.issuer.plan.notAfter.Add(month)
			return nil
		},
	},
	{
		ID: "no-expiry-date", Title: "never expires (31 December 9999)", Group: Time, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.5", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"notAfter"}, Twin: "ends after a year",
		InLife: "99991231235959Z is what the standard has for a certificate without a planned end, meant for devices. OpenSSL " +
			"accepts it. Software that keeps dates in 32 bits or in a database column reads another date from it, and monitoring " +
			"shows nonsense. For a sender of messages ask for one year.",
		change: func(s *settings) error {
			s.notAfter = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
			return nil
		},
	},
	{
		ID: "date-without-seconds", Title: "end of validity written without seconds", Group: Time, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.5.1", Code: 14, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"notAfter"}, Twin: "the same date with its seconds",
		InLife: "An old or home-made CA writes dates as yymmddhhmmZ, which BER allows and DER does not. OpenSSL compares no such date " +
			"and reports a format error, while Go and other tools show a certificate in best order. Only another CA software helps.",
		change: func(s *settings) error {
			return s.writeNotAfter("0601021504Z", "200601021504Z")
		},
	},
	{
		ID: "generalized-time", Title: "end of validity in the form that is for dates from 2050 on", Group: Time, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.5", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"notAfter"}, Twin: "the same date as UTCTime",
		InLife: "Up to 2049 a date must be a UTCTime, with two digits for the year; some CA software always writes four. OpenSSL and Go read both " +
			"alike, so that nobody at the load balancer notices. Strict validators, such as those of audits, complain.",
		change: func(s *settings) error {
			var b cryptobyte.Builder
			b.AddASN1GeneralizedTime(s.notAfter)
			var err error
			s.raw.notAfter, err = b.Bytes()
			return err
		},
	},
	{
		ID: "intermediate-expired", Title: "issuing CA expired thirty days ago", Group: Time, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.3 (a)(2)", Code: 10, Depth: 1, Go: GoExpired, Handshake: HandshakeCompletes,
		Differs: []string{"notBefore", "notAfter"}, Twin: "an issuing CA that is valid for five years",
		InLife: "The sender presents an old certificate of the CA; the CA itself has long had a new one, often for the same key. " +
			"The sender's own certificate looks perfectly valid, and the verify result is 10 all the same, at depth 1. " +
			"Fetch the CA's present certificate and put it into the sender's chain; the own certificate can stay.",
		change: endedAMonthAgo,
	},
	{
		ID: "intermediate-not-yet-valid", Title: "issuing CA valid only in thirty days", Group: Time, Level: AtIntermediate,
		Clause: "RFC 5280 6.1.3 (a)(2)", Code: 9, Depth: 1, Go: GoExpired, Handshake: HandshakeCompletes,
		Differs: []string{"notBefore", "notAfter"}, Twin: "an issuing CA that is valid since an hour ago",
		InLife: "A CA hands out its next generation before that begins, and somebody builds the sender's chain with it. " +
			"The verify result is 9 at depth 1, which is easily mistaken for a fault of the sender's own certificate. Use the present generation until the day comes.",
		change: beginsInAMonth,
	},
	{
		ID: "root-expired", Title: "root expired thirty days ago", Group: Time, Level: AtRoot,
		Clause: "RFC 5280 6.1.1 (d)", Code: 10, Depth: 2, Go: GoExpired, Handshake: HandshakeCompletes,
		Differs: []string{"notBefore", "notAfter"}, Twin: "a root that is valid for ten years",
		InLife: "The chain was never changed, and the root at its end, which the load balancer still has in its list, has reached its own. " +
			"All senders below this root fail on the same day, with verify result 10 at depth 2. " +
			"Most CAs have cross-signed the next root years before: change the chain, or have a certificate issued under the new root.",
		change: endedAMonthAgo,
	},
}

// writeNotAfter writes the end of the validity in another form: UTCTime through 2049.
func (s *settings) writeNotAfter(utc, generalized string) error {
	tag, form := cbasn1.UTCTime, utc
	if s.notAfter.Year() >= 2050 {
		tag, form = cbasn1.GeneralizedTime, generalized
	}
	var b cryptobyte.Builder
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(s.notAfter.UTC().Format(form))) })
	var err error
	s.raw.notAfter, err = b.Bytes()
	return err
}
