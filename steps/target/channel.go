package target

import (
	"reflect"

	"example.com/gatehouse/simulator"
)

// sameChannel tells whether two descriptions of a channel mean the same but for the name of the
// flow.
func sameChannel(a, b simulator.Channel) bool {
	return reflect.DeepEqual(plain(a), plain(b))
}

// plain writes every default out.
func plain(c simulator.Channel) simulator.Channel {
	runtime := c.Runtime(nil)
	protected := runtime.CSRFProtected
	c.Flow, c.CSRFProtected = "", &protected
	if c.Authorization.ClientCertificates == nil && (c.Authorization.UserRole == "" || c.OldAdapter) {
		c.Authorization.UserRole = BaseRole
	}
	if c.MaximumBodySize == 0 {
		c.MaximumBodySize = 40
	}
	if c.Answer == "" {
		c.Answer = "echo"
	}
	if len(c.Authorization.ClientCertificates) == 0 && c.Authorization.ClientCertificates != nil {
		c.Authorization.ClientCertificates = []simulator.TableRow{}
	}
	if c.Adapter == "" {
		c.Adapter = string(runtime.Adapter)
	}
	return c
}
