package diagnosis

import (
	"fmt"
	"net/http"
	"strings"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/pki/roots"
	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator/journey"
)

// noPath are the verify results that say that no way to a trusted root was found.
var noPath = []int{verify.UnableToGetIssuerCertLocally, verify.UnableToVerifyLeafSignature, verify.SelfSignedCertInChain}

// chainSays is what the sender's chain tells of a missing way to a trusted root.
type chainSays int

const (
	chainUnknown chainSays = iota
	chainOfOther           // it is not that of the refused certificate
	chainPasses            // as it stands in the file it would pass
	chainAlone             // the sender's own certificate alone
	chainFormer            // below a root that left the list
	chainPublic            // below a public root that is not on the list
	chainPrivate           // below a root that nobody knows, which is there
	chainOpen              // the issuer of its last certificate is neither there nor known
	chainMisfit            // others than the issuer's certificate are there, or one of its name that does not fit
)

func (v *view) chainSays(subject string) chainSays {
	c := v.f.chain
	if c == nil && v.record != nil {
		return v.recordSays()
	}
	if c == nil || c.report == nil || c.leaf == nil || c.report.Unreadable != "" {
		return chainUnknown
	}
	if !c.fits(subject) {
		return chainOfOther
	}
	if c.passes() {
		return chainPasses
	}
	if !c.is(noPath...) {
		return chainUnknown
	}
	top, present := c.top()
	if c.report.Depth == 0 && len(c.presented) > 1 {
		return chainMisfit
	}
	switch kindOfRoot(top, v.at()) {
	case formerRoot:
		return chainFormer
	case publicRoot:
		return chainPublic
	}
	switch {
	case c.alone():
		return chainAlone
	case present:
		return chainPrivate
	}
	return chainOpen
}

// pathless makes the rule of the causes that show as 20 or 19: what the chain must say for the
// cause to be proved, what leaves it open, and the codes it can show as.
func pathless(codes []int, proving, open []chainSays, text string, more func(v *view, said *verdict)) func(*view, *verdict) {
	has := func(list []chainSays, s chainSays) bool {
		for _, one := range list {
			if one == s {
				return true
			}
		}
		return false
	}
	return func(v *view, said *verdict) {
		quotes, ok := v.code(codes...)
		_, subject, _, _ := v.rejected()
		says := v.chainSays(subject)
		switch {
		case ok:
			said.points(fmt.Sprintf("The load balancer's verify result says that no way to a trusted root was found: %s.", codeText(v.left().code)), quotes...)
		case v.maybeRejected() && (has(proving, says) || says == chainUnknown && v.f.chain == nil):
			said.fits("401 without a user, and the trace of the node is not here.", v.access()...)
		default:
			return
		}
		switch {
		case says == chainUnknown:
		case says == chainOfOther:
			v.f.chainOfOther(said)
		case has(proving, says) && ok && v.rootMissing(says):
			// The chain is whole by a list, and this very host does not name its root.
			said.points("The chain passes the list.")
		case has(proving, says) && ok:
			said.proves(text)
		case has(proving, says) && says != chainPasses:
			said.points(text)
		case has(proving, says):
			// It would pass: so it depends on what is sent, and on whether anything is.
		case has(open, says):
			said.points("The chain leaves it open.")
		default:
			said.exclude()
		}
		if more != nil {
			more(v, said)
		}
	}
}

// rootMissing tells whether the chain passes a list, and the host names other CAs than its root.
func (v *view) rootMissing(says chainSays) bool {
	named, known := v.rootNamed()
	return says == chainPasses && known && !named
}

func (f *facts) chainOfOther(said *verdict) {
	said.pro = append(said.pro, Point{Text: "The chain " + f.chain.name + " is that of another certificate (" + pki.TraceDN(f.chain.leaf.RawSubject) + ") and tells nothing here."})
}

// chainCauses are those for which no way to a trusted root is found.
func chainCauses() []Cause {
	all := []int{verify.UnableToGetIssuerCertLocally, verify.UnableToVerifyLeafSignature}
	withRoot := noPath
	return []Cause{
		{
			ID: "chain-not-sent", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 9,
			Title:       "The sender sends its own certificate without the intermediate certificates",
			Symptom:     "401; the access log shows user -; the trace shows verify result 20 (or 21).",
			Evidence:    "The two trace records with 20. The chain of the sender passes when it is whole.",
			Why:         "The load balancer holds root certificates only: without the intermediates it finds no way from the sender's certificate to a root.",
			Fix:         "Let the sender send its whole chain: put the intermediate certificates into its keystore behind its own (ABAP: STRUST, import the certificate response with its chain; curl: one file with all of them; Java: keytool -importcert with the chain as .p7b; SOAMANAGER and SM59 use the PSE).",
			Check:       "Check what the sender presents against the list: gatehouse verify CHAIN --trust neo, or let it call gatehouse receive.",
			Requirement: "LB-3", Scenario: "FLD-1", Needs: "the sender's chain",
			judge: pathless(all, []chainSays{chainPasses, chainAlone}, []chainSays{chainOpen},
				"The sender's own certificate stands alone, or its chain passes when it is sent as a whole.", func(v *view, said *verdict) {
					if v.chainSays("") == chainPasses && v.customDomain() {
						said.against("The host is a custom domain, which has a CA bundle of its own.")
					}
				}),
		},
		{
			ID: "wrong-intermediate", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 3,
			Title:       "The intermediate certificate that is sent is not the one that issued the sender's certificate",
			Symptom:     "401; the access log shows user -; the trace shows verify result 20.",
			Evidence:    "The two trace records with 20. The sender's chain holds CA certificates, and none that issued the sender's: another name, or the same name with another key.",
			Why:         "CAs have several intermediate certificates and renew them, under the same name too; the chain was put together from another download.",
			Fix:         "Get the intermediate certificate that belongs to the sender's own from the CA, and replace the one in the keystore.",
			Check:       "Compare the authority key identifier of the sender's certificate with the subject key identifier of the next one: gatehouse pki inspect FILE.",
			Requirement: "LB-11", Needs: "the sender's chain", Mark: confirms, Source: "OpenSSL",
			judge: pathless(all, []chainSays{chainMisfit}, nil, "The chain holds CA certificates, and none of them issued the sender's.", nil),
		},
		{
			ID: "ca-not-listed", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 6,
			Title:       "The certificate is of a public CA whose root the load balancer does not support",
			Symptom:     "401; the access log shows user -; the trace shows verify result 20, or 19 if the root is sent along.",
			Evidence:    "The two trace records. The root above the sender's chain is not on the list.",
			Why:         "The list of supported roots is short; that browsers know a CA does not matter.",
			Fix:         "Get a certificate of a CA on the list of supported roots (gatehouse verify --trust neo knows it), or use a custom domain with a CA bundle that holds the root.",
			Check:       "Look for the root of the sender's chain in the list of supported roots: gatehouse verify CHAIN --trust neo.",
			Requirement: "LB-5", Needs: "the sender's chain",
			judge: pathless(withRoot, []chainSays{chainPublic}, []chainSays{chainOpen}, "The chain leads to a public root that is not on the list.", nil),
		},
		{
			ID: "internal-ca", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 7,
			Title:       "The certificate is of an internal CA",
			Symptom:     "401; the access log shows user -; the trace shows verify result 20, or 19 if the root is sent along.",
			Evidence:    "The two trace records. The root above the sender's chain is the company's own.",
			Why:         "Default hosts support public roots only.",
			Fix:         "Get a certificate of a CA on the list of supported roots, or use a custom domain with a CA bundle that holds the company's root (neo set-ssl-host).",
			Check:       "See who issued the sender's certificate, up to the root: gatehouse pki inspect FILE.",
			Requirement: "LB-5", Scenario: "FLD-2", Needs: "the sender's chain",
			judge: pathless(withRoot, []chainSays{chainPrivate}, []chainSays{chainOpen}, "The chain leads to a root that is on no published list and not among the public ones.", nil),
		},
		{
			ID: "ca-left-list", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 3,
			Title:       "The root left the list of supported roots on 9 September 2022",
			Symptom:     "401 since that day, from a sender of which nothing was changed; verify result 20 or 19.",
			Evidence:    "The two trace records. The root of the chain is on the list until September 2022 and not on the one since.",
			Why:         "SAP shortened the list.",
			Fix:         "Get a certificate of a CA on the list in force (gatehouse verify --trust neo-2022).",
			Check:       "Check the chain against both lists: gatehouse verify CHAIN --trust neo-until-2022 and --trust neo-2022.",
			Requirement: "LB-5", Scenario: "FLD-4", Needs: "the sender's chain", Source: "NEO, list of 9 September 2022",
			judge: pathless(withRoot, []chainSays{chainFormer}, []chainSays{chainOpen}, "The chain leads to a root that left the list.", func(v *view, said *verdict) {
				if v.at().Before(roots.Changed) {
					said.exclude()
				}
				if v.f.chain != nil {
					if top, _ := v.f.chain.top(); isPassport(pki.FormatDN(top)) {
						said.exclude() // has a cause of its own
					}
				}
				if _, subject, _, _ := v.rejected(); isPassport(subject) && v.f.chain == nil {
					said.exclude()
				}
			}),
		},
		{
			ID: "sap-passport", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 4,
			Title:       "An SAP Passport is used, whose CA is no longer supported",
			Symptom:     "401, from Postman or a browser with a personal SAP Passport; verify result 20 or 19.",
			Evidence:    "The subject DN in the trace names the SAP Trust Community.",
			Why:         "The SAP Passport CA left the list on 9 September 2022. Older instructions still recommend it.",
			Fix:         "Get a client certificate of a CA on the list in force.",
			Check:       "See who issued the certificate.",
			Requirement: "LB-5", Scenario: "FLD-4", Source: "NEO, list of 9 September 2022",
			judge: func(v *view, said *verdict) {
				_, subject, quotes, ok := v.rejected()
				if !ok {
					return
				}
				if _, ok := v.code(withRoot...); !ok || v.at().Before(roots.Changed) {
					return
				}
				top := ""
				if v.f.chain != nil && v.f.chain.fits(subject) {
					raw, _ := v.f.chain.top()
					top = pki.FormatDN(raw)
				}
				if isPassport(subject) || isPassport(top) {
					said.proves("The names of the certificate are those of an SAP Passport.", quotes...)
				}
			},
		},
		{
			ID: "self-signed", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 7,
			Title:       "The certificate is self-signed",
			Symptom:     "401; the access log shows user -; the trace shows verify result 18.",
			Evidence:    "The two trace records with 18.",
			Why:         "Self-signed certificates are never supported. A key pair as it comes out of STRUST or keytool is self-signed until a CA has signed its request.",
			Fix:         "Have the key pair's request signed by a CA on the list and import the response with its chain (ABAP: STRUST, Create Certificate Request, Import Certificate Response).",
			Check:       "Compare issuer and subject of the sender's certificate.",
			Requirement: "LB-4", Scenario: "FLD-2",
			judge: certain(-1, verify.DepthZeroSelfSignedCert),
		},
		{
			ID: "intermediate-as-anchor", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 1,
			Title:       "The CA bundle of the custom domain holds an intermediate certificate and not its root",
			Symptom:     "401; the trace shows verify result 2.",
			Evidence:    "The two trace records with 2.",
			Why:         "Only a self-signed root is an anchor; the search goes on above an intermediate and finds nothing.",
			Fix:         "Put the root certificate into the CA bundle of the custom domain (neo set-ssl-host).",
			Check:       "List the CA bundle of the custom domain.",
			Requirement: "LB-5", Mark: infers, Source: "OpenSSL",
			judge: certain(-1, verify.UnableToGetIssuerCert),
		},
		{
			ID: "domain-bundle-wrong", Station: journey.LoadBalancer, Reason: journey.CertificateNotAccepted, common: 5,
			Title:       "The CA bundle of the custom domain lacks the sender's root",
			Symptom:     "401 at the custom domain, while the same sender is let in at the default host; verify result 20 or 19.",
			Evidence:    "The host column shows a custom domain; the two trace records; the chain passes the list of the default hosts.",
			Why:         "A custom domain has a CA bundle of its own and knows nothing of the list of the default hosts.",
			Fix:         "Add the root to the CA bundle of the custom domain (neo set-ssl-host), or call the default host.",
			Check:       "Compare the CA bundle of the custom domain with the root of the sender's chain.",
			Requirement: "DOM-4", Needs: "the sender's chain", Mark: confirms, Source: "NEO set-ssl-host",
			judge: func(v *view, said *verdict) {
				if !v.customDomain() {
					return
				}
				quotes, ok := v.code(withRoot...)
				if !ok {
					return
				}
				said.points("The host column shows "+v.host()+", a custom domain.", v.access()...)
				_, subject, _, _ := v.rejected()
				if named, known := v.rootNamed(); known && named {
					said.exclude()
				} else if known {
					said.proves("The host does not name the root of the sender's chain among the CAs that it accepts.")
				} else if v.chainSays(subject) == chainPasses {
					said.proves("The chain passes the list, and the custom domain refuses it.", quotes...)
				}
			},
		},
	}
}

// isPassport tells an SAP Passport by its names.
func isPassport(name string) bool {
	return strings.Contains(name, "SAP Trust Community") || strings.Contains(name, "SAP Passport CA")
}

// certain makes the rule of causes that a verify result tells. depth is the certificate at fault:
// 0 the sender's own, 1 a CA above it, -1 any; the trace does not tell it, the chain does.
func certain(depth int, codes ...int) func(*view, *verdict) {
	return func(v *view, said *verdict) {
		c := v.f.chain
		quotes, ok := v.code(codes...)
		_, subject, _, _ := v.rejected()
		agrees := c.is(codes...) && c.fits(subject)
		deep := agrees && (depth < 0 || min(c.report.Depth, 1) == depth)
		if c == nil && v.record != nil && v.record.Verification.Presented && !v.record.Verification.DepthUnknown && ok && depth >= 0 && min(v.record.Verification.Depth, 1) != depth {
			said.exclude()
			return
		}
		switch {
		case ok && (depth < 0 || deep):
			said.proves(fmt.Sprintf("The load balancer's verify result is %d: %s.", v.left().code, codeText(v.left().code)), quotes...)
		case ok && agrees:
			said.exclude()
		case ok:
			said.points(fmt.Sprintf("The load balancer's verify result is %d: %s.", v.left().code, codeText(v.left().code)), quotes...)
		case deep && (v.maybeRejected() || v.group == nil && v.status() == http.StatusUnauthorized):
			said.points("401 without a user.", v.access()...)
		default:
			return
		}
		if deep {
			said.pro = append(said.pro, Point{Text: fmt.Sprintf("The chain %s says the same: verify result %d at %s.", c.name, c.report.Code, c.report.Subject)})
			said.instead(c.report.Advice)
		}
	}
}
