package loadbalancer

import (
	"crypto/tls"
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"example.com/gatehouse/simulator/journey"
)

// code is an alert as crypto/tls has it.
type code uint8

func (code) Error() string { return "alert" }

// wrapped is an error as crypto/tls wraps one that stays.
type wrapped struct{ err error }

func (*wrapped) Error() string { return "wrapped" }

// direction is one of a connection in crypto/tls, as far as it matters.
type direction struct{ err error }

// What a connection of crypto/tls keeps is found, and nothing is taken for it that only looks alike,
// or that crypto/tls might keep there in another release.
func TestSentAlert(t *testing.T) {
	local := func(err error) error { return &net.OpError{Op: "local error", Err: err} }
	deep := func(times int) error {
		err := local(code(42))
		for range times {
			err = &wrapped{err}
		}
		return err
	}
	found := &journey.Alert{From: journey.LoadBalancerSide, Number: 42, Name: "bad_certificate"}
	for name, row := range map[string]struct {
		connection any
		want       *journey.Alert
	}{
		"as it is":            {&struct{ out direction }{direction{deep(1)}}, found},
		"not wrapped":         {&struct{ out direction }{direction{deep(0)}}, found},
		"endlessly wrapped":   {&struct{ out direction }{direction{deep(99)}}, nil},
		"no error":            {&struct{ out direction }{}, nil},
		"of the other side":   {&struct{ out direction }{direction{&net.OpError{Op: "remote error", Err: code(42)}}}, nil},
		"another error":       {&struct{ out direction }{direction{errors.New("closed")}}, nil},
		"another local error": {&struct{ out direction }{direction{local(errors.New("closed"))}}, nil},
		"an operation that is no text": {&struct{ out direction }{direction{&struct {
			error
			Op  int
			err error
		}{err: code(42)}}}, found},
		"the other direction": {&struct{ in direction }{direction{deep(1)}}, nil},
		"no direction":        {&struct{ out error }{deep(1)}, nil},
		"nothing in it":       {&struct{ out struct{} }{}, nil},
	} {
		assert.Equal(t, row.want, sentAlert(row.connection), name)
	}
}

// failing is a connection on which reading fails.
type failing struct {
	scripted
	err error
}

func (f *failing) Read([]byte) (int, error) { return 0, f.err }

// A connection that breaks is the sender's doing; what crypto/tls finds wrong is not.
func TestBrokenConnections(t *testing.T) {
	lb, err := prepare(Config{Default: testPKI().host(tenantHost, Request)})
	require.NoError(t, err)
	explained := func(c net.Conn) refusal {
		w := &wire{Conn: c}
		secured := tls.Server(w, lb.outer)
		return lb.explain(w, secured, secured.Handshake())
	}
	r := explained(&failing{err: &net.OpError{Op: "read", Err: syscall.ECONNRESET}})
	assert.Equal(t, journey.SenderEndedHandshake, r.reason)
	assert.Equal(t, "the sender closed the connection without sending anything", r.decided)
	assert.Nil(t, r.alert)

	r = explained(&scripted{input: record(22, 14, 0, 0, 0)}) // a message that does not belong there
	assert.Equal(t, journey.HandshakeFailed, r.reason)
	assert.NotNil(t, r.alert)
	r = explained(&scripted{input: append(firstFlight(t), record(23, make([]byte, 20)...)...)}) // nor does this record
	assert.Equal(t, journey.HandshakeFailed, r.reason)
	require.NotNil(t, r.alert)
	assert.Equal(t, "bad_record_mac", r.alert.Name)
}
