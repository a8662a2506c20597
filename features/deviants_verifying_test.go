package features_test

import (
	"crypto/x509"
	"slices"
	"sync"

	"example.com/gatehouse/pki/verify"
	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/loadbalancer"
	"example.com/gatehouse/steps/target"
)

// verifyingDeviants are load balancers that judge chains wrongly.
func verifyingDeviants() []deviant {
	code := func(codes ...int) func(verify.Error) bool {
		return func(e verify.Error) bool { return slices.Contains(codes, e.Code) }
	}
	at := func(code, depth int) func(verify.Error) bool {
		return func(e verify.Error) bool { return e.Code == code && (e.Depth > 0) == (depth > 0) }
	}
	const defect = "A chain with the defect "
	return []deviant{
		{"forwards unverified certificates", "LB-3", "A sender that leaves out its intermediate certificate is not recognised", overlooking(func(verify.Error) bool { return true }), false},
		{"holds intermediate certificates", "LB-3", "A sender that leaves out its intermediate certificate is not recognised", judging(holdsIntermediates), false},
		{"accepts self-signed certificates", "LB-4", "A self-signed certificate is not accepted", overlooking(code(18)), false},
		{"accepts certificates of unknown CAs", "LB-5", "A certificate of an unknown CA is not accepted", overlooking(code(19, 20, 21)), false},
		{"trusts a root that is sent along", "LB-5", "Sending the unknown root does not help", overlooking(code(19)), false},
		{"keeps a trust list that was changed", "LB-5", "A CA that left the list is unknown from then on", judgingAnew(keepsTrust), false},
		{"ignores expiry", "LB-6", defect + "expired is not accepted", overlooking(at(10, 0)), false},
		{"ignores when validity begins", "LB-6", defect + "not-yet-valid is not accepted", overlooking(code(9)), false},
		{"ignores the expiry of CAs", "LB-6", defect + "intermediate-expired is not accepted", overlooking(at(10, 1)), false},
		{"remembers a verdict for ever", "LB-6", "A certificate expires while time passes", judging(remembers), false},
		{"ignores usage", "LB-7", "A certificate with the defect server-only is not accepted", overlooking(code(26)), false},
		{"takes any usage for clientAuth", "LB-7", "A certificate with the defect any-eku-only is not accepted", judging(takesAnyUsage), false},
		{"ignores signatures", "LB-11", defect + "broken-signature does not hold", overlooking(code(7)), false},
		{"lets anybody issue", "LB-11", defect + "issuer-not-ca does not hold", overlooking(func(e verify.Error) bool { return e.Depth > 0 && slices.Contains([]int{24, 26, 79}, e.Code) }), false},
		{"ignores critical extensions", "LB-11", defect + "unknown-critical-extension does not hold", overlooking(code(34)), false},
		{"accepts SHA-1", "LB-11", defect + "sha1 does not hold", overlooking(code(68)), false},
		{"reports the last error", "LB-16", "Unless said otherwise it is the first", judging(reportsLast), false},
		{"reports another code", "LB-4", "A self-signed certificate is not accepted", judging(reports(18, 19)), false},
		{"demands the chain in order", "LB-22", "A chain with its chain in the wrong order is accepted", judging(demandsOrder), false},
		{"refuses a root in the chain", "LB-22", "A chain with its root certificate too is accepted", judging(refusesRoot), false},
		{"judges every domain by one bundle", "DOM-4", "A certificate of a CA that the domain's bundle does not hold is not accepted there", judgingAnew(oneBundle), false},
	}
}

// judging exchanges the verifier.
func judging(exchange func(loadbalancer.Host, loadbalancer.Verifier) loadbalancer.Verifier) func() simulator.Parts {
	return func() simulator.Parts {
		return simulator.Parts{LoadBalancer: loadbalancer.Parts{Verifier: exchange}}
	}
}

// judgingAnew is judging with a memory that each landscape has for itself.
func judgingAnew(exchange func() func(loadbalancer.Host, loadbalancer.Verifier) loadbalancer.Verifier) func() simulator.Parts {
	return func() simulator.Parts { return judging(exchange())() }
}

// verifier is a function that judges.
type verifier func(chain [][]byte) verify.Result

func (v verifier) Verify(chain [][]byte) verify.Result { return v(chain) }

// accepted is the result of a chain that is accepted.
func accepted(r verify.Result) verify.Result {
	return verify.Result{Presented: true, Name: verify.Name(verify.OK), Text: verify.Text(verify.OK), Subject: r.Subject}
}

// overlooking accepts a chain that has no other errors than those.
func overlooking(overlooked func(verify.Error) bool) func() simulator.Parts {
	return judging(func(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
		return verifier(func(chain [][]byte) verify.Result {
			r := honest.Verify(chain)
			if slices.ContainsFunc(r.Errors, func(e verify.Error) bool { return !overlooked(e) }) {
				return r
			}
			return accepted(r)
		})
	})
}

// holdsIntermediates completes chains with certificates that others sent before.
func holdsIntermediates(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
	var mu sync.Mutex
	var seen [][]byte
	return verifier(func(chain [][]byte) verify.Result {
		mu.Lock()
		defer mu.Unlock()
		r := honest.Verify(append(slices.Clone(chain), seen...))
		seen = append(seen, chain[1:]...)
		return r
	})
}

// keepsTrust keeps the verifier that it had first.
func keepsTrust() func(loadbalancer.Host, loadbalancer.Verifier) loadbalancer.Verifier {
	var mu sync.Mutex
	first := map[string]loadbalancer.Verifier{}
	return func(h loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
		mu.Lock()
		defer mu.Unlock()
		if first[h.Name] == nil {
			first[h.Name] = honest
		}
		return first[h.Name]
	}
}

func remembers(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
	var known sync.Map
	return verifier(func(chain [][]byte) verify.Result {
		r, _ := known.LoadOrStore(string(chain[0]), honest.Verify(chain))
		return r.(verify.Result)
	})
}

func takesAnyUsage(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
	return verifier(func(chain [][]byte) verify.Result {
		r := honest.Verify(chain)
		c, err := x509.ParseCertificate(chain[0])
		if err == nil && r.Code == 26 && slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
			return accepted(r)
		}
		return r
	})
}

func reportsLast(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
	return verifier(func(chain [][]byte) verify.Result {
		r := honest.Verify(chain)
		if n := len(r.Errors); n > 0 {
			e := r.Errors[n-1]
			r.Code, r.Name, r.Text, r.Depth, r.Subject = e.Code, e.Name, e.Text, e.Depth, e.Subject
		}
		return r
	})
}

func reports(code, instead int) func(loadbalancer.Host, loadbalancer.Verifier) loadbalancer.Verifier {
	return func(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
		return verifier(func(chain [][]byte) verify.Result {
			r := honest.Verify(chain)
			if r.Code == code {
				r.Code, r.Name, r.Text = instead, verify.Name(instead), verify.Text(instead)
			}
			return r
		})
	}
}

// refused is a result that a chain did not deserve.
func refused(r verify.Result, code int) verify.Result {
	r.Code, r.Name, r.Text = code, verify.Name(code), verify.Text(code)
	r.Errors = []verify.Error{{Code: code, Name: r.Name, Text: r.Text, Subject: r.Subject}}
	return r
}

func demandsOrder(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
	return verifier(func(chain [][]byte) verify.Result {
		r := honest.Verify(chain)
		for i := 1; i < len(chain); i++ {
			below, err := x509.ParseCertificate(chain[i-1])
			above, err2 := x509.ParseCertificate(chain[i])
			if err != nil || err2 != nil || string(below.RawIssuer) != string(above.RawSubject) {
				return refused(r, 20)
			}
		}
		return r
	})
}

func refusesRoot(_ loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
	return verifier(func(chain [][]byte) verify.Result {
		r := honest.Verify(chain)
		for _, der := range chain[1:] {
			if c, err := x509.ParseCertificate(der); err == nil && string(c.RawIssuer) == string(c.RawSubject) {
				return refused(r, 19)
			}
		}
		return r
	})
}

// oneBundle judges the domains by the bundle of the default host, which is asked for first.
func oneBundle() func(loadbalancer.Host, loadbalancer.Verifier) loadbalancer.Verifier {
	var mu sync.Mutex
	var ofDefault loadbalancer.Verifier
	return func(h loadbalancer.Host, honest loadbalancer.Verifier) loadbalancer.Verifier {
		mu.Lock()
		defer mu.Unlock()
		if h.Name == target.BaseHost {
			ofDefault = honest
		}
		return ofDefault
	}
}
