package pki_test

import (
	"fmt"
	"time"

	"example.com/gatehouse/pki"
)

func ExampleDefects() {
	for _, d := range pki.Defects() {
		if d.Group == pki.CARules && d.Code != 0 {
			fmt.Println(d.ID, d.Expected(), d.Go)
		}
	}
	// Output:
	// issuer-not-ca [79@1 26@1] unknown authority
	// no-basic-constraints [79@1] unknown authority
	// ca-key-usage-missing [79@1 26@1 32@1] unknown authority
	// ca-v1 [79@1 26@1] not authorized to sign
	// path-length-exceeded [25@2] too many intermediates
	// name-not-permitted [47@0] unhandled critical extension
	// name-excluded [48@0] unhandled critical extension
	// root-not-ca [79@2 26@2] unknown authority
}

func ExampleDefectIDs() {
	for _, id := range pki.DefectIDs()[:3] {
		fmt.Println(id)
	}
	// Output:
	// expired
	// not-yet-valid
	// validity-inverted
}

func ExampleGroups() {
	fmt.Println(pki.Groups())
	// Output: [time names usage CA rules signatures keys serials extensions chain trust revocation]
}

func ExampleWithDefect() {
	issuing := pki.NewRoot("Example Root CA", pki.Clock(clock)).Intermediate("Example Issuing CA")
	warehouse := issuing.Client("warehouse", pki.WithDefect("cross-signed-dead-path"))
	for _, c := range warehouse.Chain() {
		fmt.Println(pki.FormatDN(c.RawSubject), "by", pki.FormatDN(c.RawIssuer))
	}
	// Output:
	// CN=warehouse by CN=Example Issuing CA
	// CN=Example Issuing CA by CN=Example Cross Root CA
	// CN=Example Issuing CA by CN=Example Root CA
}

func ExampleNewRoot() {
	root := pki.NewRoot("Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"), pki.RSA2048, pki.Clock(clock))
	fmt.Println(pki.FormatDN(root.X509().RawSubject))
	// Output: CN=Example Root CA, O=Example, C=DE
}

func ExampleCreate() {
	_, err := pki.Create(nil, pki.Client, "warehouse")
	fmt.Println(err)
	c, err := pki.Create(nil, pki.Client, "warehouse", pki.SelfSigned())
	fmt.Println(c.Name(), c.Defect(), err)
	// Output:
	// making certificate "warehouse": a certificate that is not a root needs an issuer, or the defect self-signed
	// warehouse self-signed <nil>
}

func ExampleCertificate_Intermediate() {
	root := pki.NewRoot("Example Root CA", pki.Clock(clock))
	issuing := root.Intermediate("Example Issuing CA", pki.PathLen(0))
	fmt.Println(issuing.X509().MaxPathLenZero, issuing.Issuer() == root)
	// Output: true true
}

func ExampleCertificate_Client() {
	issuing := pki.NewRoot("Example Root CA", pki.Clock(clock)).Intermediate("Example Issuing CA")
	warehouse := issuing.Client("warehouse", pki.ValidFor(90*24*time.Hour))
	fmt.Println(len(warehouse.TLSCertificate().Certificate), warehouse.X509().NotAfter.Format(time.DateOnly))
	// Output: 2 2027-02-21
}

func ExampleCertificate_Server() {
	server := pki.NewRoot("Example Root CA", pki.Clock(clock)).Server("gateway.example")
	fmt.Println(server.X509().DNSNames)
	// Output: [gateway.example]
}

func ExampleCertificate_Twin() {
	root := pki.NewRoot("Example Root CA", pki.Clock(clock))
	warehouse := root.Client("warehouse")
	renewed := warehouse.Twin("warehouse-renewed")
	broken := warehouse.Twin("warehouse-broken", pki.ServerOnly())
	fmt.Println(pki.FormatDN(renewed.X509().RawSubject), renewed.X509().SerialNumber.Cmp(warehouse.X509().SerialNumber) != 0)
	fmt.Println(pki.FormatDN(broken.X509().RawSubject), broken.Defect())
	// Output:
	// CN=warehouse true
	// CN=warehouse server-only
}

func ExampleCertificate_CrossSign() {
	issuing := pki.NewRoot("Old Root", pki.Clock(clock)).Intermediate("Example Issuing CA")
	cross := issuing.CrossSign(pki.NewRoot("New Root", pki.Clock(clock)))
	fmt.Println(pki.FormatDN(cross.X509().RawSubject), "by", pki.FormatDN(cross.X509().RawIssuer))
	// Output: CN=Example Issuing CA by CN=New Root
}

func ExampleCertificate_CRL() {
	issuing := pki.NewRoot("Example Root CA", pki.Clock(clock)).Intermediate("Example Issuing CA")
	lost := issuing.Client("warehouse", pki.CRLAt("http://crl.example.com/issuing.crl"))
	der, err := issuing.CRL([]*pki.Certificate{lost}, pki.CRLNumber(2), pki.KeyCompromise)
	fmt.Println(len(der) > 0, err)
	// Output: true <nil>
}

func ExampleCertificate_CRLs() {
	issuing := pki.NewRoot("Example Root CA", pki.Clock(clock)).Intermediate("Example Issuing CA")
	warehouse := issuing.Client("warehouse", pki.Revoked())
	fmt.Println(len(warehouse.CRLs()), "lists: of the issuing CA and of the root")
	// Output: 2 lists: of the issuing CA and of the root
}

func ExampleCertificate_OCSPResponse() {
	root := pki.NewRoot("Example Root CA", pki.Clock(clock))
	warehouse := root.Client("warehouse", pki.OCSPAt("http://ocsp.example.com"))
	der, err := root.OCSPResponse(warehouse, pki.OCSPRevoked, pki.Superseded, pki.NextUpdate(clock().Add(time.Hour)))
	fmt.Println(len(der) > 0, err)
	// Output: true <nil>
}

func ExampleCertificate_OCSPResponses() {
	root := pki.NewRoot("Example Root CA", pki.Clock(clock))
	fmt.Println(len(root.Client("warehouse", pki.WithDefect("ocsp-unknown")).OCSPResponses()))
	// Output: 1
}

func ExampleParseKeyType() {
	for _, name := range []string{"rsa:3072", "prime256v1", "rsa-1024"} {
		t, err := pki.ParseKeyType(name)
		fmt.Println(t, err)
	}
	// Output:
	// RSA-3072 <nil>
	// P-256 <nil>
	// P-256 unknown key type "rsa-1024", expected one of P-256, P-384, P-521, RSA-2048, RSA-3072, RSA-4096, Ed25519
}

func ExampleFormatDN() {
	c := pki.NewRoot("r", pki.Subject("CN=warehouse, O=Example, C=DE"), pki.Clock(clock)).X509()
	fmt.Println(pki.FormatDN(c.RawSubject))
	fmt.Println(pki.TraceDN(c.RawSubject))
	// Output:
	// CN=warehouse, O=Example, C=DE
	// C=DE, O=Example, CN=warehouse
}

func ExampleParseRawDN() {
	c := pki.NewRoot("r", pki.Subject("CN=warehouse, O=Example"), pki.Clock(clock)).X509()
	dn, err := pki.ParseRawDN(c.RawSubject)
	fmt.Println(dn.CommonName(), len(dn), err)
	// Output: warehouse 2 <nil>
}

func ExampleSet_TrustFor() {
	var set pki.Set
	root := pki.NewRoot("Example Root CA", pki.Clock(clock))
	issuing := root.Intermediate("Example Issuing CA")
	for name, c := range map[string]*pki.Certificate{
		"root": root, "late": issuing.Client("late", pki.RootExpired()), "foreign": issuing.Client("foreign", pki.UnknownCA()),
	} {
		if err := set.Add(name, c); err != nil {
			fmt.Println(err)
		}
	}
	// The root and its expired twin; not the unknown CA.
	fmt.Println(len(set.TrustFor("root")))
	// Output: 2
}
