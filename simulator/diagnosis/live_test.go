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

// configured is what a running landscape knows of itself.
func configured(sim *simulator.Simulator) diagnosis.Evidence {
	config := sim.Tenant().Config()
	e := diagnosis.Evidence{Channels: config.Channels, Routes: sim.Tenant().Snapshot(), Assignments: diagnosis.AssignmentsOf(config)}
	for _, m := range config.Mappings {
		e.Mapped = append(e.Mapped, diagnosis.Mapped{Name: "mapping", User: m.User, DER: m.Certificate})
	}
	for _, k := range config.Keystore {
		e.Keystore = append(e.Keystore, k.Certificate)
	}
	return e
}

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
			c, refused := diagnosis.OfJourney(r.last().Journey, configured(sim))
			require.True(t, refused)
			first, ok := c.Likeliest()
			require.True(t, ok, c.What)
			assert.Equal(t, p.reason, first.Cause.Reason, "%s", first.Cause.ID)
			assert.NotEmpty(t, first.Fix)
			assert.NotEmpty(t, c.What)
			assert.True(t, slices.ContainsFunc(c.Causes, func(f diagnosis.Finding) bool {
				return f.Cause.ID == p.id || f.Cause.Requirement == first.Cause.Requirement
			}), "%s is not among %v", p.id, c.Causes)
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
	_, refused := diagnosis.OfJourney(r.last().Journey, configured(sim))
	assert.False(t, refused)
	_, refused = diagnosis.OfJourney(journey.Journey{}, diagnosis.Evidence{})
	assert.False(t, refused)
}
