package request_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"

	"example.com/gatehouse/pki/request"
)

func ExampleParse() {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		fmt.Println(err)
		return
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: "warehouse "}}, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := request.Parse(der)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Asks().Subject, r.Asks().Key)
	for _, f := range r.Findings() {
		fmt.Println(f.Kind)
	}
	// Output:
	// CN=warehouse\  EC P-256
	// trailing-space
}
