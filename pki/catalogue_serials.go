package pki

import "math/big"

var serialDefects = []Defect{
	{
		ID: "serial-zero", Title: "serial number 0", Group: Serials, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.2, CA/Browser Forum BR 7.1.2.7", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"serialNumber"}, Twin: "a positive random serial number",
		InLife: "The first certificate of a home-made CA whose counter begins at 0. Verifiers do not look at serial numbers. Lists of certificates do: a serial number of 0 is often taken for none, " +
			"and a revocation of it cannot be expressed in some tools.",
		change: func(s *settings) error {
			s.serial = new(big.Int)
			return nil
		},
	},
	{
		ID: "serial-negative", Title: "negative serial number", Group: Serials, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.2", Code: 0, Go: GoUnparsable, Handshake: HandshakeEnds,
		Differs: []string{"serialNumber"}, Twin: "a positive serial number",
		InLife: "CA software took 16 or 20 random bytes for the number and forgot that the top bit is the sign; one certificate in two came out negative. OpenSSL and Java read it. Go refuses since 1.23, so that a load balancer in Go ends the handshake " +
			"(GODEBUG=x509negativeserial=1 brings the old behaviour back). Ask the CA for a reissue.",
		change: func(s *settings) error {
			serial, err := s.randomSerial()
			if err != nil {
				return err
			}
			s.serial = serial.Neg(serial)
			return nil
		},
	},
	{
		ID: "serial-too-long", Title: "serial number of 21 octets", Group: Serials, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"serialNumber"}, Twin: "a serial number of at most 20 octets",
		InLife: "A CA concatenates date, counter and random bytes and goes beyond 20 octets. Verifiers read any length. Databases and forms that follow the standard cut the number off, " +
			"and then the certificate cannot be found, or another one is.",
		change: func(s *settings) error {
			serial, err := s.randomSerial()
			if err != nil {
				return err
			}
			s.serial = serial.Lsh(serial, 40)
			return nil
		},
	},
	{
		ID: "duplicate-serial", Title: "serial number 1, as all of this CA with this defect", Group: Serials, Level: AtLeaf,
		Clause: "RFC 5280 4.1.2.2", Code: 0, Go: GoAccepted, Handshake: HandshakeCompletes,
		Differs: []string{"serialNumber"}, Twin: "a serial number of its own",
		InLife: "openssl x509 -req -set_serial 1 in a script, or a CA whose counter was lost with the server: several certificates of one issuer have the same number. The chain verification does not notice. Revoking one revokes all of them, " +
			"and stores that find a certificate by issuer and serial number, as Java and Firefox do, mix them up.",
		change: func(s *settings) error {
			s.serial = big.NewInt(1)
			return nil
		},
	},
}

// randomSerial is a positive number of 127 bits.
func (s *settings) randomSerial() (*big.Int, error) { return (&source{reader: s.rand}).serial() }
