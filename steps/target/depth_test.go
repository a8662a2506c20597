package target_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator"
	"example.com/gatehouse/steps/suite"
	"example.com/gatehouse/steps/target"
)

// depthless is a target on which nobody tells at which depth a chain failed.
type depthless struct{ target.Target }

func (d depthless) Open(ctx context.Context, setup target.Setup) (target.Session, error) {
	s, err := d.Target.Open(ctx, setup)
	if err != nil {
		return nil, err
	}
	return depthlessSession{s}, nil
}

type depthlessSession struct{ target.Session }

func (s depthlessSession) Observe(ctx context.Context, c *target.Call, feature string) error {
	err := s.Session.Observe(ctx, c, feature)
	v := &c.Journey.Verification
	v.Depth, v.DepthUnknown = 0, v.Code != 0
	return err
}

// Where nobody tells the depth, a step about it is not supported: it is no failure for depth 1, and does
// not pass by chance for depth 0.
func TestDepthThatNobodyTells(t *testing.T) {
	embedded := target.Embedded(simulator.Options{})
	names := []string{"^A sender that leaves out its intermediate certificate is not recognised$", "^A certificate of an unknown CA is not accepted$"}
	for on, want := range map[target.Target]suite.Status{embedded: suite.Passed, depthless{embedded}: suite.NotSupported} {
		report := runOn(t, on, suite.Config{Names: names})
		require.Len(t, report.Results, 2)
		for _, r := range report.Results {
			failure, _ := r.Failure()
			assert.Equal(t, want, r.Status, "%s: %s", r.Scenario.Name, failure.Message)
		}
	}
}
