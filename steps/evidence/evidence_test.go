package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/pki"
	"example.com/gatehouse/steps/evidence"
)

func TestRecordGoesToTheRecorderOfTheContext(t *testing.T) {
	evidence.Record(t.Context(), evidence.Call{Sender: "nobody listens"})

	var got []evidence.Call
	ctx := evidence.WithRecorder(t.Context(), func(c evidence.Call) { got = append(got, c) })
	derived, cancel := context.WithCancel(ctx)
	defer cancel()
	evidence.Record(derived, evidence.Call{Sender: "warehouse", AccessLines: []string{"a line"}})
	require.Len(t, got, 1)
	assert.Equal(t, "warehouse", got[0].Sender)
	assert.Equal(t, []string{"a line"}, got[0].AccessLines)
}

// Whatever a target answers, evidence stays bounded.
func TestRecordCutsWhatIsLong(t *testing.T) {
	var got evidence.Call
	ctx := evidence.WithRecorder(t.Context(), func(c evidence.Call) { got = c })
	long := strings.Repeat("ä", evidence.MaxText)
	evidence.Record(ctx, evidence.Call{Saw: long, TraceRecords: []string{long}, AccessLines: make([]string, evidence.MaxLines+5)})
	assert.Less(t, len(got.Saw), evidence.MaxText+100)
	assert.True(t, utf8.ValidString(got.Saw))
	assert.Contains(t, got.TraceRecords[0], "bytes are not kept")
	require.Len(t, got.AccessLines, evidence.MaxLines+1)
	assert.Equal(t, "(5 more are not kept)", got.AccessLines[evidence.MaxLines])
}

func TestCertificateIsToldByNamesDatesAndFingerprint(t *testing.T) {
	c, err := pki.Create(nil, pki.CA, "ca", pki.Subject("CN=Example Root CA, O=Example, C=DE"))
	require.NoError(t, err)
	got := evidence.OfDER(c.DER(), []byte("nonsense"))
	require.Len(t, got, 2)
	assert.Equal(t, pki.FormatDN(c.X509().RawSubject), got[0].Subject)
	assert.Equal(t, got[0].Subject, got[0].Issuer)
	assert.Len(t, got[0].SHA256, 64)
	assert.Equal(t, c.X509().NotAfter.UTC(), got[0].NotAfter)
	assert.Equal(t, "(cannot be read)", got[1].Subject)
}

func TestDifference(t *testing.T) {
	m := &evidence.Mismatch{Expected: "HTTP 401", Found: "HTTP 200", More: "more"}
	assert.Equal(t, "expected HTTP 401\n   found HTTP 200\nmore", m.Error())
	for _, err := range []error{m, fmt.Errorf("step: %w", m), errors.New("step error: expected HTTP 401\n   found HTTP 200\nsender -")} {
		expected, found, ok := evidence.Difference(err)
		require.True(t, ok, err)
		assert.Equal(t, "HTTP 401", expected)
		assert.Equal(t, "HTTP 200", found)
	}
	for _, err := range []error{nil, errors.New("expected nothing"), errors.New("found it\nexpected that")} {
		_, _, ok := evidence.Difference(err)
		assert.False(t, ok, err)
	}
}
