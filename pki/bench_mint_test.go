package pki_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"example.com/gatehouse/pki"
)

// clients describes so many client certificates below one intermediate.
func clients(n int, key string) []pki.Description {
	all := []pki.Description{{Name: "root", CA: true}, {Name: "issuing", Issuer: "root", CA: true}}
	for i := range n {
		all = append(all, pki.Description{Name: fmt.Sprintf("client-%d", i), Issuer: "issuing", Key: key})
	}
	return all
}

func median(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// bareClients makes the same number of certificates with nothing but the standard library's calls,
// on all cores.
func bareClients(b *testing.B, issuer *pki.Certificate, n int) {
	b.Helper()
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range n {
		group.Go(func() error {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				return err
			}
			serial := make([]byte, 16)
			rand.Read(serial)
			serial[0] &= 0x7f
			template := &x509.Certificate{
				SerialNumber: new(big.Int).SetBytes(serial), Subject: pkix.Name{CommonName: fmt.Sprintf("client-%d", i)},
				NotBefore: noon, NotAfter: noon.AddDate(1, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature,
				ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
			}
			_, err = x509.CreateCertificate(rand.Reader, template, issuer.X509(), key.Public(), issuer.Key())
			return err
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkMintClients mints 1,000 P-256 client certificates below one intermediate in memory and
// compares with the bare calls of the standard library: x-bare is at most 1.1.
func BenchmarkMintClients(b *testing.B) {
	const n = 1000
	all := clients(n, "P-256")
	issuer := pki.NewRoot("Bare Root").Intermediate("Bare Issuing")
	var ratios, ours []float64
	for b.Loop() {
		began := time.Now()
		bareClients(b, issuer, n)
		bare := time.Since(began)
		began = time.Now()
		if _, err := pki.Mint(b.Context(), all, pki.Options{Now: atNoon}); err != nil {
			b.Fatal(err)
		}
		minted := time.Since(began)
		ratios = append(ratios, float64(minted)/float64(bare))
		ours = append(ours, minted.Seconds())
	}
	b.ReportMetric(median(ratios), "x-bare")
	b.ReportMetric(n/median(ours), "certificates/s")
}

// BenchmarkMintRSAClients mints RSA-2048 leaves on all cores and on one: efficiency is how much of
// cores times one core's rate is reached, at least 0.9. Keys take unequal time, so that there must
// be many.
func BenchmarkMintRSAClients(b *testing.B) {
	const n = 96
	all := clients(n, "RSA-2048")
	mint := func() float64 {
		began := time.Now()
		if _, err := pki.Mint(b.Context(), all, pki.Options{Now: atNoon}); err != nil {
			b.Fatal(err)
		}
		return time.Since(began).Seconds()
	}
	var efficiency, rates []float64
	cores := runtime.GOMAXPROCS(0)
	for b.Loop() {
		together := mint()
		runtime.GOMAXPROCS(1)
		alone := mint()
		runtime.GOMAXPROCS(cores)
		efficiency = append(efficiency, alone/(together*float64(cores)))
		rates = append(rates, n/together)
	}
	b.ReportMetric(median(efficiency), "efficiency")
	b.ReportMetric(median(rates), "certificates/s")
}
