package keystore_test

import (
	"fmt"
	"os"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/keystore"
)

func ExampleWrite() {
	dir, err := os.MkdirTemp("", "keystore")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	leaf := pki.NewRoot("example-root").Client("warehouse")
	paths, err := keystore.Write(dir, leaf, keystore.Options{Password: "secret"})
	fmt.Println(len(paths), err)
	// Output: 6 <nil>
}

func ExampleRead() {
	root := pki.NewRoot("Example Root CA")
	leaf := root.Client("warehouse")
	store, err := keystore.Read(keystore.FullChainPEM(leaf), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range store.Chain {
		fmt.Println(pki.FormatDN(c.RawSubject))
	}
	// Output:
	// CN=warehouse
	// CN=Example Root CA
}
