package verify_test

import (
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"example.com/gatehouse/pki/verify"
)

func readCase(name, file string) [][]byte {
	rest, err := os.ReadFile(filepath.Join("testdata", "cases", name, file))
	if err != nil {
		panic(err)
	}
	var all [][]byte
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			return all
		}
		all = append(all, block.Bytes)
	}
}

func ExampleVerifier_Verify() {
	trust, err := verify.NewTrustList(readCase("03_leaf_only", "roots.pem")...)
	if err != nil {
		panic(err)
	}
	verifier := verify.New(trust, verify.Options{
		Now: func() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) },
	})
	result := verifier.Verify(readCase("03_leaf_only", "chain.pem"))
	fmt.Println(result.OK(), result.Code, result.Text)
	// Output: false 20 unable to get local issuer certificate
}

func ExampleParseCertificate() {
	// crypto/x509 refuses this certificate: it is on the curve secp256k1.
	c, err := verify.ParseCertificate(readCase("50_secp256k1_leaf", "chain.pem")[0])
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Subject())
	fmt.Println(c.SelfIssued())
	// Output:
	// C=DE, O=Anchor Test, CN=client-k1
	// false
}

func ExampleText() {
	fmt.Println(verify.Name(20), verify.Text(20))
	// Output: X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY unable to get local issuer certificate
}
