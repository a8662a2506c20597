package suite_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/steps/suite"
)

// The bundled suite passes on the embedded simulator, and nothing of it is skipped.
func TestBundledSuitePasses(t *testing.T) {
	report, err := suite.Run(t.Context(), suite.Config{Output: os.Stdout, Tags: os.Getenv("GATEHOUSE_TAGS")})
	require.NoError(t, err)
	assert.True(t, report.OK(), "%d failed, %d skipped", report.Failed, report.Skipped)
}
