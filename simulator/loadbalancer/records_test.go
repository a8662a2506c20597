package loadbalancer

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"example.com/gatehouse/simulator/journey"
)

func record(kind byte, body ...byte) []byte {
	return append([]byte{kind, 3, 3, byte(len(body) >> 8), byte(len(body))}, body...)
}

// However the octets are cut, the plain alert is found, and nothing else is taken for one.
func TestPlainAlertIsFound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 4).Draw(t, "records") {
			kind := rapid.SampledFrom([]byte{20, 22, 23}).Draw(t, "kind")
			stream = append(stream, record(kind, make([]byte, n)...)...)
		}
		number := rapid.Byte().Draw(t, "alert")
		sent := rapid.Bool().Draw(t, "sent")
		if sent {
			stream = append(stream, record(recordAlert, 2, number)...)
		} else {
			stream = append(stream, record(recordAlert, make([]byte, 19)...)...) // an encrypted one
		}
		var r records
		for len(stream) > 0 {
			n := rapid.IntRange(1, len(stream)).Draw(t, "piece")
			r.see(stream[:n])
			stream = stream[n:]
		}
		if sent {
			assert.Equal(t, &journey.Alert{From: journey.SenderSide, Number: number, Name: journey.AlertName(number)}, r.alert)
		} else {
			assert.Nil(t, r.alert)
		}
	})
}

func TestAlertsAfterTheHandshakeAreNotLookedAt(t *testing.T) {
	t.Parallel()
	r := records{done: true}
	r.see(record(recordAlert, 2, 48))
	assert.Nil(t, r.alert)
}

// Whatever comes, it is followed to its end, and an alert has two octets.
func FuzzRecords(f *testing.F) {
	f.Add(record(recordAlert, 2, 48), 3)
	f.Add(append(record(22, 1, 2, 3), record(recordAlert, 1, 0)...), 1)
	f.Add([]byte{21, 3, 3, 0xff, 0xff, 0}, 2)
	f.Add([]byte{21, 3, 3, 0, 0, 21, 3, 3, 0, 2, 2, 42}, 4)
	f.Fuzz(func(t *testing.T, stream []byte, piece int) {
		piece = max(1, piece)
		var whole, cut records
		whole.see(stream)
		for rest := stream; len(rest) > 0; {
			n := min(piece, len(rest))
			cut.see(rest[:n])
			rest = rest[n:]
		}
		assert.Equal(t, whole.alert, cut.alert)
	})
}
