package pki_test

import (
	"testing"

	"example.com/gatehouse/pki"
)

// BenchmarkMintChain makes root, intermediate and leaf with P-256: below 0.6 ms.
func BenchmarkMintChain(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		pki.NewRoot("Example Root CA").Intermediate("Example Issuing CA").Client("warehouse")
	}
}

// BenchmarkMintLandscape mints the 13 descriptions of the tests.
func BenchmarkMintLandscape(b *testing.B) {
	all := describe(b, landscape)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := pki.Mint(b.Context(), all, pki.Options{Now: atNoon}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTraceDN is on the way of every connection.
func BenchmarkTraceDN(b *testing.B) {
	raw := der(b, "CN=sender.example, O=Example, L=Munich, ST=Bavaria, C=DE")
	b.ReportAllocs()
	for b.Loop() {
		pki.TraceDN(raw)
	}
}
