package loadbalancer

import "example.com/gatehouse/simulator/journey"

// records follows the framing of what a sender sends during the handshake (RFC 8446, section 5.1),
// and keeps the first alert that is not encrypted.
//
// A client of TLS 1.3 that does not trust the server's certificate may say so before it encrypts
// anything; OpenSSL and with it curl do. crypto/tls expects an encrypted record there and only
// tells of one that it cannot decrypt. The zero value is ready for use.
type records struct {
	head   [5]byte
	have   int // octets of head
	length int // octets of the record, without its head
	left   int // those of them that are still to come
	body   [2]byte
	alert  *journey.Alert
	// done is set when the handshake is over: later alerts are encrypted.
	done bool
}

const (
	recordAlert = 21
	// plainAlert is the length of an alert that is not encrypted: level and description.
	plainAlert = 2
)

// see reads on.
func (r *records) see(p []byte) {
	for len(p) > 0 && !r.done && r.alert == nil {
		if r.have < len(r.head) {
			n := copy(r.head[r.have:], p)
			r.have, p = r.have+n, p[n:]
			r.length = int(r.head[3])<<8 | int(r.head[4]) // as soon as all of the head is there
			r.left = r.length
			continue
		}
		plain := r.head[0] == recordAlert && r.length == plainAlert
		n := min(r.left, len(p))
		if plain {
			copy(r.body[r.length-r.left:], p[:n])
		}
		r.left, p = r.left-n, p[n:]
		if r.left > 0 {
			return
		}
		if plain {
			r.alert = &journey.Alert{From: journey.SenderSide, Number: r.body[1], Name: journey.AlertName(r.body[1])}
		}
		r.have = 0
	}
}
