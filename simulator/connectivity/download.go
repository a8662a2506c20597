package connectivity

import (
	"archive/zip"
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"
)

// DownloadName is what the tenant calls the download [C: the blog].
const DownloadName = "certificates.zip"

// maxFileName bounds the part of a file's name that comes from the certificate.
const maxFileName = 60

// fileName is the name of a certificate's file: its number in the chain and its common name, of which
// only what every file system takes stays.
func fileName(number int, c *x509.Certificate) string {
	name := c.Subject.CommonName
	if name == "" && len(c.Subject.Organization) > 0 {
		name = c.Subject.Organization[0]
	}
	name = strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		case r == '*':
			return -1
		}
		return '_'
	}, name)
	name = strings.Trim(name[:min(len(name), maxFileName)], "._")
	if name == "" {
		name = "certificate"
	}
	return fmt.Sprintf("%d_%s.cer", number, name)
}

// Zip is the download: one .cer file a certificate [C: the blog], in PEM, which every trust store
// takes [?: the blog does not say PEM or DER].
func (r Result) Zip(now time.Time) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, c := range r.Chain {
		w, err := z.CreateHeader(&zip.FileHeader{Name: c.File, Method: zip.Deflate, Modified: now.UTC()})
		if err == nil {
			err = pem.Encode(w, &pem.Block{Type: "CERTIFICATE", Bytes: c.DER})
		}
		if err != nil {
			return nil, fmt.Errorf("packing %s: %w", c.File, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("packing the certificates: %w", err)
	}
	return b.Bytes(), nil
}
