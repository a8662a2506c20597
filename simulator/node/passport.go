package node

import (
	"encoding/hex"
	"strings"
)

// passportHeader carries the SAP passport of a call, in hex.
const passportHeader = "Sap-Passport"

// The layout of a passport of version 3, in bytes, as far as it is read here [I: from SAP's
// published descriptions; what the access log shows of it is C]:
//
//	 0  "*TH*"               117  name of the previous component, 32
//	 4  version, 1           149  transaction id, 32 hex digits as text
//	 5  length, 2            181  client, component type
//	 7  trace flag, 2        186  root context id, 16
//	 9  component, 32        202  connection id, 16
//	41  service, user,       218  counter, variable parts
//	    action               226  "*TH*"
const (
	passportMark        = "*TH*"
	passportSize        = 230
	maxPassport         = 8 << 10
	passportTransaction = 149
	passportRoot        = 186
	passportConnection  = 202
)

// passport is what the logs show of an SAP passport: three ids of 32 upper-case hex digits. The
// zero value is that of a call without one.
type passport struct{ root, transaction, connection string }

// parsePassport reads a passport in hex. What cannot be read counts as none: a passport serves
// monitoring and never decides about a call.
func parsePassport(value string) (passport, bool) {
	value = strings.TrimSpace(value)
	if len(value) < 2*passportSize || len(value) > maxPassport {
		return passport{}, false
	}
	raw, err := hex.DecodeString(value)
	if err != nil || string(raw[:4]) != passportMark || string(raw[len(raw)-4:]) != passportMark {
		return passport{}, false
	}
	if declared := int(raw[5])<<8 | int(raw[6]); declared != len(raw) {
		return passport{}, false
	}
	transaction := strings.ToUpper(string(raw[passportTransaction : passportTransaction+32]))
	if strings.Trim(transaction, "0123456789ABCDEF") != "" {
		return passport{}, false
	}
	upper := func(id []byte) string { return strings.ToUpper(hex.EncodeToString(id)) }
	return passport{
		root:        upper(raw[passportRoot : passportRoot+16]),
		transaction: transaction,
		connection:  upper(raw[passportConnection : passportConnection+16]),
	}, true
}

// column is the last column of the access log, without brackets [C].
func (p passport) column() string {
	if p.root == "" {
		return ""
	}
	return p.root + "/" + p.transaction + "/1/" + p.connection
}

// fields are fields 11 to 13 of a trace record [C that they hold 32 hex digits; [?] which].
func (p passport) fields() [3]string { return [3]string{p.root, p.transaction, p.connection} }

// flag is field 14 of a trace record [C: 0 or 1; [?] when].
func (p passport) flag() string {
	if p.root == "" {
		return ""
	}
	return "1"
}
