package diagnosis_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/simulator/diagnosis"
	"example.com/gatehouse/simulator/journey"
)

// Each refused call of a running landscape gets a diagnosis that agrees with the station's record.
func TestEveryRefusedCallIsDiagnosedLive(t *testing.T) {
	t.Parallel()
	n := 0
	for _, p := range slices.Concat(senderProofs(), chainProofs(), nodeProofs(), authorizationProofs(), otherProofs()) {
		if p.reason == "" {
			continue
		}
		n++
		t.Run(p.id, func(t *testing.T) {
			t.Parallel()
			l := goodLandscape()
			if p.landscape != nil {
				p.landscape(&l)
			}
			sim := simulator.New(t, l)
			r := &run{t: t, sim: sim, extra: map[string]string{}}
			p.calls(r)
			c, refused := diagnosis.NewLive(sim.Tenant()).Diagnose(r.last().Journey)
			require.True(t, refused)
			first, ok := c.Likeliest()
			require.True(t, ok, c.What)
			if p.id != "not-tls" { // the sender's record knows no more than that it could not connect
				assert.Equal(t, p.reason, first.Cause.Reason, "%s", first.Cause.ID)
			}
			assert.NotEmpty(t, first.Fix)
			assert.NotEmpty(t, c.What)
			want := p.id
			if other, ok := withoutHistory[p.id]; ok {
				want = other
			}
			assert.True(t, slices.ContainsFunc(c.Causes, func(f diagnosis.Finding) bool { return f.Cause.ID == want }), "%s is not among %v", want, ids(c))
		})
	}
	assert.Greater(t, n, 50)
}

func TestACallThatWasLetInHasNoDiagnosis(t *testing.T) {
	t.Parallel()
	sim := simulator.New(t, goodLandscape())
	r := &run{t: t, sim: sim}
	r.call("warehouse", "/http/orders")
	require.True(t, r.last().Journey.Succeeded(), "positive control")
	_, refused := diagnosis.NewLive(sim.Tenant()).Diagnose(r.last().Journey)
	assert.False(t, refused)
	_, refused = diagnosis.OfJourney(journey.Journey{}, diagnosis.Evidence{})
	assert.False(t, refused)
}

// withoutHistory are causes that only what went before tells: the record of one call shows others.
var withoutHistory = map[string]string{
	"cookie-encoded": "csrf-token-missing", "mappings-lost": "not-mapped", "flow-undeployed": "nothing-deployed",
	"renewal-without-client-auth": "server-certificate",
	// What is deployed is known, and not what was changed since.
	"table-not-deployed": "dns-not-in-table",
	// The whole mapping is known: it has none that is meant for this sender.
	"other-certificate-mapped": "not-mapped",
}

func ids(c diagnosis.Case) (out []string) {
	for _, f := range c.Causes {
		out = append(out, f.Cause.ID)
	}
	return out
}

// A record that does not say at which depth the chain failed, as behind nginx, excludes neither the sender's
// certificate nor a CA above it; one that says so does.
func TestADepthThatNobodyToldExcludesNothing(t *testing.T) {
	t.Parallel()
	for _, p := range senderProofsNamed(t, "certificate-expired", "ca-expired") {
		l := goodLandscape()
		if p.landscape != nil {
			p.landscape(&l)
		}
		sim := simulator.New(t, l)
		r := &run{t: t, sim: sim, extra: map[string]string{}}
		p.calls(r)
		told := r.last().Journey
		untold := told
		untold.Verification = journey.Verification{Presented: true, Code: told.Verification.Code, Subject: told.Verification.SenderSubject, DepthUnknown: true}
		for _, id := range []string{"certificate-expired", "ca-expired"} {
			c, refused := diagnosis.NewLive(sim.Tenant()).Diagnose(told)
			require.True(t, refused)
			assert.Equal(t, id == p.id, slices.Contains(ids(c), id), "%s: told: %v", p.id, ids(c))
			c, refused = diagnosis.NewLive(sim.Tenant()).Diagnose(untold)
			require.True(t, refused)
			assert.Contains(t, ids(c), id, "%s: not told", p.id)
		}
	}
}

func senderProofsNamed(t *testing.T, names ...string) (out []proof) {
	t.Helper()
	for _, p := range slices.Concat(senderProofs(), chainProofs()) {
		if slices.Contains(names, p.id) {
			out = append(out, p)
		}
	}
	require.Len(t, out, len(names))
	return out
}
