package loadbalancer

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

// LB-19: what is not TLS ends at once, not at the time limit.
func TestNotTLS(t *testing.T) {
	h := open(t, nil)
	for name, test := range map[string]struct{ sent, decided string }{
		"plain HTTP":           {"GET / HTTP/1.1\r\nHost: tenant.example\r\n\r\n", "plain HTTP"},
		"one byte":             {"x", "begins with the bytes 78"},
		"garbage":              {"\x00\x01\x02\x03\x04\x05", "begins with the bytes 00 01 02 03 04 05"},
		"like a record":        {"\x16GET / HTTP", "not TLS"},
		"PROXY protocol":       {"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "not TLS"},
		"SSH":                  {"SSH-2.0-OpenSSH_9\r\n", "not TLS"},
		"application data":     {"\x17\x03\x03\x00\x01\x00", "not TLS"},
		"an enormous protocol": {strings.Repeat("\xff", 1<<20), "not TLS"},
	} {
		t.Run(name, func(t *testing.T) {
			c := h.dialRaw(t)
			_, _ = io.WriteString(c, test.sent)
			_, err := io.Copy(io.Discard, c)
			if err != nil { // a reset is as good as an end
				var timeout net.Error
				if assert.ErrorAs(t, err, &timeout) {
					assert.False(t, timeout.Timeout(), "the connection stayed open")
				}
			}
			j, stop := h.refused(t, c.LocalAddr().String(), journey.NotTLS)
			assert.Nil(t, j.TLS.Alert)
			assert.Contains(t, stop.Decided, test.decided)
		})
	}
	t.Run("SSL 2.0", func(t *testing.T) {
		c := h.dialRaw(t)
		_, _ = io.WriteString(c, "\x80\x2e\x01\x00\x02")
		answer, _ := io.ReadAll(c)
		assert.Equal(t, []byte{21, 3, 1, 0, 2, 2, 70}, answer, "the alert protocol_version")
		j, _ := h.refused(t, c.LocalAddr().String(), journey.TLSVersionNotOffered)
		require.NotNil(t, j.TLS.Alert)
		assert.Equal(t, "protocol_version", j.TLS.Alert.Name)
	})
	a, _ := h.call(t, h.as(h.pki.client))
	assert.Equal(t, 200, a.status)
}

func TestHandshakesThatDoNotEnd(t *testing.T) {
	for name, test := range map[string]struct{ sent, decided string }{
		"silent": {"", "nothing was sent for 10s"},
		"half":   {"\x16\x03\x01\x02\x00\x01", "the handshake was not finished after 10s"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				h, p := piped(t, nil)
				c := p.connect()
				_, err := io.WriteString(c, test.sent)
				require.NoError(t, err)
				assert.Equal(t, 10*time.Second, took(func() { ended(t, c) }))
				j, stop := h.refused(t, c.LocalAddr().String(), journey.HandshakeTimeout)
				assert.Equal(t, test.decided, stop.Decided)
				assert.Nil(t, j.TLS.Alert)
				assert.Equal(t, h.now(), stop.At)
			})
		})
	}
	h := open(t, nil)
	t.Run("broken off", func(t *testing.T) {
		c := h.dialRaw(t)
		_, _ = io.WriteString(c, "\x16\x03\x01\x02\x00\x01")
		require.NoError(t, c.Close())
		_, stop := h.refused(t, c.LocalAddr().String(), journey.SenderEndedHandshake)
		assert.Contains(t, stop.Decided, "without an alert")
	})
	t.Run("nothing at all", func(t *testing.T) {
		c := h.dialRaw(t)
		require.NoError(t, c.Close())
		_, stop := h.refused(t, c.LocalAddr().String(), journey.SenderEndedHandshake)
		assert.Contains(t, stop.Decided, "without sending anything")
	})
	t.Run("no common protocol", func(t *testing.T) {
		config := h.as(nil)
		config.NextProtos = []string{"h2"}
		client, alert := h.alertAt(t, config)
		assert.Equal(t, "no_application_protocol", alert.Name)
		j, _ := h.refused(t, client, journey.HandshakeFailed)
		require.NotNil(t, j.TLS.Alert)
		assert.Equal(t, alert, *j.TLS.Alert)
	})
	t.Run("a good one", func(t *testing.T) {
		a, _ := h.call(t, h.as(h.pki.client))
		assert.Equal(t, 200, a.status)
	})
}
