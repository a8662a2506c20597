package logon

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

var noon = time.Date(2021, 4, 12, 12, 0, 0, 0, time.UTC)

func TestSessionsAreBounded(t *testing.T) {
	s := NewSessions(2)
	s.Open("a", "u", "ta", noon)
	s.Open("b", "u", "tb", noon)
	assert.True(t, s.Valid([]string{"a"}, "u", "ta", noon), "used, so b is the oldest now")
	s.Open("c", "u", "tc", noon)
	assert.False(t, s.Valid([]string{"b"}, "u", "tb", noon))
	assert.True(t, s.Valid([]string{"a"}, "u", "ta", noon))
	s.Open("c", "u", "again", noon)
	assert.True(t, s.Valid([]string{"x", "c"}, "u", "again", noon))
	assert.Len(t, s.byID, 2)
	assert.Equal(t, 2, s.used.Len())
	assert.False(t, s.Valid([]string{"a"}, "u", "ta", noon.Add(time.Hour)))
	assert.Len(t, s.byID, 1, "what has expired is forgotten")
}
