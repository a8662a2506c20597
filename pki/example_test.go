package pki_test

import (
	"context"
	"fmt"
	"time"

	"example.com/gatehouse/pki"
)

func clock() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

func Example() {
	root := pki.NewRoot("Example Root CA", pki.Subject("CN=Example Root CA, O=Example, C=DE"), pki.Clock(clock))
	issuing := root.Intermediate("Example Issuing CA")
	leaf := issuing.Client("warehouse", pki.Expired())

	for _, c := range leaf.FullChain() {
		fmt.Println(pki.TraceDN(c.RawSubject), "until", c.NotAfter.Format(time.DateOnly))
	}
	// Output:
	// CN=warehouse until 2026-10-24
	// CN=Example Issuing CA until 2031-11-23
	// C=DE, O=Example, CN=Example Root CA until 2036-11-23
}

func ExampleMint() {
	set, err := pki.Mint(context.Background(), []pki.Description{
		{Name: "warehouse-late", Like: "warehouse", Defect: "root-expired"},
		{Name: "warehouse", Issuer: "example-issuing"},
		{Name: "example-issuing", Issuer: "example-root", CA: true},
		{Name: "example-root", CA: true},
	}, pki.Options{Now: clock})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, root := range set.TrustFor("example-root") {
		fmt.Println(pki.FormatDN(root.RawSubject), "until", root.NotAfter.Format(time.DateOnly))
	}
	// Output:
	// CN=example-root until 2036-11-23
	// CN=example-root until 2026-10-24
}

func ExampleValidate() {
	for _, p := range pki.Validate([]pki.Description{
		{Name: "example-root", CA: true},
		{Name: "warehouse", Issuer: "exampel-root", Defect: "expird"},
	}) {
		fmt.Printf("%d %s: %s\n", p.Index, p.Field, p.Message)
	}
	// Output:
	// 1 issuer: no entry is named "exampel-root"; did you mean "example-root"?
	// 1 defect: unknown defect "expird"; did you mean "expired"?
}

func ExampleParseDN() {
	dn, err := pki.ParseDN(`CN=warehouse\ , O=Example\, Inc., C=DE`)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(dn)
	fmt.Printf("%q\n", dn.Trace())
	fmt.Printf("%q\n", dn.CommonName())

	_, err = pki.ParseDN("CN=warehouse, Example")
	fmt.Println(err)
	// Output:
	// CN=warehouse\ , O=Example\, Inc., C=DE
	// "C=DE, O=Example\\, Inc., CN=warehouse\\ "
	// "warehouse "
	// column 15: expected ATTRIBUTE=value, found "Example"; a comma or plus inside a value is written \, or \+
}
