package diagnosis

import (
	"crypto/x509"
	"net/http"
	"strings"
	"time"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/simulator/journey"
)

const (
	mappingMenu = "Operations View → Manage Security → Certificate-to-User Mappings"
	roleMenu    = "cockpit → Subscriptions → the application that ends in iflmap or hcioem → Roles"
	channelMenu = "the integration flow → sender channel → Connection → Authorization"
)

// forbidden tells whether the call was refused with 403.
func (v *view) forbidden() bool { return v.status() == http.StatusForbidden }

// unmapped makes the rule of the causes for which a certificate stands in the user column.
func unmapped(more func(v *view, said *verdict)) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		if !v.forbidden() || !v.asCertificate() || v.byTable() {
			return
		}
		if t := v.left(); t != nil && t.table[0] != "" {
			return
		}
		said.fits("The user column shows "+v.user()+", a certificate's name and its issuer's, and no user of the mapping.", v.access()...)
		if looksLikeMail(v.user()) {
			said.against("It may be a user whose name is a mail address.")
		}
		more(v, said)
	}
}

// mappedAs finds a mapped certificate by its relation to the one that came: to the sender's chain,
// or without that to the names in the user column.
func (v *view) mappedAs(wanted relation) (Mapped, bool) {
	for _, m := range v.f.evidence.Mapped {
		if v.relation(m) == wanted {
			return m, true
		}
	}
	return Mapped{}, false
}

// inKeystore tells whether the certificate that came, or one of its names, is in the tenant
// keystore.
func (v *view) inKeystore() bool {
	for _, der := range v.f.evidence.Keystore {
		if c, err := x509.ParseCertificate(der); err == nil && principal(c) == v.user() {
			return true
		}
	}
	return contains(v.f.evidence.KeystoreNames, v.user())
}

// anyRelated tells whether a mapped certificate has to do with the one that came.
func (v *view) anyRelated() bool {
	for _, m := range v.f.evidence.Mapped {
		if v.relation(m) != unrelated {
			return true
		}
	}
	return false
}

func (v *view) relation(m Mapped) relation {
	if c := v.f.chain; c != nil && c.leaf != nil && (v.group == nil || principal(c.leaf) == v.user()) {
		return c.relationTo(m.DER)
	}
	cert, err := x509.ParseCertificate(m.DER)
	if err != nil {
		return unrelated
	}
	_, issuer, _ := strings.Cut(v.user(), "@")
	switch {
	case principal(cert) == v.user():
		return renewal // it has the names, and was not recognised
	case pki.CommonName(cert.RawSubject) == issuer:
		return issuerCA
	}
	return unrelated
}

func (m Mapped) shown() string {
	if m.User != "" {
		return m.Name + ", mapped to " + m.User
	}
	return m.Name
}

// mappingCauses are those for which the certificate is accepted and stands for no user.
func mappingCauses() []Cause {
	own := []string{"Forbidden. The certificate of"}
	const symptom = "403; the access log shows <CN>@<issuer CN> as user."
	const needs = "the mapped certificates and the sender's chain"
	return []Cause{
		{
			ID: "not-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 8, own: own,
			Title:       "The certificate is not in the certificate-to-user mapping",
			Symptom:     symptom,
			Evidence:    "The user column.",
			Why:         "Nobody entered it. A certificate without a mapping has no role.",
			Fix:         "Add the sender's own certificate under " + mappingMenu + " → Add: user name and certificate.",
			Check:       "Look under " + mappingMenu + " which certificates are there, and compare serial number and dates with the sender's.",
			Requirement: "CHN-6", Scenario: "AUT-3", Needs: needs, Mark: infers,
			judge: unmapped(func(v *view, said *verdict) {
				switch {
				case v.inKeystore():
					said.exclude()
				case v.f.evidence.Whole && !v.anyRelated():
					said.proves("No certificate of the mapping has these names.")
				case len(v.f.evidence.Mapped) > 0:
					said.exclude() // one of the others
				}
				if as, ok := v.f.userBefore(v.group0()); ok {
					said.against("The same client came as " + as.user + " before.")
				}
				if v.f.evidence.Assignments != nil && v.f.evidence.Assignments.Mappings != nil && len(v.f.evidence.Assignments.Mappings) == 0 {
					said.proves("The mapping is empty.")
				}
			}),
		},
		{
			ID: "renewed-not-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 7, own: own,
			Title:       "The certificate was renewed, and the mapping still holds the old one",
			Symptom:     "403 since the renewal; the access log shows <CN>@<issuer CN>, where it showed a user before.",
			Evidence:    "The same client was let in as a user before; the mapped certificate has the same names as the new one.",
			Why:         "The whole certificate is compared: a renewed one is another certificate, with another serial number and dates.",
			Fix:         "Add the new certificate for the same user under " + mappingMenu + ", and remove the old one. Next time: add it before the sender changes.",
			Check:       "Compare serial number and dates of the mapped certificate with the sender's.",
			Requirement: "AUT-2", Scenario: "FLD-5", Needs: needs,
			judge: unmapped(func(v *view, said *verdict) {
				if as, ok := v.f.userBefore(v.group0()); ok {
					said.points("The same client was let in as " + as.user + " until " + as.last.UTC().Format("2006-01-02 15:04:05") + ".")
				}
				for _, kind := range []relation{renewal, sameKey} {
					if m, ok := v.mappedAs(kind); ok {
						said.proves("The mapped certificate (" + m.shown() + ") has the same names or key and is another certificate.")
						return
					}
				}
				if len(v.f.evidence.Mapped) > 0 || v.f.evidence.Whole {
					said.exclude()
				}
			}),
		},
		{
			ID: "ca-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 4, own: own,
			Title:       "The certificate of the CA is mapped, and not the sender's own",
			Symptom:     symptom,
			Evidence:    "The mapped certificate is that of the issuer.",
			Why:         "The mapping compares the sender's own certificate; one of a CA lets nobody in.",
			Fix:         "Map the sender's own certificate, the first of its chain, under " + mappingMenu + ".",
			Check:       "Compare the subject of the mapped certificate with the sender's.",
			Requirement: "AUT-2", Scenario: "FLD-5", Needs: needs,
			judge: unmapped(func(v *view, said *verdict) {
				if m, ok := v.mappedAs(issuerCA); ok {
					said.proves("The mapped certificate (" + m.shown() + ") is that of the issuer.")
				} else if len(v.f.evidence.Mapped) > 0 || v.f.evidence.Whole {
					said.exclude()
				}
			}),
		},
		{
			ID: "other-certificate-mapped", Station: journey.Authorization, Reason: journey.NotMapped, common: 5, own: own,
			Title:       "Another certificate is mapped than the sender sends",
			Symptom:     symptom,
			Evidence:    "The mapped certificate has other names than the user column shows.",
			Why:         "The sender has several key pairs, and the one that is mapped is not the one of this destination.",
			Fix:         "Map the certificate that is sent under " + mappingMenu + ", or let the sender use the key pair that is mapped (ABAP: the PSE in SM59, Logon & Security).",
			Check:       "Compare the names in the user column with the mapped certificate's.",
			Requirement: "AUT-2", Scenario: "FLD-5", Needs: needs,
			judge: unmapped(func(v *view, said *verdict) {
				mapped := v.f.evidence.Mapped
				if v.anyRelated() || v.f.evidence.Whole {
					said.exclude()
					return
				}
				if len(mapped) == 0 {
					return
				}
				said.proves("The mapped certificate (" + mapped[0].shown() + ") has other names than the one that came.")
			}),
		},
		{
			ID: "only-in-tenant-keystore", Station: journey.Authorization, Reason: journey.NotMapped, common: 3, own: own,
			Title:       "The certificate was put into the tenant keystore, where it does nothing for inbound calls",
			Symptom:     symptom,
			Evidence:    "The certificate is in the tenant keystore.",
			Why:         "The tenant keystore serves outbound calls and signatures.",
			Fix:         "Add the certificate under " + mappingMenu + ". In the keystore it can go.",
			Check:       "Look under Operations View → Manage Security → Keystore whether the sender's certificate is there.",
			Requirement: "AUT-13", Scenario: "FLD-16", Needs: "the certificates of the tenant keystore",
			judge: unmapped(func(v *view, said *verdict) {
				if len(v.f.evidence.Keystore)+len(v.f.evidence.KeystoreNames) == 0 && !v.f.evidence.Whole {
					return
				}
				if v.inKeystore() {
					said.proves("A certificate of these names is in the tenant keystore.")
					return
				}
				said.exclude()
			}),
		},
		{
			ID: "mappings-lost", Station: journey.Authorization, Reason: journey.NotMapped, common: 1, own: own,
			Title:       "The mappings of several senders were lost at once",
			Symptom:     "403 for several senders since the same time; the access log shows <CN>@<issuer CN> where it showed users before.",
			Evidence:    "Three senders or more were let in as users and came as unmapped certificates soon after one another.",
			Why:         "A bulk update that failed half-way emptied the mapping store before a patch, or somebody removed them.",
			Fix:         "Enter the mappings again under " + mappingMenu + ", from a copy; the audit log tells who changed them.",
			Check:       "See whether other senders are refused since the same time.",
			Requirement: "AUT-15", Scenario: "FLD-19", Mark: confirms, Source: "SAP notes, patched since",
			judge: unmapped(func(v *view, said *verdict) {
				var users []string
				for _, l := range v.f.lost {
					if d := l.at.Sub(v.group0().first); d < time.Hour && d > -time.Hour {
						users = addName(users, l.user)
					}
				}
				if len(users) < 3 {
					said.exclude()
					return
				}
				said.proves("Within an hour the certificates of several users were no longer mapped: " + quoted(users) + ".")
			}),
		},
	}
}
