package inspect_test

import (
	"fmt"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/inspect"
	"example.com/gatehouse/pki/keystore"
)

func ExampleFile() {
	leaf := pki.NewRoot("Example Root CA").Intermediate("Example Issuing CA").Client("warehouse", pki.ServerOnly())
	r, err := inspect.File(keystore.ChainPEM(leaf), "", inspect.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.What)
	for _, e := range r.Entries {
		fmt.Println(e.Number, e.Kind, e.Subject)
		for _, f := range e.Findings {
			fmt.Println("  verify result", f.Code)
		}
	}
	// Output:
	// PEM (text), with 2 certificates
	// 1 certificate CN=warehouse
	//   verify result 26
	// 2 certificate CN=Example Issuing CA
}
