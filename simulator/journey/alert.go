package journey

import (
	"errors"
	"fmt"
	"net"
	"reflect"
)

// Side names one of the two ends of the TLS connection.
type Side string

const (
	SenderSide       Side = "sender"
	LoadBalancerSide Side = "load balancer"
)

// Alert is a TLS alert (RFC 8446, section 6) and the side that sent it.
type Alert struct {
	From   Side   `json:"from"`
	Number uint8  `json:"number"`
	Name   string `json:"name"`
}

func (a Alert) String() string {
	return fmt.Sprintf("%s (%d) from the %s", a.Name, a.Number, a.From)
}

// alertNames are the names of RFC 8446, section 6, and of RFC 5246, section 7.2, for those that
// TLS 1.3 no longer has.
var alertNames = map[uint8]string{
	0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
	22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure",
	41: "no_certificate", 42: "bad_certificate", 43: "unsupported_certificate",
	44: "certificate_revoked", 45: "certificate_expired", 46: "certificate_unknown",
	47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
	51: "decrypt_error", 60: "export_restriction", 70: "protocol_version",
	71: "insufficient_security", 80: "internal_error", 86: "inappropriate_fallback",
	90: "user_canceled", 100: "no_renegotiation", 109: "missing_extension",
	110: "unsupported_extension", 111: "certificate_unobtainable", 112: "unrecognized_name",
	113: "bad_certificate_status_response", 114: "bad_certificate_hash_value",
	115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
	121: "ech_required",
}

// AlertName returns the name of an alert, or "alert N" for one that no RFC names.
func AlertName(number uint8) string {
	if name, ok := alertNames[number]; ok {
		return name
	}
	return fmt.Sprintf("alert %d", number)
}

// AlertNumber returns the number of the alert with that name.
func AlertNumber(name string) (uint8, bool) {
	for number, n := range alertNames {
		if n == name {
			return number, true
		}
	}
	return 0, false
}

// ReceivedAlert finds the alert that the other side sent in an error of crypto/tls.
// peer is the side that sent it.
//
// crypto/tls wraps a received alert in a *net.OpError with Op "remote error"; the alert's type
// is not exported, but its kind (uint8) is its number.
func ReceivedAlert(err error, peer Side) (Alert, bool) {
	for {
		var op *net.OpError
		if !errors.As(err, &op) {
			return Alert{}, false
		}
		if op.Op == "remote error" && op.Err != nil {
			if v := reflect.ValueOf(op.Err); v.Kind() == reflect.Uint8 {
				number := uint8(v.Uint())
				return Alert{From: peer, Number: number, Name: AlertName(number)}, true
			}
		}
		err = op.Err
		if err == nil {
			return Alert{}, false
		}
	}
}
