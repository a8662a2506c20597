package keystore_test

import (
	"errors"
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
	// Output: 7 <nil>
}

func ExampleFiles() {
	leaf := pki.NewRoot("example-root").Client("warehouse")
	files, err := keystore.Files(leaf, keystore.Options{Exports: []keystore.Export{keystore.ChainFile, keystore.JKSFile}, Password: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range files {
		fmt.Println(f.Name, f.Mode)
	}
	// Output:
	// warehouse-chain.pem -rw-r--r--
	// warehouse.jks -rw-------
}

func ExampleEncode() {
	leaf := pki.NewRoot("example-root").Client("warehouse")
	data, err := keystore.Encode(leaf, keystore.PKCS12File, keystore.Options{Password: "secret", Alias: "sender"})
	if err != nil {
		fmt.Println(err)
		return
	}
	store, err := keystore.Read(data, "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(store.Format, store.Entries[0].Kind, store.Entries[0].Alias)
	// Output: PKCS#12 key pair sender
}

func ExamplePossibleExports() {
	leaf := pki.NewRoot("example-root").Client("warehouse")
	fmt.Println(keystore.PossibleExports(leaf, keystore.Options{}))
	// Output: [cer pem chain fullchain key key-traditional p7b zip]
}

func ExampleParseExport() {
	_, err := keystore.ParseExport("PKCS12")
	fmt.Println(err)
	// Output: unknown format "PKCS12", expected one of cer, pem, chain, fullchain, key, key-traditional, key-encrypted, p7b, p12, p12-legacy, pfx, jks, truststore-p12, truststore-jks, crl, zip
}

func ExampleExports() {
	for _, e := range keystore.Exports()[:2] {
		fmt.Printf("%s: <name>%s, %s\n", e.ID, e.Suffix, e.Meaning)
	}
	// Output:
	// cer: <name>.cer, the certificate, DER
	// pem: <name>.pem, the certificate, PEM
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

func ExampleRead_wrongPassword() {
	data, err := keystore.PKCS12(pki.NewRoot("example-root").Client("warehouse"), "secret")
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = keystore.Read(data, "guess")
	fmt.Println(err)
	fmt.Println(errors.Is(err, keystore.ErrWrongPassword))
	// Output:
	// opening the PKCS#12 file: the password is wrong, or the file is damaged
	// true
}

func ExampleReadCertificates() {
	key, err := keystore.KeyPEM(pki.NewRoot("example-root").Key())
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = keystore.ReadCertificates(key, "")
	fmt.Println(err)
	// Output: found a private key, expected a certificate
}

func ExampleReadEntry() {
	leaf := pki.NewRoot("example-root").Client("warehouse")
	data, err := keystore.Encode(leaf, keystore.JKSFile, keystore.Options{Password: "secret"})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = keystore.ReadEntry(data, "secret", "shop")
	fmt.Println(err)
	// Output: found no entry with the alias "shop", expected one of "warehouse"
}

func ExampleInspect() {
	leaf := pki.NewRoot("example-root").Client("warehouse")
	store, err := keystore.Inspect(append(keystore.ChainPEM(leaf), keystore.CertificatePEM(leaf.Issuer())...), "")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range store.Entries {
		fmt.Println(e.Kind, len(e.Raw) > 0)
	}
	// Output:
	// certificate true
	// certificate true
}
