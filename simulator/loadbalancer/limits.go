package loadbalancer

import "time"

// Limits guard the load balancer against senders that misbehave. A field that is zero or
// negative has its default. All durations are real time, whatever the clock says.
type Limits struct {
	// HandshakeTimeout is how long a TLS handshake may take. Default: 10 s. [?]
	HandshakeTimeout time.Duration
	// HeaderBytes is how large request line and headers may be together; a larger header is
	// answered with 431 and the connection closed. Default: 32 KiB; not below 4 KiB. [?]
	HeaderBytes int
	// HeaderTimeout is how long a sender may take for one header, and for its first request after
	// the handshake. Default: 10 s. [?]
	HeaderTimeout time.Duration
	// BodyStall is how long a request body may pause. Default: 20 s. [C] SAP-docs/btp-integration-suite.
	BodyStall time.Duration
	// Call is how long a call may last. Default: 10 min. [C] SAP-docs/btp-integration-suite.
	Call time.Duration
	// Idle is how long a connection may wait for its next request. Default: 300 s. [?]
	Idle time.Duration
	// Connections is how many connections may be open at once; further ones are closed. Default:
	// 10,000. [?]
	Connections int
}

const minHeaderBytes = 4 << 10

func (l Limits) withDefaults() Limits {
	orElse(&l.HandshakeTimeout, 10*time.Second)
	orElse(&l.HeaderBytes, 32<<10)
	orElse(&l.HeaderTimeout, 10*time.Second)
	orElse(&l.BodyStall, 20*time.Second)
	orElse(&l.Call, 10*time.Minute)
	orElse(&l.Idle, 300*time.Second)
	orElse(&l.Connections, 10_000)
	l.HeaderBytes = max(l.HeaderBytes, minHeaderBytes)
	return l
}

func orElse[T int | time.Duration](field *T, value T) {
	if *field <= 0 {
		*field = value
	}
}
