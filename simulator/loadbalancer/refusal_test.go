package loadbalancer

import (
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"

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
