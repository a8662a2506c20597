package pki_test

import (
	"strings"
	"testing"
	"time"

	"example.com/gatehouse/pki"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMoment(t *testing.T) {
	for _, c := range []struct {
		text     string
		expected time.Time
	}{
		{"", time.Time{}},
		{"now", noon},
		{"-30d", noon.AddDate(0, 0, -30)},
		{"+2y", noon.AddDate(2, 0, 0)},
		{"+1y6mo2w3d4h5m6s", noon.AddDate(1, 6, 17).Add(4*time.Hour + 5*time.Minute + 6*time.Second)},
		{"2027-01-31", time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC)},
		{"2027-01-31T13:00:00+01:00", time.Date(2027, 1, 31, 12, 0, 0, 0, time.UTC)},
	} {
		t.Run(c.text, func(t *testing.T) {
			m, err := pki.ParseMoment(c.text)
			require.NoError(t, err)
			assert.Equal(t, c.expected, m.At(noon))
			assert.Equal(t, c.text == "", m.IsZero())
			text, err := m.MarshalText()
			require.NoError(t, err)
			var again pki.Moment
			require.NoError(t, again.UnmarshalText(text))
			assert.Equal(t, m, again)
		})
	}
	for _, bad := range []string{"tomorrow", "30d", "+", "-d", "+5", "+5x", "+1d-", "+100001d", "2027-02-30", "+ 5d", "+" + strings.Repeat("1d", 60), "0001-01-01"} {
		_, err := pki.ParseMoment(bad)
		assert.Error(t, err, bad)
	}
	_, err := pki.ParseMoment("tomorrow")
	assert.ErrorContains(t, err, `"tomorrow" is not a moment: expected a date such as`)
	assert.Equal(t, noon.AddDate(1, 0, 0), pki.MomentFromNow(pki.Span{Years: 1}).At(noon))
	assert.Equal(t, noon.AddDate(-1, 0, 0), pki.MomentBeforeNow(pki.Span{Years: 1}).At(noon))
	assert.Equal(t, noon, pki.FixedMoment(noon).At(time.Time{}))
}

func TestSpan(t *testing.T) {
	s, err := pki.ParseSpan("365d")
	require.NoError(t, err)
	assert.Equal(t, pki.Span{Days: 365}, s)
	assert.Equal(t, "1y2mo3d4h5m6s", pki.Span{Years: 1, Months: 2, Days: 3, Time: 4*time.Hour + 5*time.Minute + 6*time.Second}.String())
	_, err = pki.ParseSpan("")
	assert.ErrorContains(t, err, "empty, expected numbers with units")
}

func FuzzParseMoment(f *testing.F) {
	for _, seed := range []string{"now", "-30d", "+1y6mo", "2027-01-31", "2027-01-31T12:00:00Z", "+99999999999999999999y", "++"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, in string) {
		m, err := pki.ParseMoment(in)
		if err != nil {
			return
		}
		m.At(noon)
		again, err := pki.ParseMoment(m.String())
		require.NoError(t, err, "%q", m.String())
		require.Equal(t, m.At(noon), again.At(noon))
	})
}
