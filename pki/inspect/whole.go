package inspect

import (
	"slices"

	"example.com/gatehouse/pki/keystore"
)

// checkKeys says which private keys belong to no certificate, beside which some are.
func (v *view) checkKeys() {
	var certificates []*Entry
	for i := range v.report.Entries {
		if e := &v.report.Entries[i]; e.der != nil {
			certificates = append(certificates, e)
		}
	}
	number := 0
	for _, e := range v.store.Entries {
		number++
		entry := &v.report.Entries[number-1]
		switch e.Kind {
		case keystore.KeyPairEntry:
			number += max(len(e.Chain)-1, 0)
			if entry.public != nil && !entry.hasKey(e.Key) {
				entry.find(KeyMismatch, 0, "the private key does not belong to the certificate; import the key pair with which the certificate was requested")
			}
		case keystore.PrivateKeyEntry:
			if len(certificates) > 0 && !slices.ContainsFunc(certificates, func(c *Entry) bool { return c.hasKey(e.Key) }) {
				entry.find(KeyMismatch, 0, "the private key belongs to none of the certificates in the file; take the key with which the certificate was requested")
			}
		}
	}
}

// checkDuplicates says what stands there more than once.
func (v *view) checkDuplicates() {
	first := map[string]int{}
	for i := range v.report.Entries {
		e := &v.report.Entries[i]
		if e.der == nil {
			continue
		}
		if number, twice := first[string(e.der)]; twice {
			e.find(Duplicate, 0, "it is the same certificate as number %d; one of them is enough", number)
			continue
		}
		first[string(e.der)] = e.Number
	}
}

// remark says what is good to know of the whole file.
func (v *view) remark() {
	keys, certificates := 0, 0
	for _, e := range v.store.Entries {
		switch e.Kind {
		case keystore.KeyPairEntry:
			keys++
			certificates++
		case keystore.PrivateKeyEntry:
			keys++
		case keystore.CertificateEntry:
			certificates++
		}
	}
	switch {
	case keys == 0 && certificates > 0 && len(v.chains()) > 0:
		v.note("There is no private key in the file. It is for the tenant; a sender such as Postman or SoapUI cannot call with it and needs the key pair.")
	case keys > 0 && certificates == 0:
		v.note("There is no certificate in the file, only the key. A sender needs both, and the chain.")
	}
	if v.report.Verdict == nil && len(v.chains()) > 0 {
		v.note("The chain was checked without a trust list; whether its root is trusted is not said. Name one to have that checked.")
	}
}
